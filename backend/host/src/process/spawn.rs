//! Starting a node's process: in a session of its own, with the lock of its folder as inheritance.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use valkyard_model::Pid;

use super::identity::stat_fields;
use super::pid_file::{Holder, holder, recorded, take_lock};
use crate::files::FilesError;
use crate::node_home::NodeHome;
use crate::ports::{PortOwner, port_owner};

const LOG_MODE: u32 = 0o600;
/// More than the longest line of `/proc/self/stat`: 52 numbers of at most 20 digits.
const STAT_LENGTH_MAX: usize = 2048;
/// More than two numbers, a space and a newline take.
const RECORD_LENGTH_MAX: usize = 64;

/// What to start. The process gets this environment only, the node's folder as its working directory, and no input; what
/// it prints goes to the node's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The program; an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Addresses it will listen on: each must be free.
    pub probe: Vec<SocketAddrV4>,
}

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// A process of the node is there but cannot be named yet.
    #[error("a process of the node in {} is running already", path.display())]
    AlreadyRunning {
        /// The node's folder.
        path: PathBuf,
    },
    /// Somebody listens where the process should.
    #[error("address {address} is in use{}", owner.as_ref().map_or_else(String::new, |owner| format!(" by {owner}")))]
    AddressInUse {
        /// The address.
        address: SocketAddrV4,
        /// Who, if it can be known.
        owner: Option<PortOwner>,
    },
    /// The machine does not have the address, or does not let this user bind it.
    #[error("address {address} cannot be used")]
    AddressUnusable {
        /// The address.
        address: SocketAddrV4,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program is missing or is not a program for this machine.
    #[error("{} cannot be executed", path.display())]
    NotExecutable {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the node cannot be written.
    #[error("failed to write a file of the process")]
    Files(#[from] FilesError),
    /// The machine has no room for another process.
    #[error("failed to start {}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Held from opening a lock until no copy of it is left in this process: a process that is forked meanwhile would have the
/// lock's descriptor, and seem to be a process of the node, until it becomes its program.
static FORKING: Mutex<()> = Mutex::new(());

/// Waits until no process is between fork and exec, and keeps it so.
pub(crate) fn fork_alone() -> MutexGuard<'static, ()> {
    // There is nothing behind it that a panic could spoil.
    FORKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a node's process, and returns when it has become the program. If one runs already, that one is returned. Give the
/// pid to [`crate::watch_exit`], which also collects the process when it ends.
///
/// # Errors
/// See [`SpawnError`]; then no process was left.
pub fn spawn(home: &NodeHome, spec: &ProcessSpec) -> Result<Pid, SpawnError> {
    let pid_path = home.pid_path();
    let files = |error| SpawnError::Files(FilesError::new(&pid_path, error));
    let _alone = fork_alone();
    // Before the file is made again, which would hide a process that has lost it.
    if let Some(pid) = bereft_process(home).map_err(files)? {
        return Ok(pid);
    }
    let Some(lock) = take_lock(home).map_err(files)? else {
        let running = recorded(home).map_err(files)?;
        return running.map(|process| process.pid).ok_or_else(|| SpawnError::AlreadyRunning { path: home.path().to_owned() });
    };
    let started = start(home, spec, &lock);
    if started.is_err() {
        // Explicitly: a process that somebody else forks at this moment has a copy of the descriptor. If unlocking fails,
        // the lock still goes with the last copy.
        let _ = lock.unlock();
    }
    started
}

/// The node's process, if it is one whose `node.pid` was taken away.
fn bereft_process(home: &NodeHome) -> io::Result<Option<Pid>> {
    if home.pid_path().try_exists()? {
        return Ok(None);
    }
    Ok(match holder(home)? {
        Holder::Process(pid) => Some(pid),
        Holder::Nobody | Holder::Hidden => None,
    })
}

/// Sees whether an address can be bound, without ever listening on it.
fn probe(address: SocketAddrV4) -> Result<(), SpawnError> {
    let bind = || {
        let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // As the engine does: connections of an earlier process that are still being closed do not count.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        rustix::net::bind(&socket, &address)
    };
    bind().map_err(|errno| match errno {
        Errno::ADDRINUSE => SpawnError::AddressInUse { address, owner: port_owner(address) },
        errno => SpawnError::AddressUnusable { address, source: errno.into() },
    })
}

fn start(home: &NodeHome, spec: &ProcessSpec, lock: &File) -> Result<Pid, SpawnError> {
    for address in &spec.probe {
        probe(*address)?;
    }
    let log_path = home.log_path();
    let log = OpenOptions::new().append(true).create(true).mode(LOG_MODE).open(&log_path);
    let (out, err) = log.and_then(|log| Ok((log.try_clone()?, log))).map_err(|error| FilesError::new(&log_path, error))?;
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(spec.env.iter().map(|(key, value)| (key, value))).current_dir(home.path());
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    hand_over(&mut command, lock);
    let child = command.spawn().map_err(|error| refusal(home, spec, error))?;
    Ok(Pid(i32::try_from(child.id()).expect("pids are positive numbers of 31 bits at most")))
}

fn refusal(home: &NodeHome, spec: &ProcessSpec, source: io::Error) -> SpawnError {
    let path = spec.program.clone();
    let of_program = [Errno::NOENT, Errno::NOTDIR, Errno::ACCESS, Errno::NOEXEC, Errno::PERM, Errno::ISDIR, Errno::LIBBAD];
    let of_disk = [Errno::NOSPC, Errno::DQUOT];
    let is_one_of = |errnos: &[Errno]| errnos.iter().any(|errno| source.raw_os_error() == Some(errno.raw_os_error()));
    if is_one_of(&of_program) {
        SpawnError::NotExecutable { path, source }
    } else if is_one_of(&of_disk) {
        SpawnError::Files(FilesError::new(&home.pid_path(), source))
    } else {
        SpawnError::Start { path, source }
    }
}

#[expect(
    unsafe_code,
    reason = "only between fork and exec can a session be started and a descriptor be inherited by one child alone"
)]
fn hand_over(command: &mut Command, lock: &File) {
    let lock = lock.as_raw_fd();
    // SAFETY: the closure makes system calls on stack memory only: it neither allocates nor takes locks, so it may run in
    // the child of a process with many threads. `lock` is open in the child: the caller keeps the file until the command
    // has been spawned, and a fork copies every descriptor.
    unsafe {
        command.pre_exec(move || become_node_process(BorrowedFd::borrow_raw(lock)).map_err(io::Error::from));
    }
}

/// In the child: leaves the daemon's session, says who it is in `node.pid`, and keeps that file open over `exec`.
fn become_node_process(lock: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::process::setsid()?;
    let stat = rustix::fs::open(c"/proc/self/stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut line = [0; STAT_LENGTH_MAX];
    let length = rustix::io::read(stat.as_fd(), &mut line)?;
    let fields = stat_fields(&line[..length]).ok_or(Errno::PROTO)?;
    let mut record = [0; RECORD_LENGTH_MAX];
    let mut end = 0;
    for part in [fields.pid, b" ", fields.start, b"\n"] {
        record.get_mut(end..end + part.len()).ok_or(Errno::PROTO)?.copy_from_slice(part);
        end += part.len();
    }
    rustix::fs::ftruncate(lock, 0)?;
    if rustix::io::pwrite(lock, &record[..end], 0)? != end {
        return Err(Errno::NOSPC);
    }
    rustix::io::fcntl_setfd(lock, FdFlags::empty())
}

//! A daemon of a test's own: its data folder, its port, its end.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::api::Api;
use crate::processes::kill_9;
use crate::tools::{binary, tools_dir};
use crate::wait::{let_pass, wait_until};

/// Longest start of a daemon on an idle data folder.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How to start a daemon.
#[derive(Clone, Debug, Default)]
pub struct DaemonOptions {
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
    /// The only engines it may find; those of the tools folder and of PATH if absent.
    pub engines: Option<PathBuf>,
    /// The data folder; a temporary one if absent.
    pub data_dir: Option<PathBuf>,
}

/// A running daemon; ended with its nodes when dropped.
#[derive(Debug)]
pub struct Daemon {
    options: DaemonOptions,
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Daemon {
    /// Starts one and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    #[must_use]
    pub fn start(options: DaemonOptions) -> Self {
        let folder = TempDir::with_prefix("valkyard-").expect("a temporary folder");
        let mut daemon = Self { options, folder, port: free_port(), child: None };
        daemon.restart();
        daemon
    }

    /// Its data folder.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.options.data_dir.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its REST API.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.endpoint())
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn pid(&self) -> i32 {
        let child = self.child.as_ref().expect("the daemon runs");
        i32::try_from(child.id()).expect("pids fit")
    }

    /// Starts it again on the same folder and port, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn restart(&mut self) {
        self.spawn();
        let api = self.api();
        wait_until("the daemon to get ready", START_LIMIT, || match api.try_call("GET", "/readyz", "") {
            Some(answer) if answer.status == 200 => Ok(()),
            answer => Err(format!("{answer:?}; log:\n{}", self.log())),
        });
    }

    /// Starts it again without waiting.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut command = Command::new(binary("valkyard"));
        if self.options.engines.is_some() {
            command.env("PATH", "/nowhere");
        }
        let child = command
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--log-format", "text"])
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--engine-paths")
            .arg(self.options.engines.clone().unwrap_or_else(|| tools_dir().join("engines")))
            .args(&self.options.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        self.child = Some(child);
    }

    /// SIGKILL; its nodes live on.
    pub fn kill_9(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_9(i32::try_from(child.id()).expect("pids fit"));
            child.wait().expect("a killed child ends");
        }
    }

    /// SIGSTOP for a while: nobody looks after the nodes meanwhile.
    pub fn pause(&self, length: Duration) {
        crate::scene::send(self.pid(), rustix::process::Signal::STOP);
        let_pass(length);
        crate::scene::send(self.pid(), rustix::process::Signal::CONT);
    }

    /// SIGTERM, then waits for its end; its nodes live on.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(&mut self) {
        let mut child = self.child.take().expect("the daemon runs");
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("pids fit")).expect("pids are positive");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the daemon can be signalled");
        wait_until("the daemon to end", START_LIMIT, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}")),
        });
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// After a failure: everything the daemon and its nodes logged goes to `VALKYARD_TEST_LOG_DIR`, if that is set.
    fn save_logs(&self) {
        let Some(folder) = std::env::var_os("VALKYARD_TEST_LOG_DIR").map(PathBuf::from) else { return };
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let target = folder.join(format!("{name}-{}", std::process::id()));
        let copied = Command::new("cp").arg("-a").arg(self.folder.path()).arg(&target).status();
        eprintln!("logs are in {}: {copied:?}", target.display());
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("daemon.log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.save_logs();
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("end of the daemon's log:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        let down = Command::new(binary("valkyard")).arg("down").arg("--data-dir").arg(self.data_dir()).output();
        self.kill_9();
        end_left_nodes(&self.data_dir());
        if let Ok(output) = down
            && !output.status.success()
            && !std::thread::panicking()
        {
            panic!("valkyard down: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Nothing a test started outlives it, whatever went wrong.
fn end_left_nodes(data_dir: &Path) {
    for node in crate::processes::node_processes(data_dir) {
        kill_9(node.pid);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("a bound listener has an address").port()
}

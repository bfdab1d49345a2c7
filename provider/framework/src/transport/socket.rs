//! The unix socket the host connects to: where it lies, who may connect, and its removal.
//!
//! Opened by [`Listening`](super::Listening). The file is removed when [`PluginSocket`] is dropped; only SIGKILL
//! leaves it behind. TCP, which Go plugins use on Windows, is not offered.

use std::{
    env, fs, io,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        net::UnixListener as StdUnixListener,
    },
    path::{Path, PathBuf},
};

use tempfile::TempPath;
use tokio::net::UnixListener;

use super::handshake::HostEnvironment;

/// Room for a path in the kernel's socket address, without the closing zero byte.
#[cfg(target_os = "linux")]
const PATH_BYTES_MAX: usize = 107;
/// Room for a path in the kernel's socket address, without the closing zero byte.
#[cfg(not(target_os = "linux"))]
const PATH_BYTES_MAX: usize = 103;

const NAME_PREFIX: &str = "plugin";
const NAME_RANDOM_CHARS: usize = 6;

const MODE_OWNER: u32 = 0o600;
const MODE_OWNER_AND_GROUP: u32 = 0o660;

/// Where group names are looked up.
const GROUP_FILE: &str = "/etc/group";

/// Why the socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The folder's name leaves no room for the socket's.
    #[error(
        "the socket path {path} would be {length} bytes long and the system allows {PATH_BYTES_MAX}; \
         set PLUGIN_UNIX_SOCKET_DIR or TMPDIR to a folder with a shorter path"
    )]
    PathTooLong {
        /// The path, with a stand-in for the random part of the name.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The folder is missing or may not be written.
    #[error("failed to create a socket in {dir}")]
    Bind {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The group of `PLUGIN_UNIX_SOCKET_GROUP` is neither a number nor a name in the group file.
    #[error("there is no group {group:?} to give the socket to (PLUGIN_UNIX_SOCKET_GROUP)")]
    UnknownGroup {
        /// What the variable held.
        group: String,
    },
    /// Owner or mode could not be set.
    #[error("failed to restrict who may connect to {path}")]
    Restrict {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A listening socket and the file it answers on.
#[derive(Debug)]
pub(super) struct PluginSocket {
    pub(super) listener: UnixListener,
    path: TempPath,
}

impl PluginSocket {
    /// Listens on a fresh path. Needs a runtime to be entered.
    pub(super) fn open(environment: &HostEnvironment) -> Result<Self, SocketError> {
        let dir = environment.socket_dir.clone().unwrap_or_else(env::temp_dir);
        check_length(&dir)?;
        let bind_error = |source| SocketError::Bind { dir: dir.clone(), source };
        let (listener, path) = tempfile::Builder::new()
            .prefix(NAME_PREFIX)
            .rand_bytes(NAME_RANDOM_CHARS)
            .make_in(&dir, |path| StdUnixListener::bind(path))
            .map_err(bind_error)?
            .into_parts();
        restrict(&path, environment.socket_group.as_deref())?;
        listener.set_nonblocking(true).map_err(bind_error)?;
        let listener = UnixListener::from_std(listener).map_err(bind_error)?;
        Ok(Self { listener, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn check_length(dir: &Path) -> Result<(), SocketError> {
    let stand_in = format!("{NAME_PREFIX}{}", "X".repeat(NAME_RANDOM_CHARS));
    let path = dir.join(stand_in);
    let length = path.as_os_str().len();
    if length > PATH_BYTES_MAX {
        return Err(SocketError::PathTooLong { path, length });
    }
    Ok(())
}

fn restrict(path: &Path, group: Option<&str>) -> Result<(), SocketError> {
    let restrict_error = |source| SocketError::Restrict { path: path.to_owned(), source };
    let mode = match group {
        None => MODE_OWNER,
        Some(group) => {
            let id = group_id(group).ok_or_else(|| SocketError::UnknownGroup { group: group.to_owned() })?;
            chown(path, None, Some(id)).map_err(restrict_error)?;
            MODE_OWNER_AND_GROUP
        }
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(restrict_error)
}

fn group_id(group: &str) -> Option<u32> {
    if let Ok(id) = group.parse() {
        return Some(id);
    }
    let groups = fs::read_to_string(GROUP_FILE).ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id = fields.nth(1)?;
        (name == group).then(|| id.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn environment(dir: &Path, group: Option<&str>) -> HostEnvironment {
        HostEnvironment { socket_dir: Some(dir.to_owned()), socket_group: group.map(str::to_owned), ..HostEnvironment::default() }
    }

    #[tokio::test]
    async fn socket_lies_in_the_folder_asked_for_and_goes_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let socket = PluginSocket::open(&environment(dir.path(), None)).unwrap();
        let path = socket.path().to_owned();
        assert_eq!(path.parent(), Some(dir.path()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn socket_is_given_to_the_group_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let own_group = fs::metadata(dir.path()).unwrap().gid();
        let socket = PluginSocket::open(&environment(dir.path(), Some(&own_group.to_string()))).unwrap();
        let metadata = fs::metadata(socket.path()).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o660);
        assert_eq!(metadata.gid(), own_group);
    }

    #[tokio::test]
    async fn unknown_group_is_refused_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let error = PluginSocket::open(&environment(dir.path(), Some("no such group"))).expect_err("there is no such group");
        assert!(error.to_string().contains("\"no such group\""), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn group_names_resolve_to_their_numbers() {
        let groups = fs::read_to_string(GROUP_FILE).unwrap();
        let fields: Vec<_> = groups.lines().next().unwrap().split(':').collect();
        assert_eq!(group_id(fields[0]), fields[2].parse().ok());
        assert_eq!(group_id("4711"), Some(4711));
    }

    #[tokio::test]
    async fn longest_path_the_system_takes_is_accepted_and_one_more_byte_is_named() {
        let root = tempfile::tempdir().unwrap();
        let name_bytes = 1 + NAME_PREFIX.len() + NAME_RANDOM_CHARS;
        let room = PATH_BYTES_MAX - name_bytes - root.path().as_os_str().len() - 1;
        let fits = root.path().join("d".repeat(room));
        let too_long = root.path().join("d".repeat(room + 1));
        for dir in [&fits, &too_long] {
            fs::create_dir(dir).unwrap();
        }
        PluginSocket::open(&environment(&fits, None)).unwrap();
        let error = PluginSocket::open(&environment(&too_long, None)).expect_err("one byte over");
        let text = error.to_string();
        assert!(text.contains(&format!("{} bytes", PATH_BYTES_MAX + 1)), "{text}");
        assert!(text.contains("PLUGIN_UNIX_SOCKET_DIR"), "{text}");
    }
}

//! A real object store that speaks S3 (SeaweedFS), of a test's own; it ends with its value.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::processes::kill_9;
use crate::scene::send;
use crate::tools::tools_dir;
use crate::wait::wait_until;

/// It takes a second and a half.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Its bucket.
pub const BUCKET: &str = "backups";
const USER: &str = "valkyard";
const SECRET: &str = "not-a-secret";

/// The server.
#[derive(Debug)]
pub struct ObjectStore {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl ObjectStore {
    /// Starts one with an empty bucket.
    ///
    /// # Panics
    /// When it is not there, or does not get ready.
    #[must_use]
    pub fn start() -> Self {
        let program = tools_dir().join("object-stores/weed");
        assert!(program.exists(), "{} is not there; run acceptance-tests/setup/object-stores.sh", program.display());
        let folder = TempDir::with_prefix("valkyard-s3-").expect("a temporary folder");
        let ports = free_ports::<10>();
        let mut command = Command::new(program);
        command.arg("mini").arg(format!("-dir={}", folder.path().display())).args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
        for (name, pair) in ["master.port", "volume.port", "filer.port", "s3.port", "admin.port"].iter().zip(ports.chunks(2)) {
            command.arg(format!("-{name}={}", pair[0])).arg(format!("-{name}.grpc={}", pair[1]));
        }
        for socket in ["filer", "s3"] {
            command.arg(format!("-{socket}.localSocket={}", folder.path().join(socket).display()));
        }
        command.args(["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
        command.arg(format!("-bucket={BUCKET}")).env("AWS_ACCESS_KEY_ID", USER).env("AWS_SECRET_ACCESS_KEY", SECRET);
        let log = std::fs::File::create(folder.path().join("log")).expect("a writable folder");
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file of ours"))
            .stderr(log)
            .spawn()
            .expect("the store starts");
        let store = Self { folder, port: ports[6], child };
        store.wait_until_ready();
        store
    }

    /// A configuration file for a daemon that reaches it.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        let path = self.folder.path().join("valkyard.toml");
        let text = format!(
            "[object_stores.s3]\nendpoint = \"http://127.0.0.1:{}\"\nallow_http = \"true\"\nregion = \"us-east-1\"\n\
             access_key_id = \"{USER}\"\nsecret_access_key = \"{SECRET}\"\n",
            self.port
        );
        std::fs::write(&path, text).expect("a writable folder");
        path
    }

    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(&mut self) {
        kill_9(i32::try_from(self.child.id()).expect("pids fit"));
        self.child.wait().expect("a killed child ends");
    }

    /// From now on it answers nobody, until it goes on.
    pub fn pause(&self) {
        send(i32::try_from(self.child.id()).expect("pids fit"), Signal::STOP);
    }

    /// Goes on.
    pub fn go_on(&self) {
        send(i32::try_from(self.child.id()).expect("pids fit"), Signal::CONT);
    }

    /// Ready when it accepts connections and its log says that the bucket is there.
    fn wait_until_ready(&self) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        wait_until("the object store", START_LIMIT, || {
            TcpStream::connect(address).map_err(|error| error.to_string())?;
            let path = format!("http://{address}/{BUCKET}");
            let config = ureq::Agent::config_builder().http_status_as_error(false).build();
            let answer = ureq::Agent::from(config).get(&path).call().map_err(|error| error.to_string())?;
            // Without credentials a bucket that is there is forbidden; one that is not is unknown.
            if answer.status() == 403 { Ok(()) } else { Err(answer.status().to_string()) }
        });
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("a bound listener has an address").port())
}

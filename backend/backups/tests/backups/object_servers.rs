//! Real servers of object stores, as `acceptance-tests/setup/object-stores.sh` brings them; a server ends with its value.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use valkyard_backups::{BackupRef, BackupStore, StoreError};

/// Longest wait for a server; SeaweedFS takes a second and a half.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// Between two looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const BUCKET: &str = "backups";
const USER: &str = "valkyard";
const SECRET: &str = "not-a-secret";

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) options: Vec<(String, String)>,
    child: Child,
    dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server's program. `None`, with a message, where nobody promised that it is there: the script that runs all tests names
/// the tools folder and fills it.
fn program(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("VALKYARD_TEST_TOOLS").map(PathBuf::from);
    let tools = named.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools"));
    let path = tools.join("object-stores").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(named.is_none(), "{} is not there; run acceptance-tests/setup/object-stores.sh", path.display());
    eprintln!("SKIPPED: {} is not there; acceptance-tests/setup/object-stores.sh brings it", path.display());
    None
}

/// Ports that nobody uses right now.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("bound").port())
}

/// SeaweedFS with an empty bucket.
pub(crate) async fn s3() -> Option<Server> {
    let (mut command, dir, base) = seaweedfs()?;
    command.env("AWS_ACCESS_KEY_ID", USER).env("AWS_SECRET_ACCESS_KEY", SECRET);
    let options = [
        ("endpoint", base),
        ("allow_http", "true".to_owned()),
        ("region", "us-east-1".to_owned()),
        ("access_key_id", USER.to_owned()),
        ("secret_access_key", SECRET.to_owned()),
    ];
    let server = Server::start(command, dir, &format!("s3://{BUCKET}/some/prefix"), &options);
    server.ready(writes).await;
    Some(server)
}

/// SeaweedFS with an empty bucket, to be spoken to in Google's way: the XML form of Google's API, which uploads in parts go
/// through, has the requests and answers of S3. What it does not know are Google's credentials and its numbers of generations.
pub(crate) async fn gcs_for_writing() -> Option<Server> {
    let (mut command, dir, base) = seaweedfs()?;
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let options = google_options(base);
    let server = Server::start(command, dir, &format!("gs://{BUCKET}/some/prefix"), &options);
    server.ready(writes).await;
    Some(server)
}

/// How to start SeaweedFS, its folder, and where it will speak S3.
fn seaweedfs() -> Option<(Command, TempDir, String)> {
    let program = program("weed")?;
    let dir = tempfile::tempdir().expect("a folder");
    let names = ["master.port", "volume.port", "filer.port", "s3.port", "admin.port"];
    let ports = free_ports::<10>();
    let mut command = Command::new(program);
    command.arg("mini").arg(format!("-dir={}", dir.path().display())).args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
    for (name, pair) in names.iter().zip(ports.chunks(2)) {
        command.arg(format!("-{name}={}", pair[0])).arg(format!("-{name}.grpc={}", pair[1]));
    }
    for socket in ["filer", "s3"] {
        command.arg(format!("-{socket}.localSocket={}", dir.path().join(socket).display()));
    }
    command.args(["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", &format!("-bucket={BUCKET}")]);
    command.current_dir(dir.path());
    Some((command, dir, format!("http://127.0.0.1:{}", ports[6])))
}

/// fake-gcs-server with an empty bucket, keeping its objects in files. It answers reads, lists and deletions as the real one
/// does, in Google's own answers, but takes no uploads of the kind that backups are written with.
pub(crate) async fn gcs() -> Option<Server> {
    let program = program("fake-gcs-server")?;
    let dir = tempfile::tempdir().expect("a folder");
    // A folder in its root is a bucket.
    std::fs::create_dir(dir.path().join(BUCKET)).expect("writable");
    let [port] = free_ports();
    let base = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.args(["-scheme", "http", "-host", "127.0.0.1", "-port", &port.to_string(), "-backend", "filesystem"]);
    command.arg("-filesystem-root").arg(dir.path()).args(["-external-url", &base, "-public-host", &base["http://".len()..]]);
    let options = google_options(base);
    let server = Server::start(command, dir, &format!("gs://{BUCKET}"), &options);
    server.ready(async |store| store.list(None).await.map(drop)).await;
    Some(server)
}

/// With a token at hand nobody asks the cloud's own address for one; the servers take any.
fn google_options(base: String) -> [(&'static str, String); 3] {
    [("base_url", base), ("bearer_token", SECRET.to_owned()), ("allow_http", "true".to_owned())]
}

impl Server {
    fn start(mut command: Command, dir: TempDir, url: &str, options: &[(&str, String)]) -> Self {
        let log = std::fs::File::create(dir.path().join("log")).expect("writable");
        let errors = log.try_clone().expect("a file of ours");
        let child = command.stdout(Stdio::from(log)).stderr(Stdio::from(errors)).spawn().expect("the server starts");
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Self { url: url.to_owned(), options, child, dir }
    }

    /// Ends the server, abruptly.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    pub(crate) async fn store(&self) -> BackupStore {
        BackupStore::open(&self.url, &self.options).await.expect("valid options")
    }

    /// Where it listens.
    fn address(&self) -> SocketAddr {
        let (_, base) = self.options.iter().find(|(key, _)| key == "endpoint" || key == "base_url").expect("each has one");
        base["http://".len()..].parse().expect("an address")
    }

    /// Waits until it knows its bucket.
    async fn ready(&self, probe: impl AsyncFn(BackupStore) -> Result<(), StoreError>) {
        let begun = Instant::now();
        loop {
            // Until it listens at all, the store's own patience with it would be long.
            let status = match TcpStream::connect(self.address()) {
                Ok(_) => probe(self.store().await).await.map_err(|error| format!("{error:?}")),
                Err(error) => Err(error.to_string()),
            };
            let Err(status) = status else { return };
            let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < START_TIME_MAX, "gave up on the server: {status}\n{}", log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Puts an object into the bucket of Google's kind, in the one way that this server has for that.
    pub(crate) fn upload(&self, name: &str, content: &[u8]) {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        let name = name.replace('/', "%2F");
        let head = format!(
            "POST /upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name} HTTP/1.1\r\nHost: {}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            self.address(),
            content.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(content)).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Whether the store takes files.
async fn writes(store: BackupStore) -> Result<(), StoreError> {
    let backup = BackupRef { collection: "probe".parse().expect("a name"), backup: "probe".parse().expect("a name") };
    let mut file = store.begin(&backup).await?.shard(&"probe".parse().expect("a name"));
    file.write(b"probe").await?;
    file.finish().await?;
    store.delete(&backup).await
}

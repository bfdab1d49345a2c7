//! Asks a candidate what it is. Executes it twice or thrice, never with a port to listen on.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;
use valkyard_model::BinaryVersion;

use super::build::{TlsSeen, join_library_dirs};
use super::candidates::Candidate;
use super::{Allocator, Capabilities, EngineBuild, RejectReason, Rejected};

/// Longest wait for one answer. A build answers in milliseconds; a cold disk or an emulated architecture takes seconds.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// What is read of an answer; a build says a few hundred bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// What is quoted of an answer in a reason.
const QUOTE_CHARS_MAX: usize = 120;
/// The oldest supported version.
const OLDEST: BinaryVersion = BinaryVersion { major: 7, minor: 2, patch: 0 };
/// Exit status of the dynamic loader when a library is missing.
const LOADER_FAILED: i32 = 127;

/// The build behind a candidate, or why there is none.
pub(super) async fn probe(candidate: Candidate) -> Result<EngineBuild, Rejected> {
    let Candidate { program, library_dirs, origin } = candidate;
    // The system's own libraries first: those that came along may be older.
    let alone = identify(&program, &[]).await;
    let (identity, library_dirs) = match alone {
        Err(RejectReason::MissingLibrary { .. }) if !library_dirs.is_empty() => {
            (identify(&program, &library_dirs).await, library_dirs)
        }
        other => (other, Vec::new()),
    };
    let Identity { version, allocator } = match identity {
        Ok(identity) => identity,
        Err(reason) => return Err(Rejected { path: program, reason }),
    };
    let tls = ask_for_tls(&program, &library_dirs).await;
    let capabilities = Capabilities::of(version, tls, allocator);
    Ok(EngineBuild { program, library_dirs, version, capabilities, origin })
}

struct Identity {
    version: BinaryVersion,
    allocator: Allocator,
}

async fn identify(program: &PathBuf, library_dirs: &[PathBuf]) -> Result<Identity, RejectReason> {
    let answer = run(program, library_dirs, &["--version"]).await?;
    if answer.status == Some(LOADER_FAILED) && answer.err.contains("shared librar") {
        return Err(RejectReason::MissingLibrary { message: quote(&answer.err) });
    }
    let identity = parse_version_line(&answer.out)
        .ok_or_else(|| RejectReason::NotValkey { said: quote(if answer.out.is_empty() { &answer.err } else { &answer.out }) })?;
    if identity.version < OLDEST {
        return Err(RejectReason::TooOld { version: identity.version, oldest: OLDEST });
    }
    Ok(identity)
}

/// Reads `Valkey server v=8.0.1 sha=… malloc=jemalloc-5.3.0 bits=64 build=…`.
fn parse_version_line(text: &str) -> Option<Identity> {
    let words = || text.strip_prefix("Valkey server ").into_iter().flat_map(str::split_ascii_whitespace);
    let value = |name: &str| words().find_map(|word| word.strip_prefix(name));
    let version = value("v=")?.parse().ok()?;
    let Ok(allocator) = value("malloc=").unwrap_or("unknown").parse();
    Some(Identity { version, allocator })
}

/// A build with TLS that is told to listen for it without a certificate says that one is missing; one without says that
/// it knows no TLS. Either ends before it listens anywhere. Whatever else happens, TLS cannot be counted on.
async fn ask_for_tls(program: &PathBuf, library_dirs: &[PathBuf]) -> TlsSeen {
    let arguments = ["--port", "0", "--tls-port", "1", "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"];
    match run(program, library_dirs, &arguments).await {
        Ok(answer) if answer.out.contains("No tls-cert-file configured") => TlsSeen::BuiltIn,
        Ok(_) | Err(_) => TlsSeen::NotBuiltIn,
    }
}

struct Answer {
    status: Option<i32>,
    out: String,
    err: String,
}

/// Runs the program to its end, or kills it.
async fn run(program: &PathBuf, library_dirs: &[PathBuf], arguments: &[&str]) -> Result<Answer, RejectReason> {
    let not_executable = |error: io::Error| RejectReason::NotExecutable { message: error.to_string() };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(path) = join_library_dirs(library_dirs) {
        command.env("LD_LIBRARY_PATH", path);
    }
    let mut child = command.spawn().map_err(not_executable)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let finished = timeout(ANSWER_TIME_MAX, async {
        let (out, err) = tokio::join!(beginning(out), beginning(err));
        Ok(Answer { status: child.wait().await?.code(), out: out?, err: err? })
    });
    match finished.await {
        Ok(answer) => answer.map_err(not_executable),
        Err(_elapsed) => {
            child.kill().await.map_err(not_executable)?;
            Err(RejectReason::Hung { seconds: ANSWER_TIME_MAX.as_secs() })
        }
    }
}

async fn beginning(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn quote(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(QUOTE_CHARS_MAX).collect()
}

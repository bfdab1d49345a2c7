//! `valkyard down`: stops the daemon of a data folder, then its nodes. Records and folders stay.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use valkyard_host::{DataDir, NodeHome, process_seen, signal};
use valkyard_model::StopManner;

use crate::cli::DataDirOptions;
use crate::output::print;

/// A daemon drains connections for 2 s at most; the rest is a busy disk.
const DAEMON_LIMIT: Duration = Duration::from_secs(15);
/// A node without persistence exits at once when asked; one that hangs is killed.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// A killed process is gone as soon as the kernel has freed its memory.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// Gap between two looks: an exit takes milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Exit code 0 when nothing of the data folder runs any more, also when nothing ran before.
pub(crate) fn run(options: &DataDirOptions) -> Result<ExitCode> {
    let data_dir = options.resolve()?;
    if !data_dir.exists() {
        print(&format!("{} does not exist: nothing runs there\n", data_dir.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    // Opening a data folder writes into it, and this one is somebody else's.
    if !DataDir::is_one(&data_dir) {
        print(&format!("{} is not a data folder of valkyard: nothing runs there\n", data_dir.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    stop_daemon(&data_dir)?;
    let stopped = stop_nodes(&data_dir)?;
    print(&format!("stopped; {stopped} node(s) ended in {}\n", data_dir.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn stop_daemon(data_dir: &Path) -> Result<()> {
    let Some(pid) = DataDir::peek_daemon(data_dir)? else { return Ok(()) };
    let raw = Pid::from_raw(pid.0).with_context(|| format!("use {pid} as a process id"))?;
    kill_process(raw, Signal::TERM).with_context(|| format!("stop the daemon, process {pid}"))?;
    if !within(DAEMON_LIMIT, || DataDir::peek_daemon(data_dir).is_ok_and(|daemon| daemon.is_none())) {
        bail!("the daemon, process {pid}, has not ended within {DAEMON_LIMIT:?}; end it and run this again");
    }
    Ok(())
}

/// Ends every node below a data folder that no daemon runs on; returns how many ran.
pub(crate) fn stop_nodes(data_dir: &Path) -> Result<usize> {
    let data_dir = DataDir::open(data_dir)?;
    let running: Vec<NodeHome> = data_dir.homes()?.into_iter().filter(|home| !process_seen(home).is_absent()).collect();
    let mut refused = Vec::new();
    for (manner, limit) in [(StopManner::Terminate, ASK_LIMIT), (StopManner::Kill, KILL_LIMIT)] {
        refused.clear();
        for home in running.iter().filter(|home| !process_seen(home).is_absent()) {
            if let Err(error) = signal(home, manner) {
                refused.push(format!("{}: {:#}", home.path().display(), anyhow::Error::from(error)));
            }
        }
        if within(limit, || running.iter().all(|home| process_seen(home).is_absent())) {
            return Ok(running.len());
        }
    }
    let left = running.iter().filter(|home| !process_seen(home).is_absent()).map(|home| home.path().display().to_string());
    let reasons = if refused.is_empty() { String::new() } else { format!(" ({})", refused.join("; ")) };
    bail!("these nodes do not end, not even when killed: {}{reasons}", left.collect::<Vec<_>>().join(", "))
}

fn within(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !is_so() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

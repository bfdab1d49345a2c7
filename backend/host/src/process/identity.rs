//! Telling a process from a later one with the same pid: by the time it started, which the kernel keeps over `exec`.

use std::fs;
use std::io::{self, ErrorKind};

use valkyard_model::{Pid, ProcessState};

/// A pid and the clock tick since boot at which its process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    pub(crate) pid: Pid,
    pub(crate) start: u64,
}

/// The parts of `/proc/<pid>/stat` that tell processes apart, as text.
pub(crate) struct StatFields<'s> {
    pub(crate) pid: &'s [u8],
    state: u8,
    session: &'s [u8],
    pub(crate) start: &'s [u8],
}

/// Fields between the state and the session (proc(5): fields 3 and 6).
const BEFORE_SESSION: usize = 2;
/// Fields between the session and the start time (proc(5): fields 6 and 22).
const BEFORE_START: usize = 15;

/// Splits a stat line. Allocates nothing: it also runs between `fork` and `exec`. The program's name is in parentheses and
/// may contain any, hence the search from the end.
pub(crate) fn stat_fields(stat: &[u8]) -> Option<StatFields<'_>> {
    let name_start = stat.iter().position(|byte| *byte == b'(')?;
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat.get(name_end + 2..)?.split(|byte| *byte == b' ');
    let state = *fields.next()?.first()?;
    let session = fields.nth(BEFORE_SESSION)?;
    let start = fields.nth(BEFORE_START)?;
    Some(StatFields { pid: stat[..name_start].trim_ascii_end(), state, session, start })
}

/// A living process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LivingProcess {
    pub(crate) identity: ProcessIdentity,
    /// The leader of its session; a node's process leads its own, which its children share.
    pub(crate) session: Pid,
    /// Whether it can run.
    pub(crate) state: ProcessState,
}

impl LivingProcess {
    /// The process with this pid. One that has ended and was not collected is not living.
    pub(crate) fn find(pid: Pid) -> io::Result<Option<Self>> {
        let stat = match fs::read(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let unknown_form = || io::Error::new(ErrorKind::InvalidData, "unknown form of /proc/PID/stat");
        let fields = stat_fields(&stat).ok_or_else(unknown_form)?;
        let start = number(fields.start).ok_or_else(unknown_form)?;
        let session = number(fields.session).map(Pid).ok_or_else(unknown_form)?;
        let ended = matches!(fields.state, b'Z' | b'X');
        // proc(5): `T` by a signal, `t` by a debugger.
        let state = if matches!(fields.state, b'T' | b't') { ProcessState::Stopped } else { ProcessState::Running };
        Ok((!ended).then_some(Self { identity: ProcessIdentity { pid, start }, session, state }))
    }
}

fn number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl ProcessIdentity {
    /// Reads what a process has written about itself: `pid start`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (pid, start) = text.trim().split_once(' ')?;
        Some(Self { pid: Pid(pid.parse().ok()?), start: start.parse().ok()? })
    }
}

pub(crate) fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_and_spaces_do_not_confuse() {
        let stat = b"42 (a) b (c) S 1 42 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200";
        let fields = stat_fields(stat).expect("is well-formed");
        assert_eq!((fields.pid, fields.state), (&b"42"[..], b'S'));
        assert_eq!((fields.session, fields.start), (&b"41"[..], &b"987654"[..]));
        assert!(stat_fields(b"42 (sh").is_none() && stat_fields(b"").is_none());
    }

    #[test]
    fn a_process_is_recognised_and_a_missing_one_is_gone() {
        let own = Pid(i32::try_from(std::process::id()).expect("pids are small"));
        let first = LivingProcess::find(own).expect("reads").expect("lives").identity;
        assert_eq!(ProcessIdentity::parse(&format!("{} {}\n", first.pid, first.start)), Some(first));
        assert_eq!(LivingProcess::find(Pid(i32::MAX)).expect("reads"), None);
    }
}

//! A client of the load that uses valkey-py: a process of `clients/valkey_py.py` that says on its standard output what it
//! does, one JSON array a line, until its standard input closes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::load::{ClientPlan, Progress};
use super::moment::Moment;
use super::record::{Action, Event, Outcome};
use crate::tools::{repository, tools_dir};

/// The process; ended when dropped.
#[derive(Debug)]
pub(super) struct PythonClient {
    child: Child,
    /// Closed to end it.
    input: Option<ChildStdin>,
}

impl PythonClient {
    /// Starts it; its lines are to be read by [`read_events`].
    ///
    /// # Panics
    /// When Python cannot be started.
    pub(super) fn start(plan: &ClientPlan) -> (Self, ChildStdout) {
        let python = tools_dir().join("python");
        assert!(python.exists(), "{} is not there; run acceptance-tests/setup/python.sh", python.display());
        let mut child = Command::new("python3")
            .arg("-B")
            .arg(repository().join("acceptance-tests/clients/valkey_py.py"))
            .env("PYTHONPATH", python)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let keys: Vec<Value> = plan.keys.iter().map(|(index, key)| json!([index, key.name, key.kind.name()])).collect();
        let order = json!({
            "url": plan.url, "keys": keys, "commands_per_second": plan.commands_per_second,
            "turns_per_read": plan.turns_per_read,
        });
        let mut input = child.stdin.take().expect("it has a standard input");
        let output = child.stdout.take().expect("it has a standard output");
        writeln!(input, "{order}").expect("a client that was just started takes its plan");
        (Self { child, input: Some(input) }, output)
    }

    /// Asks it to end after its present command.
    pub(super) fn ask_to_end(&mut self) {
        self.input = None;
    }
}

impl Drop for PythonClient {
    fn drop(&mut self) {
        self.ask_to_end();
        // After the end of its output there is nothing to wait for; a client that is given up is killed.
        self.child.kill().expect("a child can be killed until it was waited for");
        self.child.wait().expect("a killed child ends");
    }
}

/// Reads what the client does until it ends.
///
/// # Panics
/// When a line is none of the client's.
pub(super) fn read_events(output: ChildStdout, progress: &Progress) -> Vec<Event> {
    let mut events = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.expect("the client's output can be read");
        let event = parse(&line).unwrap_or_else(|| panic!("valkey_py.py said {line:?}"));
        if event.acknowledged().is_some() {
            progress.count_one();
        }
        events.push(event);
    }
    events
}

/// `[key, value or null, sent, done, "acknowledged" | "replaced" | "found" | "failed", detail]`
fn parse(line: &str) -> Option<Event> {
    let fields: Value = serde_json::from_str(line).ok()?;
    let action = fields[1].as_u64().map_or(Action::Read, Action::Write);
    let detail = &fields[5];
    let outcome = match fields[4].as_str()? {
        "acknowledged" => Outcome::Acknowledged,
        "replaced" => Outcome::Replaced(detail.as_u64()),
        "found" => Outcome::Found(detail.as_u64()),
        "failed" => Outcome::Failed(detail.as_str()?.to_owned()),
        _ => return None,
    };
    Some(Event {
        key: usize::try_from(fields[0].as_u64()?).ok()?,
        action,
        outcome,
        sent: Moment(fields[2].as_u64()?),
        done: Moment(fields[3].as_u64()?),
    })
}

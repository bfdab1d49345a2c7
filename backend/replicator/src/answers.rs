//! Reading a target's replies: each batch counts when all of its commands were carried out.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::ends::End;
use crate::link::Endpoint;
use crate::progress::Progress;
use crate::pump::Sent;
use crate::replies::{Replies, Verdict};
use crate::status::{LinkFault, Side};

/// How much is read at a time.
const READ_BYTES: usize = 64 << 10;
/// Longest wait for a target that owes an answer. Emptying a database of some gigabytes takes seconds.
const SILENCE: Duration = Duration::from_secs(60);

/// Reads what a target answers.
#[derive(Debug)]
pub(crate) struct Answers<'l> {
    target: &'l Endpoint,
    progress: &'l Progress,
    sent: mpsc::Receiver<Sent>,
    /// The batch that is being answered, once its end was sent.
    batch: Option<Sent>,
    /// Replies to it so far.
    count: u64,
}

impl<'l> Answers<'l> {
    pub(crate) fn new(target: &'l Endpoint, progress: &'l Progress, sent: mpsc::Receiver<Sent>) -> Self {
        Self { target, progress, sent, batch: None, count: 0 }
    }

    /// Runs until the target refuses something or is gone.
    pub(crate) async fn run(mut self, mut stream: OwnedReadHalf) -> End {
        let address = self.target.address;
        let lost = |message| End::Fault(LinkFault::Lost { side: Side::Target, address, message });
        let (mut replies, mut buffer) = (Replies::default(), vec![0; READ_BYTES]);
        loop {
            let count = match timeout(SILENCE, stream.read(&mut buffer)).await {
                Ok(Ok(0)) => return lost("it closed the connection".to_owned()),
                Ok(Ok(count)) => count,
                Ok(Err(error)) => return lost(error.to_string()),
                Err(_elapsed) if self.is_owed() => return End::Fault(LinkFault::Silent { side: Side::Target, address }),
                Err(_elapsed) => continue,
            };
            let mut end = None;
            let fed = replies.feed(&buffer[..count], |verdict| {
                if end.is_none() {
                    end = self.judge(verdict);
                }
            });
            if let Err(error) = fed {
                let message = error.to_string();
                return End::Fault(LinkFault::Malformed { side: Side::Target, address, message });
            }
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn is_owed(&mut self) -> bool {
        self.batch = self.batch.take().or_else(|| self.sent.try_recv().ok());
        self.batch.is_some()
    }

    fn judge(&mut self, Verdict { refusal, inner }: Verdict) -> Option<End> {
        self.count += 1;
        if let Some(message) = refusal {
            return Some(End::Fault(LinkFault::Refused { side: Side::Target, address: self.target.address, message }));
        }
        // Only the last reply to a batch has elements.
        if let Some(message) = inner {
            return Some(End::Diverged { message });
        }
        if self.is_owed() && self.batch.as_ref().is_some_and(|batch| batch.replies == self.count) {
            self.count = 0;
            if let Some(batch) = self.batch.take() {
                self.progress.applied(batch.point);
            }
        }
        None
    }
}

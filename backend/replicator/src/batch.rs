//! Turns commands of a source into transactions for a target. Pure.
//!
//! A cluster node refuses a transaction over several slots, and a batch goes over all slots of a shard. But a script without keys
//! may write to any slot of its node, so most commands travel as the arguments of one. Before the checkpoint, which ends the
//! transaction, a command on a key of the target's slots asks for nothing: the engine refuses the transaction as a whole when
//! the cluster is down or the slots are somebody else's, instead of failing each command of the script after the other.

use valkyard_engine::handshake;
use valkyard_model::{Slot, key_of_slot};

use crate::checkpoint::{Checkpoint, LIBRARY};
use crate::kind::WORDS_MAX;
use crate::stream::Command;

/// Carries out the commands that it is given one after the other. They come in runs of commands with as many words: that
/// number, the number of commands, and the commands. The first one that fails ends it with the engine's complaint. Three words,
/// which most writes have, are passed on without the detour over `unpack` (a tenth of the time of a SET, measured).
const SCRIPT: &str = "#!lua flags=allow-cross-slot-keys
local a,n,i,call=ARGV,#ARGV,1,redis.call
while i<=n do
local words,last=tonumber(a[i]),i+1+a[i]*a[i+1]
i=i+2
if words==3 then
for j=i,last,3 do call(a[j],a[j+1],a[j+2]) end
else
for j=i,last,words do call(unpack(a,j,j+words-1)) end
end
i=last+1
end";
/// Digits that the number of commands of a run is written with, so that it can be put in afterwards. A command has four bytes at
/// least, so a script has room for fewer commands.
const RUN_DIGITS: usize = 6;
/// From here on a script is complete and another one begins: the target can begin to read it meanwhile.
const SCRIPT_BYTES: usize = 128 << 10;
/// End of the name of the key that is asked for.
const GUARD_END: &str = "valkyard-replication";

/// A batch that is being put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Replies that the target will give.
    pub(crate) replies: u64,
    /// Bytes of the stream that it stands for.
    pub(crate) bytes: u64,
    /// Whether keys are removed outside of transactions, as when their slot leaves.
    pub(crate) has_removal: bool,
    /// Whether it has a command that names its keys to the transaction, so that it cannot take one of another slot.
    pub(crate) names_keys: bool,
}

/// Bytes on their way to a target.
#[derive(Debug)]
pub(crate) struct Outgoing {
    ready: Vec<u8>,
    script: Vec<u8>,
    script_words: u64,
    run: Option<Run>,
    batch: Option<Batch>,
    guard: Vec<u8>,
}

/// Commands in a script that have as many words.
#[derive(Clone, Copy, Debug)]
struct Run {
    words: u64,
    commands: u64,
    /// Where in the script the number of commands stands.
    count_at: usize,
}

impl Outgoing {
    /// For a target that owns this slot.
    pub(crate) fn new(slot: Slot) -> Self {
        // On a key that is not there it neither writes nor counts as a miss.
        let guard = handshake::command(&["PERSIST", &key_of_slot(slot, GUARD_END)]);
        Self { ready: Vec::new(), script: Vec::new(), script_words: 0, run: None, batch: None, guard }
    }

    /// The batch that is open; one is begun if none is.
    pub(crate) fn batch(&mut self) -> &mut Batch {
        if self.batch.is_none() {
            self.ready.extend(handshake::command(&["MULTI"]));
        }
        // MULTI, the checkpoint, EXEC.
        self.batch.get_or_insert(Batch { replies: 3, ..Batch::default() })
    }

    /// The batch that is open, if one is.
    pub(crate) fn open_batch(&self) -> Option<&Batch> {
        self.batch.as_ref()
    }

    /// A command that needs no slot, or its beginning.
    pub(crate) fn add_direct(&mut self, command: &[u8]) {
        self.batch();
        self.end_script();
        self.batch().replies += 1;
        self.ready.extend_from_slice(command);
    }

    /// A whole write.
    pub(crate) fn add_write(&mut self, command: &Command) {
        if command.words > WORDS_MAX {
            self.begin_keyed(&command.bytes);
            return;
        }
        self.batch();
        let run = match self.run {
            Some(run) if run.words == command.words => Run { commands: run.commands + 1, ..run },
            Some(_) | None => self.begin_run(command.words),
        };
        self.run = Some(run);
        self.script.extend_from_slice(&command.bytes[command.words_at..]);
        self.script_words += command.words;
        let digits = format!("{:0RUN_DIGITS$}", run.commands);
        self.script[run.count_at..run.count_at + RUN_DIGITS].copy_from_slice(digits.as_bytes());
        if self.script.len() >= SCRIPT_BYTES {
            self.end_script();
        }
    }

    /// The beginning of a write that goes as it is.
    pub(crate) fn begin_keyed(&mut self, beginning: &[u8]) {
        self.add_direct(beginning);
        self.batch().names_keys = true;
    }

    /// More of a long command.
    pub(crate) fn go_on(&mut self, bytes: &[u8]) {
        self.ready.extend_from_slice(bytes);
    }

    /// Makes sure that a library of the checkpoint's name is not in the way of functions that are put back.
    pub(crate) fn make_room_for_functions(&mut self, checkpoint: &Checkpoint) {
        // Removing fails when there is none, as after another command of the same kind.
        self.add_direct(&handshake::command(&["FUNCTION", "LOAD", "REPLACE", &checkpoint.code()]));
        self.add_direct(&handshake::command(&["FUNCTION", "DELETE", LIBRARY]));
    }

    /// What can be sent so far.
    pub(crate) fn ready(&self) -> &[u8] {
        &self.ready
    }

    /// Forgets what was sent.
    pub(crate) fn sent(&mut self) {
        self.ready.clear();
    }

    /// Ends the batch at this checkpoint. Without one that is open, the batch is the checkpoint alone.
    pub(crate) fn close(&mut self, checkpoint: &Checkpoint) -> Batch {
        self.batch();
        self.end_script();
        if !self.batch().names_keys {
            self.batch().replies += 1;
            self.ready.extend_from_slice(&self.guard);
        }
        self.ready.extend(handshake::command(&["FUNCTION", "LOAD", "REPLACE", &checkpoint.code()]));
        self.ready.extend(handshake::command(&["EXEC"]));
        let batch = *self.batch();
        self.batch = None;
        batch
    }

    fn begin_run(&mut self, words: u64) -> Run {
        let number = words.to_string();
        self.script.extend_from_slice(format!("${}\r\n{number}\r\n${RUN_DIGITS}\r\n", number.len()).as_bytes());
        let count_at = self.script.len();
        self.script.extend_from_slice(&[b'0'; RUN_DIGITS]);
        self.script.extend_from_slice(b"\r\n");
        self.script_words += 2;
        Run { words, commands: 1, count_at }
    }

    fn end_script(&mut self) {
        if self.script_words == 0 {
            return;
        }
        let fixed = format!("*{}\r\n$4\r\nEVAL\r\n${}\r\n{SCRIPT}\r\n$1\r\n0\r\n", self.script_words + 3, SCRIPT.len());
        self.ready.extend_from_slice(fixed.as_bytes());
        self.ready.append(&mut self.script);
        self.script_words = 0;
        self.run = None;
        self.batch().replies += 1;
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use valkyard_model::ReplicationPoint;

    use super::*;
    use crate::stream::{Cutter, Piece};

    fn command(words: &[&str]) -> Command {
        let bytes = handshake::command(words);
        match Cutter::default().next(&mut BytesMut::from(bytes.as_slice())) {
            Ok(Some(Piece::Whole(command))) => command,
            other => panic!("{other:?}"),
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint::at(ReplicationPoint { replication_id: "0".repeat(40), offset: 7 })
    }

    /// The commands that a target would read.
    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let (mut cutter, mut received, mut commands) = (Cutter::default(), BytesMut::from(bytes), Vec::new());
        while let Some(piece) = cutter.next(&mut received).expect("well formed") {
            let Piece::Whole(command) = piece else { panic!("short ones only") };
            let text = String::from_utf8(command.bytes.to_vec()).expect("text");
            commands.push(text.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect());
        }
        assert!(received.is_empty());
        commands
    }

    #[test]
    fn a_batch_is_a_transaction_that_ends_with_its_checkpoint() {
        let mut outgoing = Outgoing::new(Slot::new(0).expect("a slot"));
        assert_eq!(outgoing.open_batch(), None);
        outgoing.add_write(&command(&["SET", "a", "1"]));
        outgoing.add_write(&command(&["SET", "c", "1"]));
        outgoing.add_write(&command(&["LPUSH", "b", "2", "3"]));
        outgoing.add_direct(&command(&["SELECT", "1"]).bytes);
        outgoing.add_write(&command(&["DEL", "a"]));
        let batch = outgoing.close(&checkpoint());
        let commands = read(outgoing.ready());
        let names: Vec<&str> = commands.iter().map(|words| words[0].as_str()).collect();
        assert_eq!(names, ["MULTI", "EVAL", "SELECT", "EVAL", "PERSIST", "FUNCTION", "EXEC"]);
        assert_eq!(batch.replies, names.len() as u64);
        assert_eq!(commands[1][3..], ["3", "000002", "SET", "a", "1", "SET", "c", "1", "4", "000001", "LPUSH", "b", "2", "3"]);
        assert_eq!(commands[3][3..], ["2", "000001", "DEL", "a"]);
        assert_eq!(commands[5][3], checkpoint().code());
        assert_eq!(outgoing.open_batch(), None);
    }

    #[test]
    fn a_write_of_more_words_than_a_script_can_take_goes_as_it_is() {
        let mut outgoing = Outgoing::new(Slot::new(0).expect("a slot"));
        let many = vec!["x"; usize::try_from(WORDS_MAX).expect("few") + 1];
        outgoing.add_write(&command(&many));
        assert!(outgoing.batch().names_keys);
        let batch = outgoing.close(&checkpoint());
        assert_eq!((batch.replies, read(outgoing.ready()).len()), (4, 4));
    }

    #[test]
    fn a_checkpoint_can_go_alone() {
        let mut outgoing = Outgoing::new(Slot::new(0).expect("a slot"));
        assert_eq!(outgoing.close(&checkpoint()).replies, 4);
        assert_eq!(read(outgoing.ready()).len(), 4);
    }
}

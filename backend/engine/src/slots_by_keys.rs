//! Moving slots key by key, for engines that cannot move them as a whole.
//!
//! The reconciler's `MoveSlots` calls it. Each slot is marked at both ends, its keys go in batches, then the target is told
//! that it owns the slot, then the source, then others. Invariants: the target is told only when the source has no key of
//! the slot any more, so no key is ever on the losing side; every part can be repeated, so whatever an interruption left
//! (marks at one end, keys at both, one end told) is finished by calling again. It moves for a bounded time and chooses
//! neither the slots nor the direction; a slot that is not the source's is left alone.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use valkyard_model::{AdminSecret, NodeId, Slot, SlotSet};

use crate::client::{Key, LOOK, LinkError, Mark, MarkedSlot, MigrateTo, NodeLink, PROMPT, slots_of};

/// Time after which no further batch is begun: the instance's loop waits for the step, and a primary that dies meanwhile
/// waits with it for its takeover.
const STEP_TIME: Duration = Duration::from_millis(100);
/// Slots marked and handed over together. Their commands travel together, and the engines write `nodes.conf` once for all.
const SLOTS: Pace = Pace { first: 16, max: 64, time: Duration::from_millis(40) };
/// Keys that go in one round trip. A source serves nobody while it sends them.
const KEYS: Pace = Pace { first: 16, max: 100, time: Duration::from_millis(8) };
/// Keys that slots opened together may hold: clients are sent from one end to the other for open slots, so they stay few when
/// there is much in each.
const KEYS_OPEN_MAX: u64 = 2_000;
/// How long a source waits for a target that takes some keys, which is milliseconds for all but huge ones: above that, a hung
/// target would stop its source as well.
const TARGET_PATIENCE: Duration = Duration::from_millis(500);
/// The same once the target was seen to answer meanwhile: the key is huge.
const HUGE_KEY_PATIENCE: Duration = Duration::from_secs(8);
/// How an engine says that the connection to a key's target failed.
const CUT_OFF: &str = "IOERR";
/// The value of `maxmemory-clients` for no limit.
const NO_CLIENT_LIMIT: &str = "0";

/// How much to do at once, so that it takes about as long as it may.
#[derive(Clone, Copy, Debug)]
struct Pace {
    first: usize,
    max: usize,
    time: Duration,
}

/// Two primaries, and those to be told.
#[derive(Debug)]
pub struct SlotsByKeys<'l> {
    /// The link to the primary that owns the slots.
    pub source: &'l mut NodeLink,
    /// Its identity.
    pub source_id: &'l NodeId,
    /// The link to the primary that is to own them.
    pub target: &'l mut NodeLink,
    /// Its identity.
    pub target_id: &'l NodeId,
    /// Where it listens.
    pub target_address: SocketAddrV4,
    /// Links to other primaries that are told of each new owner at once. One that fails hears of it by gossip.
    pub witnesses: Vec<&'l mut NodeLink>,
    /// With which the source logs in at the target.
    pub secret: &'l AdminSecret,
}

/// A slot marked at both ends.
struct OpenSlot {
    slot: Slot,
    /// Keys it holds, as far as they are known; the last go first.
    keys: Vec<Key>,
}

impl SlotsByKeys<'_> {
    /// Moves as many of these slots as fit into a tenth of a second, in ascending order.
    ///
    /// # Errors
    /// See [`LinkError`]; what was done stays done, and calling again continues.
    pub async fn move_some(mut self, slots: &SlotSet) -> Result<(), LinkError> {
        let deadline = Instant::now() + STEP_TIME;
        let all: Vec<Slot> = slots_of(slots).collect();
        let (mut slots_at_once, mut batch_keys) = (SLOTS.first, KEYS.first);
        let mut rest = all.as_slice();
        while !rest.is_empty() && Instant::now() < deadline {
            let begun = Instant::now();
            let (some, later) = rest.split_at(self.next_chunk(rest, slots_at_once).await?);
            rest = later;
            let open = self.open(some).await?;
            let empty = self.drain(open, &mut batch_keys, deadline).await?;
            self.hand_over(&empty).await?;
            slots_at_once = SLOTS.after(slots_at_once, begun.elapsed());
        }
        Ok(())
    }

    /// How many of these slots to open together; at least one.
    async fn next_chunk(&mut self, slots: &[Slot], count_max: usize) -> Result<usize, LinkError> {
        let some = &slots[..slots.len().min(count_max)];
        let mut held = 0;
        let counts = self.source.count_keys(some).await?;
        let fitting = counts.iter().take_while(|count| {
            held += **count;
            held <= KEYS_OPEN_MAX
        });
        Ok(fitting.count().max(1))
    }

    /// Marks slots at the target, then at the source: a client that the source sends away is expected. Gives those that are
    /// the source's to give.
    async fn open(&mut self, slots: &[Slot]) -> Result<Vec<OpenSlot>, LinkError> {
        self.target.mark(slots, Mark::Importing(self.source_id), PROMPT).await?;
        let marked = self.source.mark(slots, Mark::Migrating(self.target_id), PROMPT).await?;
        let own: Vec<Slot> = slots
            .iter()
            .zip(marked)
            .filter_map(|(slot, marked)| match marked {
                MarkedSlot::Marked => Some(*slot),
                // The source was told, or has heard, of another owner.
                MarkedSlot::NotOwner | MarkedSlot::AlreadyOwner => None,
            })
            .collect();
        let keys = self.source.keys_in_slots(&own, KEYS.max).await?;
        Ok(own.into_iter().zip(keys).map(|(slot, keys)| OpenSlot { slot, keys }).collect())
    }

    /// Moves keys until the slots are empty or the time is up; gives the empty ones.
    async fn drain(&mut self, open: Vec<OpenSlot>, batch_keys: &mut usize, deadline: Instant) -> Result<Vec<Slot>, LinkError> {
        let (full, empty): (Vec<_>, Vec<_>) = open.into_iter().partition(|open| !open.keys.is_empty());
        let mut empty: Vec<Slot> = empty.into_iter().map(|open| open.slot).collect();
        let mut full: VecDeque<OpenSlot> = full.into();
        while !full.is_empty() {
            let begun = Instant::now();
            if begun >= deadline {
                break;
            }
            let sent = next_batch(&mut full, *batch_keys);
            let batches: Vec<&[Key]> = sent.iter().map(|(_, keys)| keys.as_slice()).collect();
            self.send(&batches).await?;
            *batch_keys = KEYS.after(*batch_keys, begun.elapsed());
            let (unsure, known): (Vec<_>, Vec<_>) = sent.into_iter().map(|(open, _)| open).partition(|open| open.keys.is_empty());
            let slots: Vec<Slot> = unsure.iter().map(|open| open.slot).collect();
            let keys = self.source.keys_in_slots(&slots, KEYS.max).await?;
            for (slot, keys) in slots.into_iter().zip(keys) {
                if keys.is_empty() {
                    empty.push(slot);
                } else {
                    full.push_front(OpenSlot { slot, keys });
                }
            }
            for open in known {
                full.push_front(open);
            }
        }
        Ok(empty)
    }

    /// Sends keys. One that is larger than what the target lets its clients use is refused by cutting the connection off, and
    /// one that takes long looks the same, as do other reasons; so once it happened, and the target answers, the batch is sent
    /// again without that limit and with more patience. Should the limit not come back, because of a crash, its next comparison
    /// with what is wanted brings it.
    async fn send(&mut self, batches: &[&[Key]]) -> Result<(), LinkError> {
        let to = MigrateTo { address: self.target_address, secret: self.secret };
        match self.source.migrate_keys(batches, to, TARGET_PATIENCE).await {
            Err(LinkError::Engine { message, .. }) if message.starts_with(CUT_OFF) => {}
            sent => return sent,
        }
        let limit = self.target.replace_client_limit(NO_CLIENT_LIMIT).await?;
        let sent = self.source.migrate_keys(batches, to, HUGE_KEY_PATIENCE).await;
        self.target.replace_client_limit(&limit).await?;
        sent
    }

    /// Tells everybody who owns these slots now.
    async fn hand_over(&mut self, slots: &[Slot]) -> Result<(), LinkError> {
        if slots.is_empty() {
            return Ok(());
        }
        let owner = Mark::Owner(self.target_id);
        self.target.mark(slots, owner, PROMPT).await?;
        self.source.mark(slots, owner, PROMPT).await?;
        let mut answering = Vec::with_capacity(self.witnesses.len());
        for witness in self.witnesses.drain(..) {
            if witness.mark(slots, owner, LOOK).await.is_ok() {
                answering.push(witness);
            }
        }
        self.witnesses = answering;
        Ok(())
    }
}

/// Takes slots from the front with together at most `count` of their keys.
fn next_batch(full: &mut VecDeque<OpenSlot>, count: usize) -> Vec<(OpenSlot, Vec<Key>)> {
    let mut room = count;
    let mut batch = Vec::new();
    while room > 0
        && let Some(mut open) = full.pop_front()
    {
        let keys = open.keys.split_off(open.keys.len().saturating_sub(room));
        room -= keys.len();
        batch.push((open, keys));
    }
    batch
}

impl Pace {
    /// How much to do next: half when the last took too long, down to one, and twice as much when it was done in a quarter of
    /// the time.
    fn after(self, count: usize, took: Duration) -> usize {
        if took > self.time {
            (count / 2).max(1)
        } else if took < self.time / 4 {
            (count * 2).min(self.max)
        } else {
            count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(number: u16, keys: usize) -> OpenSlot {
        OpenSlot { slot: Slot::new(number).expect("a slot"), keys: vec![b"key".to_vec(); keys] }
    }

    #[test]
    fn a_batch_takes_from_several_slots_and_leaves_what_is_too_much() {
        let mut full = VecDeque::from([open(1, 3), open(2, 5), open(3, 1)]);
        let sent = next_batch(&mut full, 6);
        let counts: Vec<_> = sent.iter().map(|(open, keys)| (open.slot.number(), keys.len(), open.keys.len())).collect();
        assert_eq!(counts, [(1, 3, 0), (2, 3, 2)]);
        assert_eq!(full.len(), 1);
    }

    #[test]
    fn slow_batches_shrink_to_one_key_and_quick_ones_grow_to_the_bound() {
        assert_eq!(KEYS.after(2, KEYS.time * 2), 1);
        assert_eq!(KEYS.after(1, KEYS.time * 2), 1);
        assert_eq!(KEYS.after(KEYS.max, Duration::ZERO), KEYS.max);
        assert_eq!(KEYS.after(16, KEYS.time / 2), 16);
    }
}

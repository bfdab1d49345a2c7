//! Slots: moving them as a whole, claiming them, and the small commands of which moving by keys is made.

use std::net::SocketAddrV4;
use std::time::Duration;

use valkyard_model::{AdminSecret, NodeId, Slot, SlotSet};

use super::{LONG, LinkError, NodeLink, PROMPT, Patience, Reply, Request};
use crate::render::ADMIN_USER;

/// Slots claimed in one round trip: each costs the engine some microseconds, and the last one a write of its `nodes.conf`.
const CLAIMED_AT_ONCE: usize = 1_024;

/// A key; any bytes.
pub(crate) type Key = Vec<u8>;

/// What to tell a node about a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark<'n> {
    /// It comes from this node.
    Importing(&'n NodeId),
    /// It goes to this node.
    Migrating(&'n NodeId),
    /// It belongs to this node, and is on its way no more.
    Owner(&'n NodeId),
}

/// How a node took a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkedSlot {
    /// As told.
    Marked,
    /// It is to give away what is not its own.
    NotOwner,
    /// It is to get what is its own already.
    AlreadyOwner,
}

/// Where keys go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MigrateTo<'t> {
    pub(crate) address: SocketAddrV4,
    pub(crate) secret: &'t AdminSecret,
}

impl NodeLink {
    /// Begins to move slots to another primary, all at once at the end. Needs 9.1.2 at both ends.
    ///
    /// # Errors
    /// `Engine` when the node does not own them all or a migration of one is under way, else see [`LinkError`].
    pub async fn migrate_slots(&mut self, slots: &SlotSet, target: &NodeId) -> Result<(), LinkError> {
        let numbers: Vec<String> =
            slots.ranges().iter().flat_map(|range| [range.first(), range.last()]).map(|slot| slot.number().to_string()).collect();
        let mut words = vec!["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"];
        words.extend(numbers.iter().map(String::as_str));
        words.extend(["NODE", target.as_str()]);
        self.expect_status(&words, "OK").await
    }

    /// Makes slots the property of this node, `me`, and its claim the newest.
    ///
    /// # Errors
    /// See [`LinkError`]; some slots may be claimed then.
    pub async fn claim_slots(&mut self, me: &NodeId, slots: &SlotSet) -> Result<(), LinkError> {
        let slots: Vec<Slot> = slots_of(slots).collect();
        for some in slots.chunks(CLAIMED_AT_ONCE) {
            self.mark(some, Mark::Owner(me), LONG).await?;
        }
        let reply = self.ask(Request::of(&["CLUSTER", "BUMPEPOCH"]), PROMPT).await?;
        match reply {
            // BUMPED or STILL, and the epoch.
            Reply::Status(_) => Ok(()),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Bulk(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                Err(self.unexpected("something else than a status"))
            }
        }
    }

    /// Tells the node the same about several slots.
    pub(crate) async fn mark(
        &mut self,
        slots: &[Slot],
        mark: Mark<'_>,
        patience: Patience,
    ) -> Result<Vec<MarkedSlot>, LinkError> {
        let (word, node) = match mark {
            Mark::Importing(node) => ("IMPORTING", node),
            Mark::Migrating(node) => ("MIGRATING", node),
            Mark::Owner(node) => ("NODE", node),
        };
        let commands = slots.iter().map(|slot| {
            let number = slot.number().to_string();
            ["CLUSTER", "SETSLOT", &number, word, node.as_str()].map(str::to_owned)
        });
        let replies = self.exchange_in_lanes(&commands.collect::<Vec<_>>(), patience).await?;
        replies.into_iter().map(|reply| self.marked(reply)).collect()
    }

    fn marked(&mut self, reply: Reply) -> Result<MarkedSlot, LinkError> {
        match self.status(reply, "OK") {
            Ok(()) => Ok(MarkedSlot::Marked),
            Err(LinkError::Engine { message, .. }) if message.contains("not the owner") => Ok(MarkedSlot::NotOwner),
            Err(LinkError::Engine { message, .. }) if message.contains("already the owner") => Ok(MarkedSlot::AlreadyOwner),
            Err(error) => Err(error),
        }
    }

    /// How many keys each of these slots holds here.
    pub(crate) async fn count_keys(&mut self, slots: &[Slot]) -> Result<Vec<u64>, LinkError> {
        let mut request = Request::default();
        for slot in slots {
            request.add(&["CLUSTER", "COUNTKEYSINSLOT", &slot.number().to_string()]);
        }
        let replies = self.exchange(request, PROMPT).await?;
        replies.into_iter().map(|reply| self.count(reply)).collect()
    }

    fn count(&mut self, reply: Reply) -> Result<u64, LinkError> {
        match reply {
            Reply::Integer(count) => u64::try_from(count).map_err(|_negative| self.unexpected("a negative number of keys")),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Status(_) | Reply::Bulk(_) | Reply::Null | Reply::Array(_) => {
                Err(self.unexpected("something else than a number"))
            }
        }
    }

    /// Some keys of each of these slots, at most `count`; none when the slot is empty.
    pub(crate) async fn keys_in_slots(&mut self, slots: &[Slot], count: usize) -> Result<Vec<Vec<Key>>, LinkError> {
        let mut request = Request::default();
        for slot in slots {
            request.add(&["CLUSTER", "GETKEYSINSLOT", &slot.number().to_string(), &count.to_string()]);
        }
        let replies = self.exchange(request, LONG).await?;
        replies.into_iter().map(|reply| self.keys(reply)).collect()
    }

    fn keys(&mut self, reply: Reply) -> Result<Vec<Key>, LinkError> {
        let elements = self.elements(reply)?;
        elements
            .into_iter()
            .map(|element| match element {
                Reply::Bulk(key) => Ok(key),
                Reply::Status(_) | Reply::Error(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                    Err(self.unexpected("something else than a key"))
                }
            })
            .collect()
    }

    /// Moves keys, each batch of one slot. Keys that are gone meanwhile do not matter. A copy at the target is replaced: as
    /// long as the slot is this node's, the target can only have it from a move that was interrupted. The node serves nobody
    /// while it waits for the target, `patience` at most: so one batch is sent after the other, and none after a failure.
    pub(crate) async fn migrate_keys(
        &mut self,
        batches: &[&[Key]],
        to: MigrateTo<'_>,
        patience: Duration,
    ) -> Result<(), LinkError> {
        let millis = patience.as_millis().to_string();
        let (host, port) = (to.address.ip().to_string(), to.address.port().to_string());
        let fixed: [&str; 11] =
            ["MIGRATE", &host, &port, "", "0", &millis, "REPLACE", "AUTH2", ADMIN_USER, to.secret.expose(), "KEYS"];
        let all_gone = Reply::Status("NOKEY".to_owned());
        for keys in batches {
            let words: Vec<&[u8]> = fixed.iter().map(|word| word.as_bytes()).chain(keys.iter().map(Vec::as_slice)).collect();
            let reply = self.ask(Request::of(&words), LONG).await?;
            if reply != all_gone {
                self.status(reply, "OK")?;
            }
        }
        Ok(())
    }
}

/// Every slot of a set, ascending.
pub(crate) fn slots_of(slots: &SlotSet) -> impl Iterator<Item = Slot> + '_ {
    let within = |number| Slot::new(number).expect("between two slots there are only slots");
    slots.ranges().iter().flat_map(move |range| (range.first().number()..=range.last().number()).map(within))
}

//! Slots that move all at once (`CLUSTER MIGRATESLOTS`): a job of two primaries that ends with a new owner or with nothing.

use chrono::{DurationRound, TimeDelta};
use valkyard_model::{BinaryVersion, MigrationDirection, MigrationSeen, MigrationState, NodeId, NodeSerial, SlotSet, Timestamp};

use crate::engine::{Engine, Link, Owner};
use crate::keys::Portion;
use crate::machine::Machine;
use crate::slots::includes;

/// The first engine that moves slots at once without failing under writes.
const FIRST_VERSION: BinaryVersion = BinaryVersion { major: 9, minor: 1, patch: 2 };
/// How long a job takes for a small dataset.
const MILLIS: std::ops::Range<u64> = 30..300;

/// A migration that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Migration {
    pub(crate) source: NodeId,
    pub(crate) target: NodeId,
    pub(crate) slots: SlotSet,
    pub(crate) at: Timestamp,
    /// Fails for no reason when it is nearly done.
    is_doomed: bool,
}

impl Machine {
    /// Begins to move slots.
    pub(crate) fn begin_migration(&mut self, serial: NodeSerial, target: &NodeId, slots: &SlotSet) -> Result<(), &'static str> {
        self.disturb();
        let source = self.nodes.get(&serial).and_then(|node| self.serving(node)).ok_or("it does not answer")?;
        let id = source.id.clone();
        if source.version < FIRST_VERSION || self.node_of(target).is_some_and(|node| node.engine().is_some_and(is_old)) {
            self.oracle.object(format!("{serial} was told to move slots in a way that one of the ends does not know"));
            return Err("unknown subcommand");
        }
        if !source.is_primary() || !includes(&source.conf.own.slots, slots) {
            return Err("slots are not served by this node");
        }
        if !source.conf.open_slots.is_empty() {
            return Err("a slot is being moved by keys");
        }
        if source.conf.peers.get(target).is_none_or(|peer| peer.replica_of.is_some()) {
            return Err("the target is not a primary known to it");
        }
        if self.migrations.iter().any(|running| running.slots.overlaps(slots)) {
            return Err("a slot is being moved already");
        }
        let is_doomed = self.random.chance(self.chaos.migration_failure_percent);
        let at = self.soon(MILLIS.start, MILLIS.end);
        let migration = Migration { source: id, target: target.clone(), slots: slots.clone(), at, is_doomed };
        self.log(&migration, MigrationState::Running, "");
        self.migrations.push(migration);
        Ok(())
    }

    pub(crate) fn run_migrations(&mut self) {
        let mut left = Vec::new();
        for migration in std::mem::take(&mut self.migrations) {
            match self.obstacle(&migration) {
                Some(message) => self.log(&migration, MigrationState::Failed, message),
                // A full copy holds the one fork that the snapshot needs.
                None if migration.at > self.now || self.is_copied_from(&migration.source) => left.push(migration),
                None if migration.is_doomed => self.log(&migration, MigrationState::Failed, "connection lost to target"),
                None => self.finish_migration(&migration),
            }
        }
        self.migrations.append(&mut left);
    }

    /// Ends every migration from or to a node without an effect.
    pub(crate) fn end_migrations_of(&mut self, id: &NodeId, message: &str) {
        let concerns = |migration: &mut Migration| migration.source == *id || migration.target == *id;
        let ended: Vec<Migration> = self.migrations.extract_if(.., concerns).collect();
        for migration in ended {
            self.log(&migration, MigrationState::Failed, message);
        }
    }

    fn obstacle(&self, migration: &Migration) -> Option<&'static str> {
        let Some(source) = self.serving_of(&migration.source) else { return Some("connection lost to source") };
        let Some(target) = self.serving_of(&migration.target) else { return Some("connection lost to target") };
        if !target.is_primary() {
            return Some("a failover occurred during slot import");
        }
        // The log goes with the process: a job that neither remembers is no job.
        let remembers = |engine: &Engine| engine.migrations.iter().any(|seen| seen.state == MigrationState::Running);
        if !remembers(source) || !remembers(target) {
            return Some("connection lost to target");
        }
        let owns_all = source.is_primary() && includes(&source.conf.own.slots, &migration.slots);
        (!owns_all).then_some("slots are no longer owned by myself")
    }

    fn is_copied_from(&self, source: &NodeId) -> bool {
        self.engines().any(|(_, engine)| engine.follows(source) && matches!(engine.link, Link::Syncing { .. }))
    }

    fn finish_migration(&mut self, migration: &Migration) {
        self.disturb();
        let Some(keys) = self.engine_of(&migration.source).map(|source| {
            source.offset += 1;
            source.data.take_slots(&migration.slots, Portion::All)
        }) else {
            return;
        };
        let Some(target) = self.engine_of(&migration.target) else { return };
        for (slot, numbers) in keys {
            target.data.extend(slot, numbers);
        }
        target.offset += 1;
        target.conf.assign(&migration.slots, Owner::Myself);
        target.bump_epoch();
        let message = target.message();
        if let Some(source) = self.engine_of(&migration.source) {
            source.hear(&message);
            // The source lifts its pause only when it has heard the target's claim.
            source.conf.assign(&migration.slots, Owner::Peer(&migration.target));
        }
        self.log(migration, MigrationState::Succeeded, "");
    }

    /// Notes where a migration stands at those ends that remember it.
    fn log(&mut self, migration: &Migration, state: MigrationState, message: &str) {
        self.disturb();
        let updated = self.now.duration_trunc(TimeDelta::seconds(1)).expect("a second divides every time");
        let ends = [
            (&migration.source, &migration.target, MigrationDirection::Export),
            (&migration.target, &migration.source, MigrationDirection::Import),
        ];
        for (id, peer, direction) in ends {
            let Some(engine) = self.engine_of(id) else { continue };
            let is_this = |seen: &MigrationSeen| {
                seen.peer == *peer
                    && seen.direction == direction
                    && seen.slots == migration.slots
                    && seen.state == MigrationState::Running
            };
            let is_known = engine.migrations.iter().any(is_this);
            if state != MigrationState::Running && !is_known {
                continue;
            }
            let is_last = |seen: &MigrationSeen| seen.peer == *peer && seen.state != MigrationState::Running;
            engine.migrations.retain(|seen| !is_this(seen) && !is_last(seen));
            let (peer, slots, message) = (peer.clone(), migration.slots.clone(), message.to_owned());
            engine.migrations.push(MigrationSeen { direction, peer, slots, state, message, updated });
        }
    }
}

fn is_old(engine: &Engine) -> bool {
    engine.version < FIRST_VERSION
}

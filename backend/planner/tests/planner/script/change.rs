//! Lines of a change:
//! - `update shards=N replicas=N version=V type=T maxmemory=BYTES policy=WORD`, any of them: a new spec, as accepted
//! - `do`: the durable steps of the plan for the present look are carried out
//! - `slots SHARD none|A-B…`: what a shard owns
//! - `migrating NODE NODE A-B running|failed|done [ago=MS]`: an atomic migration, as both ends tell it
//! - `handover SHARD`: somebody wants another primary for it
//! - `zone-out ZONE`: an administrator took it away

use std::collections::BTreeMap;

use chrono::TimeDelta;
use valkyard_model::{
    ByteSize, ConfigEpoch, EngineConfigs, Generation, InitialRole, MigrationDirection, MigrationSeen, MigrationState, NodeSerial,
    NodeType, ShardIndex, SlotRange, SlotSet, Standing, Step, Zone,
};
use valkyard_planner::plan;

use super::nodes::NodeScript;
use super::{Ownership, World, number, option, parse_node};

pub(super) fn parse_slots(words: &[&str]) -> Result<SlotSet, String> {
    let range = |word: &&str| {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let range = SlotRange::new(first.parse().ok()?, last.parse().ok()?);
        range.map(Ok)
    };
    let ranges = words.iter().filter(|word| **word != "none");
    ranges.map(|word| range(word).unwrap_or_else(|| Err(format!("{word:?} are not slots")))).collect()
}

fn parse_shard(word: &str) -> Result<ShardIndex, String> {
    let digits = word.strip_prefix('s').and_then(|digits| digits.parse().ok());
    digits.map(ShardIndex).ok_or_else(|| format!("{word:?} is not a shard"))
}

impl World {
    pub(super) fn change(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["update", rest @ ..] => self.update(rest),
            ["do"] => {
                self.carry_out();
                Ok(())
            }
            ["slots", shard, slots @ ..] => {
                self.slots.insert(parse_shard(shard)?, parse_slots(slots)?);
                Ok(())
            }
            ["migrating", from, to, slots, state, rest @ ..] => self.migrate([from, to], slots, state, rest),
            ["handover", shard] => {
                let shard = parse_shard(shard)?;
                let owner = self.owners.get(&shard).ok_or("nobody owns it")?;
                self.handovers.insert(shard, owner.node);
                Ok(())
            }
            ["zone-out", name] => {
                let zones = Zone::all_of(&self.desired.name.location);
                let zone = zones.into_iter().find(|zone| zone.to_string() == *name).ok_or("no such zone")?;
                self.desired.zones_out.insert(zone);
                Ok(())
            }
            _ => Err(format!("{words:?} is no line of a change")),
        }
    }

    fn update(&mut self, words: &[&str]) -> Result<(), String> {
        let spec = &mut self.desired.spec;
        spec.shard_count = number(words, "shards")?.unwrap_or(spec.shard_count);
        spec.replica_count = number(words, "replicas")?.unwrap_or(spec.replica_count);
        if let Some(version) = option(words, "version") {
            spec.engine_version = version.parse().map_err(|_| format!("{version} is not a version"))?;
        }
        if let Some(word) = option(words, "persistence") {
            spec.persistence = super::parse_persistence(word)?;
        }
        if let Some(name) = option(words, "type") {
            spec.node_type = NodeType::ALL
                .into_iter()
                .find(|known| known.to_string() == name)
                .ok_or_else(|| format!("{name} is not a node type"))?;
        }
        if let Some(policy) = option(words, "policy") {
            let entries = BTreeMap::from([("maxmemory-policy".to_owned(), policy.to_owned())]);
            spec.engine_configs = EngineConfigs::validate(&entries, spec.node_type).map_err(|error| error.to_string())?;
        }
        if let Some(bytes) = number(words, "maxmemory")? {
            self.desired.maxmemory = ByteSize(bytes);
        }
        self.desired.generation = Generation(self.desired.generation.0 + 1);
        self.desired.shape_generation = self.desired.generation;
        self.desired.update_time = self.now;
        Ok(())
    }

    fn carry_out(&mut self) {
        let (desired, observed) = self.look();
        for step in plan(&desired, &observed, observed.at).steps {
            #[expect(clippy::wildcard_enum_match_arm, reason = "all other steps are for the script to tell")]
            match step {
                Step::AllocateNodes { nodes } => {
                    for node in nodes {
                        self.nodes.insert(node.serial, NodeScript::default());
                        self.desired.next_serial = NodeSerial(node.serial.0 + 1);
                        if node.initial_role == InitialRole::Primary {
                            let owner = Ownership { node: node.serial, epoch: ConfigEpoch(0) };
                            self.owners.entry(node.shard).or_insert(owner);
                        }
                        self.desired.nodes.insert(node.serial, node);
                    }
                }
                Step::RetireNodes { nodes } => {
                    for serial in nodes {
                        self.desired.nodes.get_mut(&serial).expect("allocated").standing = Standing::Retiring;
                    }
                }
                Step::ReleaseNodes { nodes } => {
                    for serial in nodes {
                        self.desired.nodes.remove(&serial);
                        self.nodes.remove(&serial);
                        self.owners.retain(|_, owner| owner.node != serial);
                    }
                }
                _ => {}
            }
        }
    }

    fn migrate(&mut self, ends: [&str; 2], slots: &str, state: &str, words: &[&str]) -> Result<(), String> {
        let [from, to] = [parse_node(ends[0])?, parse_node(ends[1])?];
        let state = match state {
            "running" => MigrationState::Running,
            "failed" => MigrationState::Failed,
            "done" => MigrationState::Succeeded,
            other => return Err(format!("{other:?} is not a state of a migration")),
        };
        let updated = self.now - TimeDelta::milliseconds(number(words, "ago")?.unwrap_or(0));
        let id = |serial: NodeSerial| self.desired.nodes.get(&serial).map(|node| node.id.clone()).ok_or("no such node");
        let seen = |direction, peer| MigrationSeen {
            direction,
            peer,
            slots: parse_slots(&[slots]).unwrap_or_default(),
            state,
            message: String::new(),
            updated,
        };
        let (export, import) = (seen(MigrationDirection::Export, id(to)?), seen(MigrationDirection::Import, id(from)?));
        self.migrations = vec![(from, export), (to, import)];
        Ok(())
    }
}

//! What an update will do to a running instance, told before it happens.
//!
//! Planning calls [`foresee`] for changes in place. Invariants: it is a function of prior and planned values alone and
//! judges nothing unknown; whatever moves, replaces or endangers data has a warning, and a change that the daemon can only
//! refuse is an error. Whether the data has room in a smaller shape is the daemon's to say.

use provider_framework::{Diagnostic, Object, PlannedChange};

use super::node_type;

/// Slots of a cluster.
const SLOT_COUNT: i64 = 16_384;
/// Share of a node's memory that is for data unless `engine_configs` says otherwise (product).
const DATA_SHARE: f64 = 0.8;
/// The engine setting that says so.
const MAXMEMORY: &str = "maxmemory";

/// Adds what there is to say.
pub(super) fn foresee(change: &mut PlannedChange) {
    let Some(prior) = change.prior() else { return };
    let change_of = Change { prior, planned: &change.planned };
    let downgrade = change_of.downgrade();
    let found: Vec<Diagnostic> = if downgrade.is_some() {
        downgrade.into_iter().collect()
    } else {
        [change_of.slots(), change_of.replicas(), change_of.nodes(), change_of.memory()].into_iter().flatten().collect()
    };
    for diagnostic in found {
        change.diagnose(diagnostic);
    }
}

struct Change<'a> {
    prior: &'a Object,
    planned: &'a Object,
}

impl Change<'_> {
    /// Both values of a number that is known and changes.
    fn numbers(&self, attribute: &str) -> Option<(i64, i64)> {
        let before = self.prior.value(attribute).as_number()?.as_i64()?;
        let after = self.planned.value(attribute).as_number()?.as_i64()?;
        (before != after).then_some((before, after))
    }

    /// Both values of a text that is known and changes.
    fn texts(&self, attribute: &str) -> Option<(&str, &str)> {
        let (before, after) = (self.prior.value(attribute).as_str()?, self.planned.value(attribute).as_str()?);
        (before != after).then_some((before, after))
    }

    fn present(&self, attribute: &str) -> i64 {
        self.prior.value(attribute).as_number().and_then(provider_framework::Number::as_i64).unwrap_or_default()
    }

    fn downgrade(&self) -> Option<Diagnostic> {
        let (before, after) = self.texts("engine_version")?;
        if version(after)? >= version(before)? {
            return None;
        }
        let detail = format!(
            "`engine_version` would go from {before} down to {after}. An older engine does not read the data formats of a \
             newer one, so the data would be lost; the daemon never does that.\n\n\
             Set `engine_version` to {before} or a newer one, or remove it to keep what the instance has. For an empty \
             instance with {after} in its place, run:\n\n  terraform apply -replace=<address of this resource>"
        );
        Some(Diagnostic::error("Engine versions only go up").detail(detail).at("engine_version"))
    }

    fn slots(&self) -> Option<Diagnostic> {
        let (before, after) = self.numbers("shard_count")?;
        let few = "Clients keep reading and writing meanwhile.";
        let detail = if after > before {
            format!(
                "`shard_count` goes from {before} to {after}. About {} of {SLOT_COUNT} slots move with their keys to {}. {few}",
                slots_from(before, after),
                counted(after - before, "new shard")
            )
        } else {
            format!(
                "`shard_count` goes from {before} to {after}. About {} slots of {} move with their keys to the others. {few} \
                 If the data has no room in {}, the daemon refuses before anything moves.",
                slots_from(after, before),
                counted(before - after, "leaving shard"),
                counted(after, "shard"),
            )
        };
        Some(Diagnostic::warning("Slots move").detail(detail).at("shard_count"))
    }

    fn replicas(&self) -> Option<Diagnostic> {
        let (before, after) = self.numbers("replica_count")?;
        if after > before {
            return None;
        }
        let leaving = counted((before - after) * self.present("shard_count").max(1), "replica");
        let detail = format!("`replica_count` goes from {before} to {after}: {leaving} leave.");
        let warning = if after == 0 {
            Diagnostic::warning("Data at risk").detail(format!(
                "{detail} Without replicas, the data of a shard is lost when its node fails, and it does not serve until the \
                 node is started again."
            ))
        } else {
            Diagnostic::warning("Replicas are removed")
                .detail(format!("{detail} Clients that read from them find the others by themselves."))
        };
        Some(warning.at("replica_count"))
    }

    fn nodes(&self) -> Option<Diagnostic> {
        let changed: Vec<(&str, &str, &str)> = ["node_type", "engine_version"]
            .into_iter()
            .filter_map(|attribute| self.texts(attribute).map(|(before, after)| (attribute, before, after)))
            .collect();
        let (first, ..) = *changed.first()?;
        let what: Vec<String> =
            changed.iter().map(|(attribute, before, after)| format!("`{attribute}` goes from {before} to {after}")).collect();
        let shards = self.present("shard_count");
        let detail = format!(
            "{}. All {} are replaced, one shard at a time: a new node joins as replica, copies the data, takes over, and the \
             old one leaves. Clients keep reading and writing. The discovery endpoint stays; the nodes behind it get other \
             ports.",
            what.join(" and "),
            counted(shards * (1 + self.present("replica_count")), "node"),
        );
        Some(Diagnostic::warning("Nodes are replaced").detail(detail).at(first))
    }

    fn memory(&self) -> Option<Diagnostic> {
        let configured = |object: &Object| -> Option<String> {
            Some(object.value("engine_configs").as_map()?.get(MAXMEMORY)?.as_str()?.to_owned())
        };
        if !self.planned.value("engine_configs").is_wholly_known() {
            return None;
        }
        let by_type = |object: &Object| {
            let size = node_type::node_config(object.value("node_type").as_str()?)?.value("size_gb").as_number()?.to_f64();
            Some(format!("{:.2} GB", size * DATA_SHARE))
        };
        let of = |object: &Object| configured(object).or_else(|| by_type(object));
        let (before, after) = (of(self.prior)?, of(self.planned)?);
        if before == after {
            return None;
        }
        let path = if configured(self.prior) == configured(self.planned) { "node_type" } else { "engine_configs" };
        let detail = format!(
            "Memory for data on each node goes from {before} to {after} by its type; where its machine bears less, the daemon \
             shares what there is among all nodes. If the data does not fit, the daemon refuses before anything changes. What is \
             written later and has no room is evicted or refused, as `maxmemory-policy` says."
        );
        Some(Diagnostic::warning("Memory for data changes").detail(detail).at(path))
    }
}

/// How many slots the last of `shard_count` shards have together, from this position on. Balanced shards may differ by a slot.
fn slots_from(position: i64, shard_count: i64) -> i64 {
    SLOT_COUNT - SLOT_COUNT * position / shard_count.max(1)
}

fn counted(count: i64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.strip_prefix("VALKEY_")?.split_once('_')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

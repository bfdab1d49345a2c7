//! Which change comes next.

use serde_json::{Value, json};

use super::number_of;
use crate::random::Random;

/// More shards with more replicas than this would leave nothing of a small machine.
const SHARDS_MAX: u64 = 4;
const REPLICAS_MAX: u64 = 2;
/// Of a hundred changes so many concern a second field too.
const SECOND_FIELD_PERCENT: u64 = 35;

/// A change that is one: no field gets the value that it has.
pub(super) fn choose(random: &mut Random, instance: &Value) -> Value {
    let mut body = json!({});
    loop {
        add_one(random, instance, &mut body);
        if !random.percent(SECOND_FIELD_PERCENT) {
            return body;
        }
    }
}

fn add_one(random: &mut Random, instance: &Value, body: &mut Value) {
    match random.below(6) {
        0 | 1 => body["shardCount"] = other(random, number_of(instance, "shardCount"), 1, SHARDS_MAX).into(),
        2 => body["replicaCount"] = other(random, number_of(instance, "replicaCount"), 0, REPLICAS_MAX).into(),
        3 => {
            let small = instance["nodeType"] == "SHARED_CORE_NANO";
            body["nodeType"] = if small { "STANDARD_SMALL" } else { "SHARED_CORE_NANO" }.into();
        }
        4 if instance["engineVersion"] == "VALKEY_8_0" => body["engineVersion"] = "VALKEY_9_1".into(),
        _ => {
            let set = instance["engineConfigs"]["maxmemory-policy"].is_string();
            body["engineConfigs"] = if set { json!({}) } else { json!({"maxmemory-policy": "noeviction"}) };
        }
    }
}

/// A number from `min` to `max` that is not `present`.
fn other(random: &mut Random, present: u64, min: u64, max: u64) -> u64 {
    let choice = min + random.below(max - min);
    if choice >= present { choice + 1 } else { choice }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_changes_something_within_bounds() {
        let instance = json!({"shardCount": 2, "replicaCount": 1, "nodeType": "SHARED_CORE_NANO", "engineVersion": "VALKEY_8_0"});
        let mut random = Random::seeded(1);
        for _ in 0..1_000 {
            let body = choose(&mut random, &instance);
            for (field, value) in body.as_object().expect("an object") {
                assert_ne!(instance[field], *value, "{body}");
            }
            assert!((1..=SHARDS_MAX).contains(&body["shardCount"].as_u64().unwrap_or(1)), "{body}");
            assert!(body["replicaCount"].as_u64().unwrap_or(0) <= REPLICAS_MAX, "{body}");
        }
    }
}

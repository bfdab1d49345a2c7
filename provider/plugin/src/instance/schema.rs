//! The attributes of `valkyard_instance`.
//!
//! Called once per process for the wire, and by the documentation test. Invariant: names and meanings are those
//! of `google_memorystore_instance`; computed attributes depend on the inputs named here, and [`super::plan`]
//! decides the rest, so that a plan shows as unknown only what the change can alter.

use std::time::Duration;

use provider_framework::timeouts::{Operation, Timeouts};
use provider_framework::{Attribute, Body, Schema, Type, validators};

use super::{node_type, outputs, persistence, rules, source};

/// Google's default for creating an instance.
const CREATE_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Google's default for changing an instance.
const UPDATE_LIMIT: Duration = Duration::from_secs(120 * 60);
/// Google's default for deleting an instance.
const DELETE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The API's own default.
const DEFAULT_NODE_TYPE: &str = "HIGHMEM_MEDIUM";

pub(super) fn schema() -> Schema {
    let schema = Schema::new().description(
        "A Valkey cluster: shards with replicas, made of real `valkey-server` processes, reached through a discovery \
         endpoint on an address of its own. `shard_count`, `replica_count`, `node_type`, `engine_version` (upwards) and \
         `engine_configs` change in place while clients keep reading and writing, all in one update if several change; the \
         plan warns of what that will do.",
    );
    let schema = derived(settings(placement(schema)));
    source::add_blocks(outputs::add_attributes(schema)).timeouts(
        Timeouts::new()
            .operation(Operation::Create, CREATE_LIMIT)
            .operation(Operation::Update, UPDATE_LIMIT)
            .operation(Operation::Delete, DELETE_LIMIT),
    )
}

/// What cannot be changed after creation.
fn placement(schema: Schema) -> Schema {
    let zones = Body::new()
        .attribute(
            "mode",
            Attribute::string()
                .default(rules::MULTI_ZONE)
                .validate(validators::one_of([rules::MULTI_ZONE, rules::SINGLE_ZONE]))
                .description(
                    "`MULTI_ZONE` spreads the nodes over the zones of the region, `SINGLE_ZONE` puts them all into `zone`. \
                     Default: `\"MULTI_ZONE\"`.",
                ),
        )
        .attribute(
            "zone",
            Attribute::string()
                .optional()
                .description("The zone of `SINGLE_ZONE`, such as `us-central1-a`. Every region has the zones a, b and c."),
        );
    schema
        .attribute(
            "instance_id",
            Attribute::string().required().validate(rules::instance_id()).replaces().description(
                "Last part of the instance's name: 4 to 63 lower-case letters, digits or hyphens, beginning with a letter or \
                 digit and not ending with a hyphen. A change replaces the instance; its data is lost.",
            ),
        )
        .attribute(
            "location",
            Attribute::string().optional().computed().stable().validate(rules::location()).replaces().description(
                "Region, such as `us-central1`. Default: the provider's `location`. A change replaces the instance; its data \
                 is lost.",
            ),
        )
        .attribute(
            "project",
            Attribute::string()
                .optional()
                .computed()
                .stable()
                .validate(rules::project())
                .replaces()
                .description("Project. Default: the provider's `project`. A change replaces the instance; its data is lost."),
        )
        .attribute(
            "zone_distribution_config",
            Attribute::single_nested(zones).optional().computed().stable().replaces().description(
                "How the nodes are placed. Default: over all zones. A change replaces the instance; its data is lost.",
            ),
        )
}

/// What the configuration says about the running instance.
fn settings(schema: Schema) -> Schema {
    schema
        .attribute(
            "shard_count",
            Attribute::integer()
                .required()
                .validate(validators::integer_between(1..=rules::SHARDS_MAX))
                .description("Number of shards, from 1 to 250. Shards times (1 + replicas) is at most 250 nodes. A change moves slots with \
                     their keys between shards.",
                ),
        )
        .attribute(
            "replica_count",
            Attribute::integer()
                .default(0)
                .validate(validators::integer_between(0..=rules::REPLICAS_MAX))
                .description("Replicas of each shard, from 0 to 5. Without any, the data of a shard is lost when its node fails. Default: \
                     `0`.",
                ),
        )
        .attribute(
            "node_type",
            Attribute::string()
                .default(DEFAULT_NODE_TYPE)
                .validate(validators::one_of(node_type::CLUSTER_NODE_TYPES.map(|node_type| node_type.as_str_name())))
                .description(format!(
                    "Size of each node: {}. Default: `\"{DEFAULT_NODE_TYPE}\"`. `node_config.size_gb` shows the size. A \
                     change replaces the nodes one by one and keeps the data.",
                    node_type::CLUSTER_NODE_TYPES.map(|node_type| format!("`{}`", node_type.as_str_name())).join(", ")
                )),
        )
        .attribute(
            "engine_version",
            Attribute::string().optional().computed().stable().validate(rules::engine_version()).description(
                "Engine version, such as `VALKEY_9_1`. Default: the newest that the daemon finds on its machine when the \
                 instance is created; it stays the same afterwards. A newer one replaces the nodes one by one and keeps the data; \
                 an older one is refused.",
            ),
        )
        .attribute(
            "engine_configs",
            rules::engine_configs().description(
                "Engine settings by their names in `valkey.conf`: `maxclients`, `maxmemory`, `maxmemory-clients`, \
                 `maxmemory-policy`, `notify-keyspace-events`, `slowlog-log-slower-than`. Changes are applied to the running nodes; \
                 a setting that is removed returns to its default.",
            ),
        )
        .attribute("persistence_config", persistence::attribute())
        .attribute(
            "deletion_protection_enabled",
            Attribute::bool().optional().computed().stable().description(
                "While `true`, the instance cannot be destroyed: set it to `false` and apply first. Default: the provider's \
                 `deletion_protection_enabled`, which is `true` unless set (as in Google's provider).",
            ),
        )
        .attribute(
            "labels",
            rules::labels(Attribute::map(Type::String).optional())
                .description("Labels. Labels that others put on the instance stay untouched; `effective_labels` shows them all."),
        )
}

/// What follows from the configuration, and is therefore known in the plan.
fn derived(schema: Schema) -> Schema {
    let identity = ["project", "location", "instance_id"];
    schema
        .attribute(
            "name",
            Attribute::string()
                .computed()
                .depends_on_inputs(identity)
                .description("Full name, `projects/{project}/locations/{location}/instances/{instance_id}`."),
        )
        .attribute("id", Attribute::string().computed().depends_on_inputs(identity).description("The same as `name`."))
        .attribute(
            "backup_collection",
            Attribute::string().computed().depends_on_inputs(identity).description(
                "Full name of the collection of the instance's backups, \
                 `projects/{project}/locations/{location}/backupCollections/{instance_id}`. It is there once there was a backup, and \
                 outlives the instance.",
            ),
        )
        .attribute(
            "node_config",
            Attribute::single_nested(outputs::node_config())
                .computed()
                .depends_on_inputs(["node_type"])
                .description("What `node_type` stands for."),
        )
        .attribute(
            "terraform_labels",
            Attribute::map(Type::String)
                .computed()
                .stable()
                .description("`labels` together with the provider's `default_labels`."),
        )
        .attribute(
            "effective_labels",
            Attribute::map(Type::String)
                .computed()
                .stable()
                .description("All labels of the instance, those set by others included."),
        )
}

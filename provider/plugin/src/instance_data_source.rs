//! The data source `valkyard_instance`.
//!
//! Owns [`InstanceDataSource`]. The provider lists it. Invariant: it has every attribute of the resource but
//! `timeouts`, read from the daemon; `labels` are all labels, as nobody manages them here.

use provider_framework::{Attribute, Body, BoxFuture, Context, DataSource, Diagnostic, Diagnostics, Object, Schema, Type};

use crate::client::{Attempt, Client, Subject};
use crate::instance::{InstanceName, TYPE_NAME, outputs, persistence, rules};
use crate::instance_reference::part_or_default;

/// The data source `valkyard_instance`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstanceDataSource;

impl DataSource<Client> for InstanceDataSource {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new()
            .description("An instance that exists, managed here or elsewhere.")
            .attribute(
                "instance_id",
                Attribute::string().required().validate(rules::instance_id()).description("Last part of the instance's name."),
            )
            .attribute(
                "location",
                Attribute::string()
                    .optional()
                    .computed()
                    .validate(rules::location())
                    .description("Region. Default: the provider's `location`."),
            )
            .attribute(
                "project",
                Attribute::string()
                    .optional()
                    .computed()
                    .validate(rules::project())
                    .description("Project. Default: the provider's `project`."),
            );
        outputs::add_attributes(settings(schema))
    }

    fn read<'a>(&'a self, cx: &'a Context<Client>, config: Object) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move {
            let defaults = cx.client().defaults();
            let name = InstanceName {
                project: part_or_default(&config, "project", &defaults.project)?,
                location: part_or_default(&config, "location", &defaults.location)?,
                instance_id: config.read("instance_id")?,
            };
            let full_name = name.to_string();
            match cx.run(cx.client().instance(full_name.clone())).await? {
                Ok(instance) => {
                    let mut state = outputs::show(&name, &instance, &config);
                    state.set("labels", instance.labels.clone()).set("engine_configs", instance.engine_configs.clone());
                    state.remove("terraform_labels");
                    Ok(state)
                }
                Err(error) if error.is_not_found() => Err(Diagnostic::error("No such instance")
                    .detail(format!("The daemon has no {full_name}. `instance_id`, `location` and `project` must all match."))
                    .at("instance_id")
                    .into()),
                Err(error) => Err(Attempt { verb: "read", subject: Subject::Instance, name: &full_name }.failed(&error)),
            }
        })
    }
}

fn settings(schema: Schema) -> Schema {
    let text = |description: &str| Attribute::string().computed().description(description);
    let number = |description: &str| Attribute::number().computed().description(description);
    let map = |description: &str| Attribute::map(Type::String).computed().description(description);
    let zones = Body::new()
        .attribute("mode", text("`MULTI_ZONE` or `SINGLE_ZONE`."))
        .attribute("zone", text("The zone of `SINGLE_ZONE`."));
    schema
        .attribute("name", text("Full name, `projects/{project}/locations/{location}/instances/{instance_id}`."))
        .attribute("id", text("The same as `name`."))
        .attribute("shard_count", number("Number of shards."))
        .attribute("replica_count", number("Replicas of each shard."))
        .attribute("node_type", text("Size of each node."))
        .attribute(
            "node_config",
            Attribute::single_nested(outputs::node_config()).computed().description("What `node_type` stands for."),
        )
        .attribute("engine_version", text("Engine version."))
        .attribute("engine_configs", map("Engine settings that were changed."))
        .attribute(
            "zone_distribution_config",
            Attribute::single_nested(zones).computed().description("How the nodes are placed."),
        )
        .attribute("persistence_config", persistence::shown())
        .attribute("backup_collection", text("Full name of the collection of the instance's backups."))
        .attribute(
            "deletion_protection_enabled",
            Attribute::bool().computed().description("Whether the instance is protected against deletion."),
        )
        .attribute("labels", map("All labels of the instance."))
        .attribute("effective_labels", map("The same as `labels`."))
}

//! The provider block.
//!
//! Owns [`Valkyard`]: what can be configured, from where (block, environment, default) and the client made of it.
//! The framework calls it. Invariant: configuring calls no network, so plans that need no daemon work without one,
//! and a value that Terraform does not know yet is an error only for the resource that needs it.

use std::collections::BTreeMap;

use provider_framework::{
    Attribute, BoxFuture, Configure, Configured, DataSource, Diagnostic, Diagnostics, MaybeKnown, Object, Provider, Resource,
    Schema, Type, validators,
};

use crate::backup::BackupResource;
use crate::backup_data_source::BackupDataSource;
use crate::backup_policy::BackupPolicyResource;
use crate::backups_data_source::BackupsDataSource;
use crate::client::{Client, Defaults, EndpointUrl};
use crate::instance::{InstanceResource, rules};
use crate::instance_data_source::InstanceDataSource;

/// Where the daemon listens unless told otherwise.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:4590";
/// Valkyard keeps no projects; any well-formed one serves.
const DEFAULT_PROJECT: &str = "local";
/// A region every tool for the product knows.
const DEFAULT_LOCATION: &str = "us-central1";

const ENDPOINT_VARIABLE: &str = "VALKYARD_ENDPOINT";
const PROJECT_VARIABLE: &str = "VALKYARD_PROJECT";
const LOCATION_VARIABLE: &str = "VALKYARD_LOCATION";

/// The provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Valkyard;

impl Provider for Valkyard {
    type Client = Client;

    fn name(&self) -> &str {
        "valkyard"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        let endpoint = Attribute::string()
            .optional()
            .validate(validators::pattern("a URL such as `http://127.0.0.1:4590`, or a host and a port", |text| {
                text.parse::<EndpointUrl>().is_ok()
            }));
        Schema::new()
            .description(
                "Runs real, sharded, replicated Valkey clusters on your own machines through a Valkyard daemon \
                 (`valkyard serve`). The daemon answers to the public Memorystore for Valkey API, and attributes are \
                 named as in `google_memorystore_instance`.",
            )
            .attribute(
                "endpoint",
                endpoint.description(format!(
                    "URL of the daemon. Environment: `{ENDPOINT_VARIABLE}`. Default: `\"{DEFAULT_ENDPOINT}\"`."
                )),
            )
            .attribute(
                "project",
                Attribute::string().optional().validate(rules::project()).description(format!(
                    "Project of resources that name none. Valkyard accepts any well-formed project id. Environment: \
                         `{PROJECT_VARIABLE}`. Default: `\"{DEFAULT_PROJECT}\"`."
                )),
            )
            .attribute(
                "location",
                Attribute::string().optional().validate(rules::location()).description(format!(
                    "Region of resources that name none, of the form `aaa-bbbN`. Environment: `{LOCATION_VARIABLE}`. \
                         Default: `\"{DEFAULT_LOCATION}\"`."
                )),
            )
            .attribute(
                "default_labels",
                rules::labels(Attribute::map(Type::String).optional())
                    .description("Labels that every resource gets unless its own `labels` set the key to another value."),
            )
            .attribute(
                "deletion_protection_enabled",
                Attribute::bool().optional().description(
                    "Default of the resources' attribute of the same name. Default: `true`; throw-away environments set \
                     it to `false` in this one place.",
                ),
            )
    }

    fn configure<'a>(&'a self, request: Configure) -> BoxFuture<'a, Result<Configured<Client>, Diagnostics>> {
        Box::pin(async move {
            let config = request.config;
            let endpoint = match text(&config, "endpoint", ENDPOINT_VARIABLE, DEFAULT_ENDPOINT)? {
                MaybeKnown::Unknown => MaybeKnown::Unknown,
                MaybeKnown::Known(url) => MaybeKnown::Known(url.parse::<EndpointUrl>().map_err(|error| {
                    Diagnostic::error("Invalid endpoint")
                        .detail(format!("The endpoint of the Valkyard daemon, {url:?}, cannot be used: {error}. It comes from `endpoint` of the provider block or from {ENDPOINT_VARIABLE}."))
                        .at("endpoint")
                })?),
            };
            let defaults = Defaults {
                project: text(&config, "project", PROJECT_VARIABLE, DEFAULT_PROJECT)?,
                location: text(&config, "location", LOCATION_VARIABLE, DEFAULT_LOCATION)?,
                labels: labels(&config)?,
                deletion_protection: match config.read("deletion_protection_enabled")? {
                    MaybeKnown::Known(configured) => MaybeKnown::Known(Option::<bool>::unwrap_or(configured, true)),
                    MaybeKnown::Unknown => MaybeKnown::Unknown,
                },
            };
            Ok(Client::new(endpoint, defaults).into())
        })
    }

    fn resources(&self) -> Vec<Box<dyn Resource<Client>>> {
        vec![Box::new(BackupResource), Box::new(BackupPolicyResource), Box::new(InstanceResource)]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<Client>>> {
        vec![Box::new(BackupDataSource), Box::new(BackupsDataSource), Box::new(InstanceDataSource)]
    }
}

/// The provider block's value, else the environment's, else the default.
fn text(config: &Object, attribute: &str, variable: &str, default: &str) -> Result<MaybeKnown<String>, Diagnostics> {
    let value = match config.read::<MaybeKnown<Option<String>>>(attribute)? {
        MaybeKnown::Unknown => return Ok(MaybeKnown::Unknown),
        MaybeKnown::Known(value) => value,
    };
    // A variable that is set but empty counts as absent, as in Google's provider.
    let from_environment = || std::env::var(variable).ok().filter(|value| !value.is_empty());
    Ok(MaybeKnown::Known(value.or_else(from_environment).unwrap_or_else(|| default.to_owned())))
}

fn labels(config: &Object) -> Result<MaybeKnown<BTreeMap<String, String>>, Diagnostics> {
    if !config.value("default_labels").is_wholly_known() {
        return Ok(MaybeKnown::Unknown);
    }
    let labels: Option<BTreeMap<String, String>> = config.read("default_labels")?;
    Ok(MaybeKnown::Known(labels.unwrap_or_default()))
}

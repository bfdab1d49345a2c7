//! The data source `valkyard_backups`.
//!
//! Owns [`BackupsDataSource`]. The provider lists it. Invariant: it shows every backup of a collection, newest first, in
//! whatever state.

use admin_proto::v1::BackupDetails;
use provider_framework::{Attribute, Body, BoxFuture, Context, DataSource, Diagnostics, Object, Schema};

use crate::backup::{BackupName, details};
use crate::backup_lookup;
use crate::client::Client;

/// The data source `valkyard_backups`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackupsDataSource;

impl DataSource<Client> for BackupsDataSource {
    fn type_name(&self) -> &str {
        "valkyard_backups"
    }

    fn schema(&self) -> Schema {
        let text = |description: &str| Attribute::string().computed().description(description);
        let body = details::attributes().into_iter().fold(Body::new(), |body, (name, attribute)| body.attribute(name, attribute));
        let body = body
            .attribute("name", text("Full name; `managed_backup_source` takes it."))
            .attribute("id", text("The same as `name`."))
            .attribute("backup_id", text("Last part of the name."))
            .attribute("instance", text("Full name of the instance that it is of."));
        let schema = Schema::new().description(
            "The backups of an instance, managed here or elsewhere, automated ones included. They can outlive the instance.",
        );
        backup_lookup::add_attributes(schema)
            .attribute("backups", Attribute::list_nested(body).computed().description("The backups, newest first."))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        backup_lookup::one_way(config, &["instance", "backup_collection"]).into_iter().collect()
    }

    fn read<'a>(&'a self, cx: &'a Context<Client>, config: Object) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move {
            let collection = backup_lookup::collection(cx, &config)?;
            let found = backup_lookup::look(cx, &collection).await?;
            let mut state = config;
            backup_lookup::show(&mut state, &collection);
            state.set("backups", found.iter().filter_map(show).collect::<Vec<_>>());
            Ok(state)
        })
    }
}

fn show(backup: &BackupDetails) -> Option<Object> {
    Some(details::show(&BackupName::parse(&backup.name)?, backup))
}

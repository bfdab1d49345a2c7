//! The data source `valkyard_backup`.
//!
//! Owns [`BackupDataSource`]. The provider lists it. Invariant: it shows one backup, by name in whatever state, or the
//! latest of a collection from which an instance can be restored.

use admin_proto::v1::BackupDetails;
use provider_framework::{Attribute, BoxFuture, Context, DataSource, Diagnostic, Diagnostics, Object, Schema, validators};

use crate::backup::{BackupName, CollectionName, TYPE_NAME, attempt, details};
use crate::backup_lookup;
use crate::client::Client;

/// How many backups an error names; more would hide what it says.
const NAMED_MAX: usize = 10;

/// The data source `valkyard_backup`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackupDataSource;

impl DataSource<Client> for BackupDataSource {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new().description(
            "One backup: by its name, or the latest of an instance. With `verified`, the latest that was restored and compared: \
             what `managed_backup_source` should start from.",
        );
        let schema = details::attributes()
            .into_iter()
            .filter(|(name, _)| !["backup_collection", "verified"].contains(name))
            .fold(schema, |schema, (name, attribute)| schema.attribute(name, attribute));
        let name = Attribute::string().optional().computed().validate(validators::pattern(
            "the full name of a backup, \"projects/<project>/locations/<location>/backupCollections/<collection>/backups/<backup>\"",
            |text| BackupName::parse(text).is_some(),
        ));
        let text = |description: &str| Attribute::string().computed().description(description);
        backup_lookup::add_attributes(schema)
            .attribute("name", name.description("Full name. Without it, the latest backup of `instance` or `backup_collection`."))
            .attribute(
                "verified",
                Attribute::bool()
                    .optional()
                    .computed()
                    .description("`true` takes only backups that passed a verification. In the outcome: whether this one did."),
            )
            .attribute("id", text("The full name."))
            .attribute("backup_id", text("Last part of the name."))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        backup_lookup::one_way(config, &["name", "instance", "backup_collection"]).into_iter().collect()
    }

    fn read<'a>(&'a self, cx: &'a Context<Client>, config: Object) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move {
            let wants_verified = config.value("verified").as_bool() == Some(true);
            let (name, backup) = match config.value("name").as_str().and_then(BackupName::parse) {
                Some(name) => {
                    let backup = by_name(cx, &name).await?;
                    (name, backup)
                }
                None => {
                    let collection = backup_lookup::collection(cx, &config)?;
                    latest(&collection, backup_lookup::look(cx, &collection).await?, wants_verified)?
                }
            };
            if wants_verified && !details::passed(&backup) {
                let detail = format!("{} did not pass a verification, and `verified` is true.", details::line(&backup));
                return Err(Diagnostic::error("The backup is not verified").detail(detail).at("verified").into());
            }
            let mut state = config.clone();
            for (attribute, value) in details::show(&name, &backup) {
                // What was configured stays as it is spelled.
                if attribute == "verified" || config.value(&attribute).is_null() {
                    state.set(attribute, value);
                }
            }
            backup_lookup::show(&mut state, &name.collection);
            Ok(state)
        })
    }
}

async fn by_name(cx: &Context<Client>, name: &BackupName) -> Result<BackupDetails, Diagnostics> {
    let full_name = name.to_string();
    match cx.run(cx.client().backup(full_name.clone())).await? {
        Ok(backup) => Ok(backup),
        Err(error) if error.is_not_found() => {
            let others = backup_lookup::look(cx, &name.collection).await.unwrap_or_default();
            let detail = format!("The daemon has no {full_name}. {}", what_there_is(&name.collection, &others));
            Err(Diagnostic::error("No such backup").detail(detail).at("name").into())
        }
        Err(error) => Err(attempt("read", &full_name).failed(&error)),
    }
}

/// The first of `backups`, newest first, that an instance can be restored from.
fn latest(
    collection: &CollectionName,
    backups: Vec<BackupDetails>,
    wants_verified: bool,
) -> Result<(BackupName, BackupDetails), Diagnostics> {
    let fits = |backup: &&BackupDetails| details::is_usable(backup) && (!wants_verified || details::passed(backup));
    let found = backups.iter().find(fits);
    if let Some((name, backup)) = found.and_then(|backup| Some((BackupName::parse(&backup.name)?, backup.clone()))) {
        return Ok((name, backup));
    }
    let wanted = if wants_verified { "a backup that is verified" } else { "a backup that is complete" };
    let detail = format!("{collection} has not {wanted}. {}", what_there_is(collection, &backups));
    Err(Diagnostic::error("No such backup").detail(detail).into())
}

/// What a person may choose from.
fn what_there_is(collection: &CollectionName, backups: &[BackupDetails]) -> String {
    if backups.is_empty() {
        return format!("There are no backups in {collection}.");
    }
    let lines: String = backups.iter().take(NAMED_MAX).map(|backup| format!("\n  {}", details::line(backup))).collect();
    let more = backups.len().saturating_sub(NAMED_MAX);
    let rest = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!("There are, newest first:\n{lines}{rest}")
}

//! `gcs_source` and `managed_backup_source`: what the first data of an instance is.
//!
//! Owns the blocks, their rules, their message and what a change of them does. Invariants: only a source that differs
//! replaces an instance, since that loses its data. A source that is removed replaces nothing: it has done its work.
//! Neither does one that is configured after an import, unless the daemon told that the first data was another: what is
//! imported must not be destroyed for want of knowledge. Names of backups with and without the service in front are equal.

use std::collections::BTreeSet;
use std::fmt;

use memorystore_proto::v1::Instance;
use memorystore_proto::v1::instance::{GcsBackupSource, ImportSources, ManagedBackupSource};
use provider_framework::schema::{Block, BlockNesting};
use provider_framework::{Attribute, Body, Diagnostic, Object, PlannedChange, Private, Schema, Type, Value, validators};

use crate::backup::BackupName;

const FILES: &str = "gcs_source";
const BACKUP: &str = "managed_backup_source";
/// Where the source is remembered that the daemon told at an import; empty if it told none.
const IMPORTED_SOURCE: &str = "imported_source";

/// Where the first data comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Files(BTreeSet<String>),
    Backup(String),
}

/// What a configuration or state says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// Something that is known only after apply.
    Unknown,
    For(Source),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(uris) => f.write_str(&uris.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
            Self::Backup(name) => f.write_str(name),
        }
    }
}

impl Asked {
    fn of(object: &Object) -> Self {
        if let Some(files) = object.value(FILES).as_object() {
            let uris = files.value("uris");
            let texts = uris.as_elements().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            return if uris.is_wholly_known() { Self::For(Source::Files(texts.collect())) } else { Self::Unknown };
        }
        match object.value(BACKUP).as_object().map(|backup| backup.value("backup")) {
            None => Self::Nothing,
            Some(name) => name.as_str().map_or(Self::Unknown, |text| Self::For(Source::Backup(plain(text)))),
        }
    }
}

/// The name without the service in front.
fn plain(text: &str) -> String {
    BackupName::parse(text).map_or_else(|| text.to_owned(), |name| name.to_string())
}

/// Adds the blocks.
pub(super) fn add_blocks(schema: Schema) -> Schema {
    let is_uri = |text: &str| {
        let rest = ["gs://", "s3://", "file:///"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        rest.is_some_and(|rest| !rest.is_empty())
    };
    let uris = Attribute::set(Type::String)
        .required()
        .validate(validators::size(1..=usize::MAX))
        .validate(validators::each(validators::pattern("a URI of the form gs://…, s3://… or file:///…", is_uri)));
    let files = Body::new().attribute(
        "uris",
        uris.description(
            "URIs of RDB files, `gs://<bucket>/<object>`, `s3://<bucket>/<object>` or `file:///<path>` on the daemon's machine, \
             together all shards of a cluster of any number of shards.",
        ),
    );
    let name = Attribute::string().required().validate(validators::pattern(
        "the full name of a backup, \"projects/<project>/locations/<location>/backupCollections/<collection>/backups/<backup>\"",
        |text| BackupName::parse(text).is_some(),
    ));
    let backup = Body::new().attribute(
        "backup",
        name.description(
            "Full name of the backup, with or without `//memorystore.googleapis.com/` in front, such as \
             `valkyard_backup.nightly.name`. The instance may have another number of shards than the backup.",
        ),
    );
    let fixed = "It is read when the instance is created. Another one replaces the instance, and its data is lost; removing the \
                 block changes nothing.";
    schema
        .block(
            FILES,
            Block::new(BlockNesting::Single, files).description(format!("RDB files that the first data comes from. {fixed}")),
        )
        .block(BACKUP, Block::new(BlockNesting::Single, backup).description(format!("The backup to restore. {fixed}")))
}

/// An instance has one source.
pub(super) fn conflict(config: &Object) -> Option<Diagnostic> {
    if config.value(FILES).is_null() || config.value(BACKUP).is_null() {
        return None;
    }
    let detail = "`gcs_source` and `managed_backup_source` both say what the first data is. Remove one of the blocks.";
    Some(Diagnostic::error("Two sources of data").detail(detail).at(BACKUP))
}

/// What a creation asks for.
pub(super) fn message(planned: &Object) -> Option<ImportSources> {
    match Asked::of(planned) {
        Asked::For(Source::Files(uris)) => Some(ImportSources::GcsSource(GcsBackupSource { uris: uris.into_iter().collect() })),
        Asked::For(Source::Backup(backup)) => Some(ImportSources::ManagedBackupSource(ManagedBackupSource { backup })),
        Asked::Nothing | Asked::Unknown => None,
    }
}

/// Copies the blocks of `from`: the state has what was configured, whatever the daemon tells.
pub(super) fn keep(state: &mut Object, from: &Object) {
    for block in [FILES, BACKUP] {
        state.set(block, from.value(block).clone());
    }
}

/// Remembers what the daemon tells of the source of an instance that is imported.
pub(super) fn remember(private: &mut Private, instance: &Instance) {
    let told = instance.import_sources.as_ref().map(|source| match source {
        ImportSources::GcsSource(files) => Source::Files(files.uris.iter().cloned().collect()),
        ImportSources::ManagedBackupSource(source) => Source::Backup(plain(&source.backup)),
    });
    private.set(IMPORTED_SOURCE, told.map(|source| source.to_string()).unwrap_or_default());
}

/// Plans the blocks of an instance that exists.
pub(super) fn plan(change: &mut PlannedChange) {
    let Some(prior) = change.prior().cloned() else { return };
    let replaces = match (Asked::of(&prior), Asked::of(&change.planned)) {
        (_, Asked::Nothing) => false,
        (Asked::Nothing, wanted) => match change.private.value(IMPORTED_SOURCE).map(|told| told.as_str().unwrap_or_default()) {
            None => true,
            Some("") => false,
            Some(told) => matches!(wanted, Asked::For(source) if source.to_string() != told),
        },
        (before, wanted) if before == wanted => {
            keep(&mut change.planned, &prior);
            false
        }
        (Asked::For(_) | Asked::Unknown, Asked::For(_) | Asked::Unknown) => true,
    };
    if replaces {
        change.replace_because_of(FILES);
        change.replace_because_of(BACKUP);
    }
}

/// What a new instance in place of another begins with.
pub(super) fn first_data(planned: &Object) -> String {
    match Asked::of(planned) {
        Asked::Nothing => "an empty one".to_owned(),
        Asked::Unknown => "one restored from a source that is known only after apply".to_owned(),
        Asked::For(source) => format!("one restored from {source}"),
    }
}

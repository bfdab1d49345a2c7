//! Names, parents and idempotency keys in requests.

use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use valkyard_model::{
    BackupName, CollectionName, FieldViolation, InstanceId, InstanceName, LocationId, ProjectId, RequestId, Verb,
};
use valkyard_store::{RequestKey, Scope};

use crate::ApiError;

/// Stands for every project, or every location, in the parent of a list.
const ANY: &str = "-";
const PARENT_FORM: &str = "projects/{project}/locations/{location}";
const COLLECTION_FORM: &str = "projects/{project}/locations/{location}/backupCollections/{collection}";

/// `projects/{project}/locations/{location}`.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) project: ProjectId,
    pub(crate) location: LocationId,
}

impl Parent {
    /// Reads a parent to create something in.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, ApiError> {
        let (project, location) = split(field, text)?;
        let project = project.parse().map_err(|error| violation(field, error));
        let location = location.parse().map_err(|error| violation(field, error));
        match (project, location) {
            (Ok(project), Ok(location)) => Ok(Self { project, location }),
            (project, location) => Err(ApiError::Invalid(project.err().into_iter().chain(location.err()).collect())),
        }
    }

    /// Reads a parent to list: either segment may be `-` for all (for projects an extension of ours).
    pub(crate) fn scope(field: &str, text: &str) -> Result<Scope, ApiError> {
        let (project, location) = split(field, text)?;
        let project = (project != ANY).then(|| project.parse()).transpose().map_err(|error| violation(field, error));
        let location = (location != ANY).then(|| location.parse()).transpose().map_err(|error| violation(field, error));
        match (project, location) {
            (Ok(project), Ok(location)) => Ok(Scope { project, location }),
            (project, location) => Err(ApiError::Invalid(project.err().into_iter().chain(location.err()).collect())),
        }
    }
}

fn violation(field: &str, error: valkyard_model::NameError) -> FieldViolation {
    FieldViolation::new(field, error.to_string())
}

fn split<'t>(field: &str, text: &'t str) -> Result<(&'t str, &'t str), ApiError> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        ["projects", project, "locations", location] => Ok((*project, *location)),
        _ => Err(ApiError::invalid(field, format!("{text:?} must have the form {PARENT_FORM}"))),
    }
}

/// Whose backups a list is about; `None` stands for those of every collection.
#[derive(Clone, Debug)]
pub(crate) struct CollectionScope {
    pub(crate) scope: Scope,
    pub(crate) collection: Option<InstanceId>,
}

impl CollectionScope {
    /// Reads the parent of a list of backups: each segment may be `-` for all.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, ApiError> {
        let parts = text.split_once("/backupCollections/").filter(|(_, id)| !id.contains('/'));
        let form = || ApiError::invalid(field, format!("{text:?} must have the form {COLLECTION_FORM}"));
        let (parent, id) = parts.ok_or_else(form)?;
        let scope = Parent::scope(field, parent)?;
        let id = (id != ANY).then(|| id.parse()).transpose();
        Ok(Self { scope, collection: id.map_err(|error| ApiError::Invalid(vec![violation(field, error)]))? })
    }

    /// The collection, if the list is about a certain one.
    pub(crate) fn name(&self) -> Option<CollectionName> {
        let Scope { project, location } = self.scope.clone();
        Some(CollectionName { project: project?, location: location?, collection: self.collection.clone()? })
    }
}

/// Reads the name of a collection of backups.
pub(crate) fn collection_name(field: &str, text: &str) -> Result<CollectionName, ApiError> {
    text.parse().map_err(|error| ApiError::Invalid(vec![violation(field, error)]))
}

/// Reads the name of a backup.
pub(crate) fn backup_name(field: &str, text: &str) -> Result<BackupName, ApiError> {
    text.parse().map_err(|error| ApiError::Invalid(vec![violation(field, error)]))
}

/// Reads the name of an instance.
pub(crate) fn instance_name(field: &str, text: &str) -> Result<InstanceName, ApiError> {
    text.parse().map_err(|error| ApiError::Invalid(vec![violation(field, error)]))
}

/// The idempotency key of a request, given without its `request_id`.
pub(crate) fn request_key<M: Message>(id: &str, verb: Verb, content: &M) -> Result<Option<RequestKey>, ApiError> {
    if id.is_empty() {
        return Ok(None);
    }
    let parsed = Uuid::parse_str(id).ok().filter(|uuid| !uuid.is_nil());
    let Some(uuid) = parsed else {
        return Err(ApiError::invalid("request_id", format!("{id:?} is not a UUID other than zero")));
    };
    // Maps are ordered in our messages, so equal requests have equal bytes.
    let digest = Sha256::new().chain_update(verb.as_str()).chain_update(content.encode_to_vec()).finalize();
    let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(RequestKey { id: RequestId(uuid), digest }))
}

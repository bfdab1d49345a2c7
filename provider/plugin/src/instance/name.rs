//! The name of an instance.
//!
//! Owns [`InstanceName`] and the three forms of import ids. Requests are addressed with it. Invariant: its parts
//! keep the rules for their segments, so it always makes a well-formed resource name.

use std::fmt;

use provider_framework::{MaybeKnown, Object};

use super::rules;

/// `projects/{project}/locations/{location}/instances/{instance_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceName {
    pub(crate) project: String,
    pub(crate) location: String,
    pub(crate) instance_id: String,
}

/// Why an import id is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImportIdError {
    #[error("it has none of the accepted forms")]
    Form,
    #[error("the project is needed for this form but not known before apply")]
    ProjectUnknown,
    #[error("{0:?} is not a project id")]
    Project(String),
    #[error("{0:?} is not a region name such as us-central1")]
    Location(String),
    #[error("{0:?} is not an instance id: 4 to 63 lower-case letters, digits or hyphens")]
    InstanceId(String),
}

impl InstanceName {
    /// The name by the three attributes, if all of them are known.
    pub(crate) fn of(object: &Object) -> Option<Self> {
        let part = |attribute: &str| object.value(attribute).as_str().map(str::to_owned);
        Some(Self { project: part("project")?, location: part("location")?, instance_id: part("instance_id")? })
    }

    /// Reads a full name.
    pub(crate) fn from_full(text: &str) -> Option<Self> {
        let is_full = text.starts_with("projects/");
        is_full.then(|| Self::from_import_id(text, &MaybeKnown::Unknown).ok()).flatten()
    }

    /// Reads an import id: the full name, `project/location/id` or `location/id`.
    pub(crate) fn from_import_id(id: &str, default_project: &MaybeKnown<String>) -> Result<Self, ImportIdError> {
        let parts: Vec<&str> = id.split('/').collect();
        let (project, location, instance_id) = match parts.as_slice() {
            ["projects", project, "locations", location, "instances", instance_id] | [project, location, instance_id] => {
                ((*project).to_owned(), *location, *instance_id)
            }
            [location, instance_id] => match default_project {
                MaybeKnown::Known(project) => (project.clone(), *location, *instance_id),
                MaybeKnown::Unknown => return Err(ImportIdError::ProjectUnknown),
            },
            _ => return Err(ImportIdError::Form),
        };
        if !rules::is_project(&project) {
            return Err(ImportIdError::Project(project));
        }
        if !rules::is_location(location) {
            return Err(ImportIdError::Location(location.to_owned()));
        }
        if !rules::is_instance_id(instance_id) {
            return Err(ImportIdError::InstanceId(instance_id.to_owned()));
        }
        Ok(Self { project, location: location.to_owned(), instance_id: instance_id.to_owned() })
    }

    /// The name of what the instance is in.
    pub(crate) fn parent(&self) -> String {
        format!("projects/{}/locations/{}", self.project, self.location)
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/instances/{}", self.parent(), self.instance_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: &str) -> Result<String, ImportIdError> {
        InstanceName::from_import_id(id, &MaybeKnown::Known("local".to_owned())).map(|name| name.to_string())
    }

    #[test]
    fn the_three_import_forms_name_the_same_instance() {
        let full = "projects/local/locations/us-central1/instances/cache";
        for form in [full, "local/us-central1/cache", "us-central1/cache"] {
            assert_eq!(read(form), Ok(full.to_owned()), "{form}");
        }
    }

    #[test]
    fn other_forms_and_bad_segments_are_refused_by_name() {
        for bad in ["", "cache", "a/b/c/d", "projects/p/locations/us-central1/clusters/cache"] {
            assert_eq!(read(bad), Err(ImportIdError::Form), "{bad}");
        }
        assert_eq!(read("p/us-central/cache"), Err(ImportIdError::Location("us-central".to_owned())));
        assert_eq!(read("p/us-central1/c"), Err(ImportIdError::InstanceId("c".to_owned())));
        assert_eq!(read("P/us-central1/cache"), Err(ImportIdError::Project("P".to_owned())));
    }

    #[test]
    fn the_short_form_needs_a_known_project() {
        let read = InstanceName::from_import_id("us-central1/cache", &MaybeKnown::Unknown);
        assert_eq!(read, Err(ImportIdError::ProjectUnknown));
    }
}

//! Resource names and the rules for their segments.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::OperationId;

/// Why a name, or a segment of one, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A project id or number of the wrong form.
    #[error(
        "project {text:?} must have 1 to 63 lowercase letters, digits, hyphens, dots or colons and start with a letter or digit"
    )]
    Project {
        /// What was given.
        text: String,
    },
    /// A location that is not a region.
    #[error("location {text:?} is not a region name such as us-central1")]
    Location {
        /// What was given.
        text: String,
    },
    /// An instance id that breaks the product's rule.
    #[error(
        "instance id {text:?} must have 4 to 63 lowercase letters, digits or hyphens, begin with a letter or digit and not end with a hyphen"
    )]
    Instance {
        /// What was given.
        text: String,
    },
    /// The id of a backup of the wrong form.
    #[error(
        "backup id {text:?} must have 1 to 63 lowercase letters, digits, hyphens or underscores and begin with a letter or digit"
    )]
    Backup {
        /// What was given.
        text: String,
    },
    /// A resource name with the wrong segments.
    #[error("name {text:?} must have the form {form}")]
    Form {
        /// What was given.
        text: String,
        /// The form that is expected.
        form: &'static str,
    },
}

/// Longest segment of a resource name (the product's rule for instance ids; project ids are shorter).
const SEGMENT_LENGTH_MAX: usize = 63;
/// Shortest instance id (API definition: 4 to 63 characters).
const INSTANCE_ID_LENGTH_MIN: usize = 4;

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The segment as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text_newtype! {
    /// A project id (or number); any well-formed one is accepted, as Valkyard keeps no projects.
    ProjectId
}
text_newtype! {
    /// A region; any name of the form `aaa-bbbN` is accepted and has the zones a, b and c.
    LocationId
}
text_newtype! {
    /// The id of an instance, unique within its project and location.
    InstanceId
}

impl FromStr for ProjectId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if starts_well && text.len() <= SEGMENT_LENGTH_MAX && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Project { text: text.to_owned() })
        }
    }
}

impl FromStr for LocationId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = || NameError::Location { text: text.to_owned() };
        let (continent, area) = text.split_once('-').ok_or_else(error)?;
        let letters = area.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = area.len() - letters.len();
        let lower = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        if lower(continent) && lower(letters) && (1..=2).contains(&digits) && text.len() <= SEGMENT_LENGTH_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(error())
        }
    }
}

impl FromStr for InstanceId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ok = (INSTANCE_ID_LENGTH_MIN..=SEGMENT_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|b| plain(b) || b == b'-')
            && text.bytes().next().is_some_and(plain)
            && text.bytes().last().is_some_and(plain);
        if ok { Ok(Self(text.to_owned())) } else { Err(NameError::Instance { text: text.to_owned() }) }
    }
}

/// `projects/{project}/locations/{location}/instances/{instance}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceName {
    /// The project.
    pub project: ProjectId,
    /// The region.
    pub location: LocationId,
    /// The id within them.
    pub instance: InstanceId,
}

const INSTANCE_FORM: &str = "projects/{project}/locations/{location}/instances/{instance}";
const OPERATION_FORM: &str = "projects/{project}/locations/{location}/operations/{operation}";

/// The three values of a `projects/P/locations/L/COLLECTION/ID` name.
pub(crate) fn split_name<'t>(text: &'t str, collection: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        ["projects", project, "locations", location, found, id] if *found == collection => Some((*project, *location, *id)),
        _ => None,
    }
}

impl FromStr for InstanceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (project, location, instance) =
            split_name(text, "instances").ok_or_else(|| NameError::Form { text: text.to_owned(), form: INSTANCE_FORM })?;
        Ok(Self { project: project.parse()?, location: location.parse()?, instance: instance.parse()? })
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects/{}/locations/{}/instances/{}", self.project, self.location, self.instance)
    }
}

impl TryFrom<String> for InstanceName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<InstanceName> for String {
    fn from(name: InstanceName) -> Self {
        name.to_string()
    }
}

/// `projects/{project}/locations/{location}/operations/{operation}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationName {
    /// The project of the operation's target.
    pub project: ProjectId,
    /// The region of the operation's target.
    pub location: LocationId,
    /// The id.
    pub operation: OperationId,
}

impl FromStr for OperationName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (project, location, operation) = split_name(text, "operations")
            .filter(|(_, _, id)| !id.is_empty())
            .ok_or_else(|| NameError::Form { text: text.to_owned(), form: OPERATION_FORM })?;
        Ok(Self { project: project.parse()?, location: location.parse()?, operation: OperationId::from_client(operation) })
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects/{}/locations/{}/operations/{}", self.project, self.location, self.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_ids_follow_the_products_rule() {
        for good in ["abcd", "0abc", "a-b-c", "my-cache-1"] {
            assert_eq!(good.parse::<InstanceId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "abc", "-abc", "abc-", "Abcd", "ab_cd", "ab cd", &"a".repeat(64)] {
            assert!(matches!(bad.parse::<InstanceId>(), Err(NameError::Instance { .. })), "{bad:?} was accepted");
        }
    }

    #[test]
    fn regions_are_accepted_by_form_and_zones_are_not_regions() {
        for good in ["us-central1", "europe-west12", "local-dev1"] {
            assert_eq!(good.parse::<LocationId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "us", "us-central", "us-central1-a", "US-central1", "us-1", "-"] {
            assert!(matches!(bad.parse::<LocationId>(), Err(NameError::Location { .. })), "{bad:?} was accepted");
        }
    }

    #[test]
    fn instance_names_round_trip_and_wrong_forms_say_the_form() {
        let text = "projects/p/locations/us-central1/instances/cache";
        assert_eq!(text.parse::<InstanceName>().map(|n| n.to_string()), Ok(text.to_owned()));
        let wrong = "projects/p/instances/cache".parse::<InstanceName>();
        assert!(matches!(wrong, Err(NameError::Form { form: INSTANCE_FORM, .. })));
    }
}

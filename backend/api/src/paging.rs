//! Page sizes and page tokens of lists. A token is the key of the last item of a page, so that it stays good while items
//! come and go; its form is nobody's business but ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use valkyard_model::{BackupName, CollectionName, InstanceName, OperationId, Timestamp};

use crate::ApiError;

/// Items of a page unless asked otherwise; lists of backups and collections have the most then.
const PAGE_SIZE_DEFAULT: u32 = 500;
/// Most items of a page (API definition: larger sizes count as this).
pub(crate) const PAGE_SIZE_MAX: u32 = 1_000;

/// How many items go on a page.
pub(crate) fn page_size(asked: i32) -> Result<u32, ApiError> {
    page_size_or(PAGE_SIZE_DEFAULT, asked)
}

/// How many items go on a page of a list with a default of its own.
pub(crate) fn page_size_or(default: u32, asked: i32) -> Result<u32, ApiError> {
    match u32::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(PAGE_SIZE_MAX)),
        Err(_) => Err(ApiError::invalid("page_size", format!("{asked} is negative; leave it out for {default}"))),
    }
}

/// The last item of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageKey {
    /// An instance, in a list by name.
    Name(InstanceName),
    /// An instance, in a list by age.
    Age(Timestamp, InstanceName),
    /// An operation.
    Operation(OperationId),
    /// A location.
    Location(String),
    /// A collection of backups.
    Collection(CollectionName),
    /// A backup.
    Backup(BackupName),
}

impl PageKey {
    /// The token for the page after it.
    pub(crate) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self {
            Self::Name(name) => format!("n {name}"),
            Self::Age(time, name) => format!("a {} {name}", time.to_rfc3339_opts(SecondsFormat::Nanos, true)),
            Self::Operation(id) => format!("o {id}"),
            Self::Location(id) => format!("l {id}"),
            Self::Collection(name) => format!("c {name}"),
            Self::Backup(name) => format!("b {name}"),
        })
    }

    /// Reads a token that a client sent back; an empty one is the start of the list.
    pub(crate) fn from_token(token: &str) -> Result<Option<Self>, ApiError> {
        if token.is_empty() {
            return Ok(None);
        }
        let parsed = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| Self::parse(std::str::from_utf8(&bytes).ok()?));
        parsed.map(Some).ok_or_else(foreign_token)
    }

    /// The operation, in a list of those.
    pub(crate) fn operation(self) -> Result<OperationId, ApiError> {
        if let Self::Operation(id) = self { Ok(id) } else { Err(foreign_token()) }
    }

    /// The location, in a list of those.
    pub(crate) fn location(self) -> Result<String, ApiError> {
        if let Self::Location(id) = self { Ok(id) } else { Err(foreign_token()) }
    }

    /// The collection, in a list of those.
    pub(crate) fn collection(self) -> Result<CollectionName, ApiError> {
        if let Self::Collection(name) = self { Ok(name) } else { Err(foreign_token()) }
    }

    /// The backup, in a list of those.
    pub(crate) fn backup(self) -> Result<BackupName, ApiError> {
        if let Self::Backup(name) = self { Ok(name) } else { Err(foreign_token()) }
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, key) = text.split_once(' ')?;
        match kind {
            "n" => Some(Self::Name(key.parse().ok()?)),
            "a" => {
                let (time, name) = key.split_once(' ')?;
                let time: DateTime<Utc> = DateTime::parse_from_rfc3339(time).ok()?.into();
                Some(Self::Age(time, name.parse().ok()?))
            }
            "o" => Some(Self::Operation(OperationId::from_client(key))),
            "l" => Some(Self::Location(key.to_owned())),
            "c" => Some(Self::Collection(key.parse().ok()?)),
            "b" => Some(Self::Backup(key.parse().ok()?)),
            _ => None,
        }
    }
}

/// The token was not given out, or by another list or order.
pub(crate) fn foreign_token() -> ApiError {
    ApiError::invalid(
        "page_token",
        "this token was not given out for this list and order; leave it out to start from the beginning",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_key() {
        let name: InstanceName = "projects/p/locations/us-central1/instances/cache".parse().expect("a name");
        let time = DateTime::from_timestamp(1_700_000_000, 123_456_789).expect("a time");
        let backup: BackupName = "projects/p/locations/us-central1/backupCollections/cache/backups/b".parse().expect("a name");
        for key in [
            PageKey::Name(name.clone()),
            PageKey::Age(time, name),
            PageKey::Operation(OperationId::from_client("operation-1-x")),
            PageKey::Location("us-central1".to_owned()),
            PageKey::Collection(backup.collection.clone()),
            PageKey::Backup(backup),
        ] {
            assert_eq!(PageKey::from_token(&key.token()).expect("our own"), Some(key));
        }
    }

    #[test]
    fn a_garbled_token_is_refused_by_name() {
        for token in ["x", "!!!", "bm8", "biBwcm9qZWN0cy9wCg"] {
            let error = PageKey::from_token(token).expect_err("not ours");
            assert!(error.to_string().starts_with("page_token: "), "{token}: {error}");
        }
    }

    #[test]
    fn large_pages_are_cut_and_negative_ones_refused() {
        assert_eq!(page_size(0).expect("default"), PAGE_SIZE_DEFAULT);
        assert_eq!(page_size(7).expect("as asked"), 7);
        assert_eq!(page_size(i32::MAX).expect("cut"), PAGE_SIZE_MAX);
        assert!(page_size(-1).is_err());
    }
}

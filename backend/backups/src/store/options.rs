//! How stores are reached: options by the scheme of their URLs, checked when the daemon starts rather than when one is needed.

use std::collections::BTreeMap;
use std::fmt;

use object_store::aws::AmazonS3ConfigKey;
use object_store::gcp::GoogleConfigKey;

/// Options of stores by the scheme of their URLs. Some of them are secrets, so that only their names are ever printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    by_scheme: BTreeMap<String, Vec<(String, String)>>,
}

/// Options that are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// No store has this scheme.
    #[error("object_stores.{scheme}: no store has this scheme; use object_stores.s3 or object_stores.gs")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Stores of this scheme have no such option.
    #[error(
        "object_stores.{scheme}: there is no option {option:?}; {}",
        if scheme == "s3" { "some are endpoint, allow_http, region, access_key_id and secret_access_key" }
        else { "some are service_account, service_account_path and base_url" }
    )]
    Option {
        /// The scheme.
        scheme: String,
        /// The option.
        option: String,
    },
}

impl StoreOptions {
    /// Checks that every option is known.
    ///
    /// # Errors
    /// The first that is not.
    pub fn new(given: BTreeMap<String, BTreeMap<String, String>>) -> Result<Self, OptionError> {
        for (scheme, options) in &given {
            let is_known = |option: &String| match scheme.as_str() {
                "s3" => Ok(option.parse::<AmazonS3ConfigKey>().is_ok()),
                "gs" => Ok(option.parse::<GoogleConfigKey>().is_ok()),
                _ => Err(OptionError::Scheme { scheme: scheme.clone() }),
            };
            for option in options.keys() {
                if !is_known(option)? {
                    return Err(OptionError::Option { scheme: scheme.clone(), option: option.clone() });
                }
            }
        }
        let by_scheme = given.into_iter().map(|(scheme, options)| (scheme, options.into_iter().collect())).collect();
        Ok(Self { by_scheme })
    }

    /// Those for the store at a URL.
    #[must_use]
    pub fn of(&self, url: &str) -> &[(String, String)] {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        self.by_scheme.get(scheme).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.by_scheme.iter().map(|(scheme, options)| {
            let names: Vec<&str> = options.iter().map(|(name, _)| name.as_str()).collect();
            (scheme, names)
        });
        f.debug_map().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(scheme: &str, option: &str) -> Result<StoreOptions, OptionError> {
        let given = BTreeMap::from([(option.to_owned(), "hidden".to_owned())]);
        StoreOptions::new(BTreeMap::from([(scheme.to_owned(), given)]))
    }

    #[test]
    fn unknown_options_are_named_and_known_ones_go_by_the_scheme() {
        let unknown = options("s3", "bananas").expect_err("no option");
        assert!(unknown.to_string().contains("object_stores.s3") && unknown.to_string().contains("bananas"));
        assert!(matches!(options("ftp", "endpoint"), Err(OptionError::Scheme { .. })));
        let known = options("s3", "secret_access_key").expect("an option");
        assert_eq!(known.of("s3://bucket/x"), [("secret_access_key".to_owned(), "hidden".to_owned())]);
        assert!(known.of("gs://bucket").is_empty() && known.of("").is_empty());
        assert!(options("gs", "base_url").is_ok());
    }

    #[test]
    fn values_are_never_printed() {
        let printed = format!("{:?}", options("s3", "secret_access_key").expect("an option"));
        assert!(printed.contains("secret_access_key") && !printed.contains("hidden"), "{printed}");
    }
}

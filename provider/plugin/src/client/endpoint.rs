//! Where the daemon is.
//!
//! Owns [`EndpointUrl`] and its notation. The provider block and the client use it. Invariant: it has a host, no
//! path, and a scheme that this version can speak.

use std::fmt;
use std::str::FromStr;

use tonic::transport::{Endpoint, Uri};

/// `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndpointUrl(Uri);

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("it is not a URL such as http://127.0.0.1:4590")]
    Form,
    #[error("only the scheme http is supported in this version, not {0}")]
    Scheme(String),
    #[error("it must end after the port; the API's path is added by the provider")]
    Path,
}

impl EndpointUrl {
    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::from(self.0.clone())
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = with_scheme.parse().map_err(|_| EndpointError::Form)?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(EndpointError::Form);
        }
        match uri.scheme_str() {
            Some("http") => {}
            Some(other) => return Err(EndpointError::Scheme(other.to_owned())),
            None => return Err(EndpointError::Form),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(EndpointError::Path);
        }
        Ok(Self(uri))
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, EndpointError> {
        text.parse::<EndpointUrl>().map(|url| url.to_string())
    }

    #[test]
    fn urls_and_bare_addresses_are_endpoints() {
        for text in ["http://127.0.0.1:4590", "127.0.0.1:4590", "http://127.0.0.1:4590/"] {
            assert_eq!(read(text), Ok("http://127.0.0.1:4590".to_owned()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        assert_eq!(read(""), Err(EndpointError::Form));
        assert_eq!(read("http://"), Err(EndpointError::Form));
        assert_eq!(read("not a url"), Err(EndpointError::Form));
        assert_eq!(read("https://db.example"), Err(EndpointError::Scheme("https".to_owned())));
        assert_eq!(read("http://127.0.0.1:4590/v1/"), Err(EndpointError::Path));
    }
}

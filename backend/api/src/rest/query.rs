//! Query parameters: those of Google's HTTP infrastructure, and those of the request, in either spelling. What nobody
//! takes is refused at the end: a misspelt parameter must not look as if it had worked.

use axum::extract::Query as Pairs;
use http::Uri;
use memorystore_proto::json::{EnumStyle, field_mask};
use prost_types::FieldMask;
use valkyard_model::FieldViolation;

use super::respond::{Format, Layout};
use crate::ApiError;

/// Parameters of the infrastructure that say nothing about what is asked for.
const IGNORED: [&str; 9] = [
    "$.xgafv",
    "access_token",
    "key",
    "oauth_token",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    "userProject",
    "$userProject",
];
const INT_ENUMS: &str = "json;enum-encoding=int";

/// The parameters that are not yet taken.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    format: Format,
}

impl Query {
    /// Reads the query and takes the infrastructure's parameters out of it.
    pub(super) fn parse(uri: &Uri) -> Result<Self, ApiError> {
        let pairs = Pairs::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| ApiError::invalid("", format!("the query cannot be read: {error}")))?;
        let mut query = Self { pairs: Vec::new(), format: Format::default() };
        for (key, value) in pairs.0 {
            match key.as_str() {
                "alt" | "$alt" => query.format.enums = enum_style(&key, &value)?,
                "prettyPrint" | "$prettyPrint" | "pp" => query.format.layout = layout(&key, &value)?,
                _ if IGNORED.contains(&key.as_str()) => {}
                _ => query.pairs.push((key, value)),
            }
        }
        Ok(query)
    }

    /// How to write the answer.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The text of a parameter, given in snake_case; empty if it was not sent.
    pub(super) fn text(&mut self, name: &str) -> Result<String, ApiError> {
        let mut found = None;
        for index in (0..self.pairs.len()).rev() {
            if is_spelling_of(&self.pairs[index].0, name) {
                let (_, value) = self.pairs.remove(index);
                if found.replace(value).is_some() {
                    return Err(ApiError::invalid(name, "the parameter is sent twice"));
                }
            }
        }
        Ok(found.unwrap_or_default())
    }

    /// A whole number; 0 if it was not sent.
    pub(super) fn number(&mut self, name: &str) -> Result<i32, ApiError> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(0);
        }
        text.parse().map_err(|_| ApiError::invalid(name, format!("{text:?} is not a whole number of 32 bits")))
    }

    /// A field mask.
    pub(super) fn mask(&mut self, name: &str) -> Result<Option<FieldMask>, ApiError> {
        let text = self.text(name)?;
        Ok((!text.is_empty()).then(|| field_mask(&text)))
    }

    /// Refuses what is left.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        let unknown =
            |(key, _): &(String, String)| FieldViolation::new(key, "there is no query parameter of this name for this request");
        if self.pairs.is_empty() { Ok(()) } else { Err(ApiError::Invalid(self.pairs.iter().map(unknown).collect())) }
    }
}

fn enum_style(key: &str, value: &str) -> Result<EnumStyle, ApiError> {
    match value {
        "json" => Ok(EnumStyle::Names),
        INT_ENUMS => Ok(EnumStyle::Numbers),
        _ => Err(ApiError::invalid(key, format!("{value:?} is not \"json\" or \"{INT_ENUMS}\""))),
    }
}

fn layout(key: &str, value: &str) -> Result<Layout, ApiError> {
    match value {
        "true" | "1" | "" => Ok(Layout::Indented),
        "false" | "0" => Ok(Layout::Compact),
        _ => Err(ApiError::invalid(key, format!("{value:?} is not \"true\" or \"false\""))),
    }
}

/// Whether `sent` is `name`, or its lowerCamelCase form.
fn is_spelling_of(sent: &str, name: &str) -> bool {
    sent == name || field_mask(sent).paths.as_slice() == [name]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, ApiError> {
        Query::parse(&format!("/v1/x?{text}").parse().expect("a uri"))
    }

    #[test]
    fn both_spellings_are_taken_and_decoded() {
        let mut query = query("pageSize=7&update_mask=a%2CbC&filter=labels.a%3D%22b+c%22").expect("readable");
        assert_eq!(query.number("page_size").expect("a number"), 7);
        assert_eq!(query.mask("update_mask").expect("a mask").expect("sent").paths, ["a", "b_c"]);
        assert_eq!(query.text("filter").expect("once"), "labels.a=\"b c\"");
        query.finish().expect("nothing is left");
    }

    #[test]
    fn enum_styles_follow_either_alt() {
        assert_eq!(query("alt=json").expect("readable").format().enums, EnumStyle::Names);
        let numbers = query("%24alt=json%3Benum-encoding%3Dint&prettyPrint=false&key=x").expect("readable");
        assert_eq!(numbers.format().enums, EnumStyle::Numbers);
        numbers.finish().expect("nothing is left");
        assert!(query("alt=proto").is_err());
    }

    #[test]
    fn leftovers_repeats_and_wrong_numbers_are_refused() {
        assert!(query("colour=red").expect("readable").finish().is_err());
        assert!(query("pageSize=1&page_size=2").expect("readable").number("page_size").is_err());
        assert!(query("pageSize=many").expect("readable").number("page_size").is_err());
    }
}

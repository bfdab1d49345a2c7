//! `name:value` lines, as `INFO` and `CLUSTER INFO` answer.

use std::str::FromStr;

use super::ReportError;

/// A report of such lines. Looked up by scanning: a report is short and few fields of it are read.
#[derive(Clone, Copy)]
pub(super) struct Fields<'t>(pub(super) &'t str);

impl<'t> Fields<'t> {
    fn find(self, field: &str) -> Option<&'t str> {
        self.0.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(str::trim)
    }

    /// The field as it stands.
    pub(super) fn text(self, field: &'static str) -> Result<&'t str, ReportError> {
        self.find(field).ok_or(ReportError::Field { field, value: None })
    }

    /// The field, read as a value.
    pub(super) fn parsed<T: FromStr>(self, field: &'static str) -> Result<T, ReportError> {
        let text = self.text(field)?;
        text.parse().map_err(|_unreadable| ReportError::Field { field, value: Some(text.to_owned()) })
    }

    /// Values of the fields whose name begins like this.
    pub(super) fn beginning(self, prefix: &'static str) -> impl Iterator<Item = &'t str> {
        self.0.lines().filter_map(move |line| line.strip_prefix(prefix)?.split_once(':').map(|(_, value)| value.trim()))
    }

    /// A field that is 0 or 1.
    pub(super) fn flag(self, field: &'static str) -> Result<bool, ReportError> {
        match self.text(field)? {
            "0" => Ok(false),
            "1" => Ok(true),
            other => Err(ReportError::Field { field, value: Some(other.to_owned()) }),
        }
    }
}

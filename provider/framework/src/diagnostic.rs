//! Errors and warnings for the person who runs Terraform.
//!
//! Owns [`Diagnostic`] and [`Diagnostics`]. Everything that judges configuration, plans or API answers makes
//! them; `rpc` sends them. Invariant: a list holds no two equal entries. Logging is not done here.

use crate::path::AttributePath;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation fails.
    Error,
    /// The operation goes on; Terraform shows the text.
    Warning,
}

/// One message: what happened (`summary`), why and what to do (`detail`), where (`path`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One short line, no full stop.
    pub summary: String,
    /// Whole sentences; may be empty.
    pub detail: String,
    /// The attribute it is about; Terraform then shows that line of the configuration.
    pub path: Option<AttributePath>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: String::new(), path: None }
    }

    /// A warning.
    #[must_use]
    pub fn warning(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, summary: summary.into(), detail: String::new(), path: None }
    }

    /// The same with a detail text.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same at a path. The whole object is no place of its own.
    #[must_use]
    pub fn at(mut self, path: impl Into<AttributePath>) -> Self {
        let path = path.into();
        self.path = (!path.is_root()).then_some(path);
        self
    }
}

/// Messages in the order in which they were found, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No messages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless an equal one is there.
    pub fn push(&mut self, diagnostic: impl Into<Diagnostic>) {
        let diagnostic = diagnostic.into();
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: I) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        let mut all = Self::new();
        all.extend(diagnostics);
        all
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl From<crate::value::ReadError> for Diagnostics {
    fn from(error: crate::value::ReadError) -> Self {
        Self::from(Diagnostic::from(error))
    }
}

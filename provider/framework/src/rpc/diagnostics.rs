//! Diagnostics on the wire.
//!
//! Called by every answer, and by the test harness for the way back. Invariant: order and number stay the same.

use tfplugin_proto::tfplugin6 as wire;

use super::values::{decode_path, encode_path};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};

pub(crate) fn encode_diagnostics(diagnostics: &Diagnostics) -> Vec<wire::Diagnostic> {
    diagnostics.iter().map(encode).collect()
}

fn encode(diagnostic: &Diagnostic) -> wire::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => wire::diagnostic::Severity::Error,
        Severity::Warning => wire::diagnostic::Severity::Warning,
    };
    wire::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary.clone(),
        detail: diagnostic.detail.clone(),
        attribute: diagnostic.path.as_ref().map(encode_path),
    }
}

pub(crate) fn decode_diagnostics(diagnostics: &[wire::Diagnostic]) -> Diagnostics {
    diagnostics.iter().map(decode).collect()
}

fn decode(diagnostic: &wire::Diagnostic) -> Diagnostic {
    let made = match diagnostic.severity() {
        wire::diagnostic::Severity::Warning => Diagnostic::warning(diagnostic.summary.as_str()),
        wire::diagnostic::Severity::Error | wire::diagnostic::Severity::Invalid => Diagnostic::error(diagnostic.summary.as_str()),
    };
    let made = made.detail(diagnostic.detail.as_str());
    match &diagnostic.attribute {
        Some(path) => made.at(decode_path(path)),
        None => made,
    }
}

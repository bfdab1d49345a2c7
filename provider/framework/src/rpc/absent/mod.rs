//! What this framework does not offer yet, answered as "none here".
//!
//! Called by the service. Invariant: lists are empty, and a call for something that no list announced is an error
//! diagnostic that says so; never a gRPC error, which hosts report as a crash.

pub(super) mod actions;
pub(super) mod ephemeral;
pub(super) mod functions;
pub(super) mod generate;
pub(super) mod identity;
pub(super) mod list;
pub(super) mod moves;
pub(super) mod state_stores;

use tfplugin_proto::tfplugin6 as wire;

use super::encode_diagnostics;
use crate::diagnostic::Diagnostic;

fn none_such(what: &str, name: &str) -> Vec<wire::Diagnostic> {
    let diagnostic = Diagnostic::error(format!("No such {what}")).detail(format!("The provider has no {what} `{name}`."));
    encode_diagnostics(&diagnostic.into())
}

//! Taking an existing instance into the state.
//!
//! Called for `terraform import` and `import` blocks; the framework reads the instance afterwards. Invariant:
//! the three forms are those of Google's provider.

use provider_framework::{Context, Diagnostic, Diagnostics, NewState, Object};

use super::InstanceName;
use crate::client::Client;

pub(super) fn import(cx: &Context<Client>, id: &str) -> Result<NewState, Diagnostics> {
    let name = InstanceName::from_import_id(id, &cx.client().defaults().project).map_err(|error| {
        Diagnostic::error("Cannot import instance").detail(format!(
            "The import id {id:?} cannot be used: {error}. It has one of the forms\n\n  \
             projects/<project>/locations/<location>/instances/<instance_id>\n  \
             <project>/<location>/<instance_id>\n  \
             <location>/<instance_id>"
        ))
    })?;
    let state = Object::new().with("project", name.project).with("location", name.location).with("instance_id", name.instance_id);
    Ok(state.into())
}

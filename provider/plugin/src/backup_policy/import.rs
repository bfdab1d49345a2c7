//! Taking automated backups that are on into the state.
//!
//! Called for `terraform import` and `import` blocks; the framework reads the policy afterwards. Invariant: the id is the
//! instance's, in the same three forms, or the policy's own name.

use provider_framework::{Context, Diagnostic, Diagnostics, NewState, Object};

use crate::client::Client;
use crate::instance::InstanceName;

pub(super) fn import(cx: &Context<Client>, id: &str) -> Result<NewState, Diagnostics> {
    let instance = id.strip_suffix("/backupPolicy").unwrap_or(id);
    let name = InstanceName::from_import_id(instance, &cx.client().defaults().project).map_err(|error| {
        Diagnostic::error("Cannot import backup policy").detail(format!(
            "The import id {id:?} cannot be used: {error}. It is the name of the instance, in one of the forms\n\n  \
             projects/<project>/locations/<location>/instances/<instance_id>\n  \
             <project>/<location>/<instance_id>\n  \
             <location>/<instance_id>"
        ))
    })?;
    let state = Object::new().with("instance", name.to_string()).with("project", name.project).with("location", name.location);
    Ok(state.into())
}

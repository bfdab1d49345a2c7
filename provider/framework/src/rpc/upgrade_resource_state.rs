//! UpgradeResourceState: stored JSON to a value of the current schema.
//!
//! Terraform calls it for every resource in every plan. A state of the current version is only read and written
//! again, without attributes that the schema no longer has.

use tfplugin_proto::tfplugin6::upgrade_resource_state::{Request, Response};

use super::values::malformed;
use super::{ResourceEntry, Server};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::schema::without_write_only;
use crate::value::{Object, state_json};

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(upgrade(server, &request))
}

fn upgrade<P: Provider>(server: &Server<P>, request: &Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.resource(&request.type_name)?;
    let raw = request.raw_state.as_ref().filter(|raw| !raw.json.is_empty());
    let Some(raw) = raw else {
        return Err(Diagnostic::error("State is too old")
            .detail("The state was written by Terraform 0.11 or older; upgrade it with Terraform 0.12 first.")
            .into());
    };
    let object = if request.version == entry.schema.state_version() {
        let value = state_json::decode(&raw.json, &entry.ty).map_err(|e| malformed(&e))?;
        value.into_object()
    } else {
        Some(from_older(entry, request.version, &raw.json)?)
    };
    let object = object.map(|object| without_write_only(entry.schema.body(), object));
    Ok((Response { upgraded_state: Some(entry.encode(object)?), ..Response::default() }, Diagnostics::new()))
}

fn from_older<C: Send + Sync>(entry: &ResourceEntry<C>, version: i64, json: &[u8]) -> Result<Object, Diagnostics> {
    let upgrades = entry.resource.upgrades();
    let Some(step) = upgrades.iter().find(|step| step.from_version == version) else {
        let detail = format!(
            "`{}` has state version {}; the stored state has version {version}, and there is no way from there.",
            entry.resource.type_name(),
            entry.schema.state_version(),
        );
        return Err(Diagnostic::error("State version cannot be upgraded").detail(detail).into());
    };
    let value = state_json::decode(json, &step.prior_schema.object_type()).map_err(|e| malformed(&e))?;
    let Some(object) = value.into_object() else {
        return Err(Diagnostic::error("State version cannot be upgraded").detail("The stored state is null.").into());
    };
    entry.conform((step.upgrade)(object)?)
}

//! ImportResourceState: an import id to enough state for the read that follows.

use tfplugin_proto::tfplugin6::import_resource_state::{ImportedResource, Request, Response};

use super::Server;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::schema::without_write_only;
use crate::timeouts::Operation;
use crate::value::Object;

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(import(server, request).await)
}

async fn import<P: Provider>(server: &Server<P>, request: Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.resource(&request.type_name)?;
    if request.id.is_empty() {
        return Err(Diagnostic::error("Import needs an id").detail("Import by identity is not supported.").into());
    }
    let cx = server.context(&entry.schema, Operation::Read, &Object::new())?;
    let imported = entry.resource.import(&cx, &request.id).await?;
    let object = without_write_only(entry.schema.body(), entry.conform(imported.state)?);
    let resource = ImportedResource {
        type_name: request.type_name,
        state: Some(entry.encode(Some(object))?),
        private: imported.private.unwrap_or_default().encode().into(),
        ..ImportedResource::default()
    };
    Ok((Response { imported_resources: vec![resource], ..Response::default() }, imported.warnings))
}

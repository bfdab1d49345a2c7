//! ReadResource: the object as it is now, or null when it is gone.

use tfplugin_proto::tfplugin6::read_resource::{Request, Response};

use super::Server;
use super::entry::decode_private;
use crate::consistency::{SelfCheck, check_state};
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::resource::{Found, Read};
use crate::schema::without_write_only;
use crate::timeouts::Operation;

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(read(server, request).await)
}

async fn read<P: Provider>(server: &Server<P>, request: Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.resource(&request.type_name)?;
    let state = entry.decode_present(request.current_state.as_ref(), "state")?;
    let private = decode_private(&request.private)?;
    let cx = server.context(&entry.schema, Operation::Read, &state)?;
    let found = match entry.resource.read(&cx, Read { state, private }).await? {
        Found::There(found) => found,
        Found::Gone(warnings) => {
            return Ok((Response { new_state: Some(entry.encode(None)?), ..Response::default() }, warnings));
        }
    };
    let mut diagnostics = found.warnings;
    let object = without_write_only(entry.schema.body(), entry.conform(found.state)?);
    if server.self_check == SelfCheck::Report {
        entry.report("read", &check_state(entry.schema.body(), &object), &mut diagnostics);
    }
    let response = Response {
        new_state: Some(entry.encode(Some(object))?),
        private: found.private.map_or(request.private, |private| private.encode().into()),
        ..Response::default()
    };
    Ok((response, diagnostics))
}

//! ReadDataSource: looks something up.

use tfplugin_proto::tfplugin6::read_data_source::{Request, Response};

use super::Server;
use super::entry::{absent, decode_object};
use super::values::encode_value;
use crate::consistency::{self, SelfCheck, check_state};
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::timeouts::Operation;
use crate::value::Value;

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(read(server, request).await)
}

async fn read<P: Provider>(server: &Server<P>, request: Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.data_source(&request.type_name)?;
    let config = decode_object(request.config.as_ref(), &entry.ty)?.ok_or_else(|| absent("configuration"))?;
    let cx = server.context(&entry.schema, Operation::Read, &config)?;
    let object = entry.data_source.read(&cx, config).await?;
    let mut diagnostics = Diagnostics::new();
    if server.self_check == SelfCheck::Report {
        for violation in check_state(entry.schema.body(), &object) {
            diagnostics.push(consistency::provider_bug(&request.type_name, "read", &violation));
        }
    }
    let state = Some(encode_value(Value::Object(object), &entry.ty)?);
    Ok((Response { state, ..Response::default() }, diagnostics))
}

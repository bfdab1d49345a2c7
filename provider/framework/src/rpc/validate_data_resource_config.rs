//! ValidateDataResourceConfig: judges the configuration of one data source.

use tfplugin_proto::tfplugin6::validate_data_resource_config::{Request, Response};

use super::Server;
use super::entry::{absent, decode_object};
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::validators::{WriteOnlySupport, validate_config};

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(validate(server, &request))
}

fn validate<P: Provider>(server: &Server<P>, request: &Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.data_source(&request.type_name)?;
    let config = decode_object(request.config.as_ref(), &entry.ty)?.ok_or_else(|| absent("configuration"))?;
    // Data sources are stored like resources, so write-only values have no place in them.
    let mut found = validate_config(entry.schema.body(), &config, WriteOnlySupport::Unsupported);
    found.extend(entry.data_source.validate(&config));
    Ok((Response::default(), found))
}

//! ValidateResourceConfig: judges the configuration of one resource.

use tfplugin_proto::tfplugin6::validate_resource_config::{Request, Response};

use super::Server;
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::validators::{WriteOnlySupport, validate_config};

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(validate(server, &request))
}

fn validate<P: Provider>(server: &Server<P>, request: &Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.resource(&request.type_name)?;
    let config = entry.decode_present(request.config.as_ref(), "configuration")?;
    let write_only = match &request.client_capabilities {
        Some(capabilities) if capabilities.write_only_attributes_allowed => WriteOnlySupport::Supported,
        Some(_) | None => WriteOnlySupport::Unsupported,
    };
    let mut found = validate_config(entry.schema.body(), &config, write_only);
    found.extend(entry.resource.validate(&config));
    Ok((Response::default(), found))
}

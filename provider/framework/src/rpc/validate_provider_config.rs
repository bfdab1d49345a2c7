//! ValidateProviderConfig: judges the provider block.

use tfplugin_proto::tfplugin6::validate_provider_config::{Request, Response};

use super::Server;
use super::entry::decode_object;
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::validators::{WriteOnlySupport, validate_config};

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(validate(server, &request))
}

fn validate<P: Provider>(server: &Server<P>, request: &Request) -> Result<(Response, Diagnostics), Diagnostics> {
    // A provider block that is left out arrives as null.
    let config = decode_object(request.config.as_ref(), &server.ty)?.unwrap_or_default();
    let mut found = validate_config(server.schema.body(), &config, WriteOnlySupport::Supported);
    found.extend(server.provider.validate(&config));
    Ok((Response::default(), found))
}

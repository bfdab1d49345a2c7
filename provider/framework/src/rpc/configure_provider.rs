//! ConfigureProvider: makes the client that all later calls share. Values may be unknown during plan.

use tfplugin_proto::tfplugin6::configure_provider::{Request, Response};

use super::Server;
use super::entry::decode_object;
use crate::diagnostic::Diagnostics;
use crate::provider::{Configure, Provider};

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(configure(server, request).await)
}

async fn configure<P: Provider>(server: &Server<P>, request: Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let config = decode_object(request.config.as_ref(), &server.ty)?.unwrap_or_default();
    let terraform_version = request.terraform_version;
    let configure = Configure { config, terraform_version: terraform_version.clone() };
    let configured = server.provider.configure(configure).await?;
    server.configure(configured.client, &terraform_version);
    Ok((Response::default(), configured.warnings))
}

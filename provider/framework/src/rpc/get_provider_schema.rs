//! GetProviderSchema: every schema. Built when first asked for, since most processes are never asked.

use tfplugin_proto::tfplugin6::{
    ServerCapabilities,
    get_provider_schema::{Request, Response},
};

use super::Server;
use crate::provider::Provider;
use crate::schema::encode_schema;

pub(super) async fn answer<P: Provider>(server: &Server<P>, _request: Request) -> Response {
    server.schema_response.get_or_init(|| build(server)).clone()
}

/// Destroys are planned here too, and hosts may reuse a schema they already have. Moves and generated
/// configuration are not offered.
pub(super) fn capabilities() -> ServerCapabilities {
    ServerCapabilities { plan_destroy: true, get_provider_schema_optional: true, ..ServerCapabilities::default() }
}

fn build<P: Provider>(server: &Server<P>) -> Response {
    let resources = server.resources.iter().map(|(name, entry)| (name.clone(), encode_schema(&entry.schema)));
    let data_sources = server.data_sources.iter().map(|(name, entry)| (name.clone(), encode_schema(&entry.schema)));
    Response {
        provider: Some(encode_schema(&server.schema)),
        resource_schemas: resources.collect(),
        data_source_schemas: data_sources.collect(),
        server_capabilities: Some(capabilities()),
        ..Response::default()
    }
}

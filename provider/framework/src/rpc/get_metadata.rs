//! GetMetadata: names of everything, without schemas.

use tfplugin_proto::tfplugin6::get_metadata::{DataSourceMetadata, Request, ResourceMetadata, Response};

use super::Server;
use super::get_provider_schema::capabilities;
use crate::provider::Provider;

pub(super) async fn answer<P: Provider>(server: &Server<P>, _request: Request) -> Response {
    Response {
        server_capabilities: Some(capabilities()),
        resources: server.resources.keys().map(|name| ResourceMetadata { type_name: name.clone() }).collect(),
        data_sources: server.data_sources.keys().map(|name| DataSourceMetadata { type_name: name.clone() }).collect(),
        ..Response::default()
    }
}

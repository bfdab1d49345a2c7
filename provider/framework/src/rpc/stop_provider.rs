//! StopProvider: cancels work in flight; the server goes on answering.

use tfplugin_proto::tfplugin6::stop_provider::{Request, Response};

use super::Server;
use crate::provider::Provider;

pub(super) async fn answer<P: Provider>(server: &Server<P>, _request: Request) -> Response {
    server.stop.stop();
    Response::default()
}

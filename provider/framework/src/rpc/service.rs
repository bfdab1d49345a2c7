//! The gRPC service: every call of the protocol, handed to the module that answers it.
//!
//! Called by tonic, and by the test harness without a socket. Invariant: there is no logic here; what goes wrong
//! in a call is an error diagnostic in its answer, never a gRPC status.

use std::time::Instant;

use tfplugin_proto::tfplugin6::{self as wire, provider_server};
use tonic::{Request, Response, Status, Streaming};

use super::{
    Server, absent, apply_resource_change, configure_provider, get_metadata, get_provider_schema, import_resource_state,
    plan_resource_change, read_data_source, read_resource, stop_provider, upgrade_resource_state, validate_data_resource_config,
    validate_provider_config, validate_resource_config,
};
use crate::provider::Provider;

type Answer<T> = Result<Response<T>, Status>;

/// Waits for the answer and logs how long it took.
async fn answered<T>(rpc: &'static str, work: impl Future<Output = T>) -> Answer<T> {
    let started = Instant::now();
    let answer = work.await;
    tracing::debug!(tf_rpc = rpc, tf_req_duration_us = started.elapsed().as_micros(), "answered");
    Ok(Response::new(answer))
}

/// A finished stream of answers.
type Events<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

fn events<T>(events: Vec<T>) -> Answer<Events<T>> {
    let events: Vec<Result<T, Status>> = events.into_iter().map(Ok).collect();
    Ok(Response::new(tokio_stream::iter(events)))
}

#[tonic::async_trait]
impl<P: Provider> provider_server::Provider for Server<P> {
    async fn get_metadata(&self, request: Request<wire::get_metadata::Request>) -> Answer<wire::get_metadata::Response> {
        answered("get_metadata", get_metadata::answer(self, request.into_inner())).await
    }

    async fn get_provider_schema(
        &self,
        request: Request<wire::get_provider_schema::Request>,
    ) -> Answer<wire::get_provider_schema::Response> {
        answered("get_provider_schema", get_provider_schema::answer(self, request.into_inner())).await
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Answer<wire::validate_provider_config::Response> {
        answered("validate_provider_config", validate_provider_config::answer(self, request.into_inner())).await
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Answer<wire::validate_resource_config::Response> {
        answered("validate_resource_config", validate_resource_config::answer(self, request.into_inner())).await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Answer<wire::validate_data_resource_config::Response> {
        answered("validate_data_resource_config", validate_data_resource_config::answer(self, request.into_inner())).await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Answer<wire::upgrade_resource_state::Response> {
        answered("upgrade_resource_state", upgrade_resource_state::answer(self, request.into_inner())).await
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Answer<wire::configure_provider::Response> {
        answered("configure_provider", configure_provider::answer(self, request.into_inner())).await
    }

    async fn read_resource(&self, request: Request<wire::read_resource::Request>) -> Answer<wire::read_resource::Response> {
        answered("read_resource", read_resource::answer(self, request.into_inner())).await
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Answer<wire::plan_resource_change::Response> {
        answered("plan_resource_change", plan_resource_change::answer(self, request.into_inner())).await
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Answer<wire::apply_resource_change::Response> {
        answered("apply_resource_change", apply_resource_change::answer(self, request.into_inner())).await
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Answer<wire::import_resource_state::Response> {
        answered("import_resource_state", import_resource_state::answer(self, request.into_inner())).await
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Answer<wire::read_data_source::Response> {
        answered("read_data_source", read_data_source::answer(self, request.into_inner())).await
    }

    async fn stop_provider(&self, request: Request<wire::stop_provider::Request>) -> Answer<wire::stop_provider::Response> {
        answered("stop_provider", stop_provider::answer(self, request.into_inner())).await
    }

    async fn get_resource_identity_schemas(
        &self,
        request: Request<wire::get_resource_identity_schemas::Request>,
    ) -> Answer<wire::get_resource_identity_schemas::Response> {
        Ok(Response::new(absent::identity::schemas(&request.into_inner())))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<wire::upgrade_resource_identity::Request>,
    ) -> Answer<wire::upgrade_resource_identity::Response> {
        Ok(Response::new(absent::identity::upgrade(&request.into_inner())))
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Answer<wire::move_resource_state::Response> {
        Ok(Response::new(absent::moves::move_state(&request.into_inner())))
    }

    async fn generate_resource_config(
        &self,
        request: Request<wire::generate_resource_config::Request>,
    ) -> Answer<wire::generate_resource_config::Response> {
        Ok(Response::new(absent::generate::config(&request.into_inner())))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<wire::validate_ephemeral_resource_config::Request>,
    ) -> Answer<wire::validate_ephemeral_resource_config::Response> {
        Ok(Response::new(absent::ephemeral::validate(&request.into_inner())))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<wire::open_ephemeral_resource::Request>,
    ) -> Answer<wire::open_ephemeral_resource::Response> {
        Ok(Response::new(absent::ephemeral::open(&request.into_inner())))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<wire::renew_ephemeral_resource::Request>,
    ) -> Answer<wire::renew_ephemeral_resource::Response> {
        Ok(Response::new(absent::ephemeral::renew(&request.into_inner())))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<wire::close_ephemeral_resource::Request>,
    ) -> Answer<wire::close_ephemeral_resource::Response> {
        Ok(Response::new(absent::ephemeral::close(&request.into_inner())))
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<wire::validate_list_resource_config::Request>,
    ) -> Answer<wire::validate_list_resource_config::Response> {
        Ok(Response::new(absent::list::validate(&request.into_inner())))
    }

    async fn get_functions(&self, request: Request<wire::get_functions::Request>) -> Answer<wire::get_functions::Response> {
        Ok(Response::new(absent::functions::list(&request.into_inner())))
    }

    async fn call_function(&self, request: Request<wire::call_function::Request>) -> Answer<wire::call_function::Response> {
        Ok(Response::new(absent::functions::call(&request.into_inner())))
    }

    async fn validate_state_store_config(
        &self,
        request: Request<wire::validate_state_store::Request>,
    ) -> Answer<wire::validate_state_store::Response> {
        Ok(Response::new(absent::state_stores::validate(&request.into_inner())))
    }

    async fn configure_state_store(
        &self,
        request: Request<wire::configure_state_store::Request>,
    ) -> Answer<wire::configure_state_store::Response> {
        Ok(Response::new(absent::state_stores::configure(&request.into_inner())))
    }

    async fn lock_state(&self, request: Request<wire::lock_state::Request>) -> Answer<wire::lock_state::Response> {
        Ok(Response::new(absent::state_stores::lock(&request.into_inner())))
    }

    async fn unlock_state(&self, request: Request<wire::unlock_state::Request>) -> Answer<wire::unlock_state::Response> {
        Ok(Response::new(absent::state_stores::unlock(&request.into_inner())))
    }

    async fn get_states(&self, request: Request<wire::get_states::Request>) -> Answer<wire::get_states::Response> {
        Ok(Response::new(absent::state_stores::list(&request.into_inner())))
    }

    async fn delete_state(&self, request: Request<wire::delete_state::Request>) -> Answer<wire::delete_state::Response> {
        Ok(Response::new(absent::state_stores::delete(&request.into_inner())))
    }

    async fn plan_action(&self, request: Request<wire::plan_action::Request>) -> Answer<wire::plan_action::Response> {
        Ok(Response::new(absent::actions::plan(&request.into_inner())))
    }

    async fn validate_action_config(
        &self,
        request: Request<wire::validate_action_config::Request>,
    ) -> Answer<wire::validate_action_config::Response> {
        Ok(Response::new(absent::actions::validate(&request.into_inner())))
    }

    type ListResourceStream = Events<wire::list_resource::Event>;

    async fn list_resource(&self, request: Request<wire::list_resource::Request>) -> Answer<Self::ListResourceStream> {
        events(absent::list::events(&request.into_inner()))
    }

    type ReadStateBytesStream = Events<wire::read_state_bytes::Response>;

    async fn read_state_bytes(&self, request: Request<wire::read_state_bytes::Request>) -> Answer<Self::ReadStateBytesStream> {
        events(absent::state_stores::read(&request.into_inner()))
    }

    async fn write_state_bytes(
        &self,
        request: Request<Streaming<wire::write_state_bytes::RequestChunk>>,
    ) -> Answer<wire::write_state_bytes::Response> {
        // The chunks are not wanted: dropping the stream tells the host so.
        drop(request);
        Ok(Response::new(absent::state_stores::write()))
    }

    type InvokeActionStream = Events<wire::invoke_action::Event>;

    async fn invoke_action(&self, request: Request<wire::invoke_action::Request>) -> Answer<Self::InvokeActionStream> {
        events(absent::actions::invoke(&request.into_inner()))
    }
}

//! A provider with just enough behaviour to see the transport work.

use std::pin::Pin;

use provider_framework::transport::StopSignal;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

/// The resource type whose apply waits for the stop signal.
pub(crate) const WAITS_FOR_STOP: &str = "waits_for_stop";

pub(crate) struct Stub {
    pub(crate) stop: StopSignal,
}

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

macro_rules! unimplemented_calls {
    ($($name:ident),* $(,)?) => {$(
        fn $name<'life0, 'async_trait>(
            &'life0 self,
            _request: Request<pb::$name::Request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<pb::$name::Response>, Status>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($name))) })
        }
    )*};
}

#[tonic::async_trait]
impl Provider for Stub {
    type ListResourceStream = Events<pb::list_resource::Event>;
    type ReadStateBytesStream = Events<pb::read_state_bytes::Response>;
    type InvokeActionStream = Events<pb::invoke_action::Event>;

    /// Logs one line.
    async fn get_provider_schema(
        &self,
        _request: Request<pb::get_provider_schema::Request>,
    ) -> Result<Response<pb::get_provider_schema::Response>, Status> {
        tracing::info!(tf_rpc = "GetProviderSchema", "answering");
        Ok(Response::new(Default::default()))
    }

    /// Gives the state back.
    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Result<Response<pb::read_resource::Response>, Status> {
        Ok(Response::new(pb::read_resource::Response { new_state: request.into_inner().current_state, ..Default::default() }))
    }

    /// Waits for the stop signal, or for ever.
    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Result<Response<pb::apply_resource_change::Response>, Status> {
        if request.get_ref().type_name == WAITS_FOR_STOP {
            self.stop.token().cancelled().await;
            Ok(Response::new(Default::default()))
        } else {
            std::future::pending().await
        }
    }

    async fn stop_provider(
        &self,
        _request: Request<pb::stop_provider::Request>,
    ) -> Result<Response<pb::stop_provider::Response>, Status> {
        self.stop.stop();
        Ok(Response::new(Default::default()))
    }

    async fn get_metadata(
        &self,
        _request: Request<pb::get_metadata::Request>,
    ) -> Result<Response<pb::get_metadata::Response>, Status> {
        panic!("asked to panic")
    }

    async fn list_resource(
        &self,
        _request: Request<pb::list_resource::Request>,
    ) -> Result<Response<Self::ListResourceStream>, Status> {
        Err(Status::unimplemented("list_resource"))
    }

    async fn read_state_bytes(
        &self,
        _request: Request<pb::read_state_bytes::Request>,
    ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
        Err(Status::unimplemented("read_state_bytes"))
    }

    async fn write_state_bytes(
        &self,
        _request: Request<Streaming<pb::write_state_bytes::RequestChunk>>,
    ) -> Result<Response<pb::write_state_bytes::Response>, Status> {
        Err(Status::unimplemented("write_state_bytes"))
    }

    async fn invoke_action(
        &self,
        _request: Request<pb::invoke_action::Request>,
    ) -> Result<Response<Self::InvokeActionStream>, Status> {
        Err(Status::unimplemented("invoke_action"))
    }

    async fn validate_state_store_config(
        &self,
        _request: Request<pb::validate_state_store::Request>,
    ) -> Result<Response<pb::validate_state_store::Response>, Status> {
        Err(Status::unimplemented("validate_state_store_config"))
    }

    unimplemented_calls! {
        validate_provider_config,
        validate_resource_config,
        validate_data_resource_config,
        upgrade_resource_state,
        get_resource_identity_schemas,
        upgrade_resource_identity,
        configure_provider,
        plan_resource_change,
        import_resource_state,
        move_resource_state,
        read_data_source,
        generate_resource_config,
        validate_ephemeral_resource_config,
        open_ephemeral_resource,
        renew_ephemeral_resource,
        close_ephemeral_resource,
        validate_list_resource_config,
        get_functions,
        call_function,
        configure_state_store,
        lock_state,
        unlock_state,
        get_states,
        delete_state,
        plan_action,
        validate_action_config,
    }
}

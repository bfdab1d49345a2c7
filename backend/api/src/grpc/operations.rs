//! The Operations service.

use memorystore_proto::longrunning::operations_server::Operations;
use memorystore_proto::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest, ListOperationsResponse,
    Operation, WaitOperationRequest,
};
use tonic::{Request, Response};

use super::{Answer, GrpcApi, later};
use crate::operations;

#[tonic::async_trait]
impl Operations for GrpcApi {
    async fn list_operations(&self, request: Request<ListOperationsRequest>) -> Answer<ListOperationsResponse> {
        Ok(Response::new(operations::list(&self.state, request.into_inner()).await?))
    }

    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Answer<Operation> {
        Ok(Response::new(operations::get(&self.state, request.into_inner()).await?))
    }

    async fn delete_operation(&self, request: Request<DeleteOperationRequest>) -> Answer<()> {
        Ok(Response::new(operations::delete(&self.state, request.into_inner()).await?))
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Answer<()> {
        Ok(Response::new(operations::cancel(&self.state, request.into_inner()).await?))
    }

    async fn wait_operation(&self, _request: Request<WaitOperationRequest>) -> Answer<Operation> {
        later("WaitOperation")
    }
}

//! gRPC: the four services, thin. Messages come decoded; errors go out as a status with `google.rpc` details.

mod admin;
mod locations;
mod memorystore;
mod operations;

use tonic::{Response, Status};

use crate::{ApiError, ApiState};

type Answer<T> = Result<Response<T>, Status>;

/// Implements every service of the API.
#[derive(Clone, Debug)]
pub(crate) struct GrpcApi {
    state: ApiState,
}

impl GrpcApi {
    pub(crate) fn new(state: ApiState) -> Self {
        Self { state }
    }
}

/// The refusal of an RPC that is to come.
pub(crate) fn not_in_this_version(rpc: &str) -> ApiError {
    ApiError::NotInThisVersion { what: format!("{rpc} is not available in this version of Valkyard") }
}

fn later<T>(rpc: &str) -> Answer<T> {
    Err(not_in_this_version(rpc).into())
}

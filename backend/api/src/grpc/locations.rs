//! The Locations service.

use memorystore_proto::location::locations_server::Locations;
use memorystore_proto::location::{GetLocationRequest, ListLocationsRequest, ListLocationsResponse, Location};
use tonic::{Request, Response};

use super::{Answer, GrpcApi};
use crate::locations;

#[tonic::async_trait]
impl Locations for GrpcApi {
    async fn list_locations(&self, request: Request<ListLocationsRequest>) -> Answer<ListLocationsResponse> {
        Ok(Response::new(locations::list(&self.state, request.into_inner()).await?))
    }

    async fn get_location(&self, request: Request<GetLocationRequest>) -> Answer<Location> {
        Ok(Response::new(locations::get(&request.into_inner())?))
    }
}

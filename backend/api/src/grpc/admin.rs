//! The Admin service: each RPC is one call of the function that REST calls too.

use std::pin::Pin;

use admin_proto::v1::admin_server::Admin;
use admin_proto::v1::{
    AdvanceClockRequest, BackupDetails, BackupPolicy, Clock, Distance, FailOverRequest, FailOverResponse,
    GetBackupDetailsRequest, GetBackupPolicyRequest, GetClockRequest, GetOperationProgressRequest, GetReplicationRequest,
    GetTopologyRequest, GiveZoneRequest, ListBackupDetailsRequest, ListBackupDetailsResponse, ListDistancesRequest,
    ListDistancesResponse, ListNodesRequest, ListNodesResponse, ListZoneOutagesRequest, ListZoneOutagesResponse,
    OperationProgress, Replication, SetBackupPolicyRequest, SetDistanceRequest, TakeZoneRequest, Topology, VerifyBackupRequest,
    VerifyBackupResponse, WatchOperationRequest, ZoneOutage,
};
use futures::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::{Answer, GrpcApi};
use crate::admin;

#[tonic::async_trait]
impl Admin for GrpcApi {
    type WatchOperationStream = Pin<Box<dyn Stream<Item = Result<OperationProgress, Status>> + Send>>;

    async fn get_topology(&self, request: Request<GetTopologyRequest>) -> Answer<Topology> {
        Ok(Response::new(admin::topology(&self.state, request.into_inner()).await?))
    }

    async fn list_nodes(&self, request: Request<ListNodesRequest>) -> Answer<ListNodesResponse> {
        Ok(Response::new(admin::list_nodes(&self.state, request.into_inner()).await?))
    }

    async fn fail_over(&self, request: Request<FailOverRequest>) -> Answer<FailOverResponse> {
        Ok(Response::new(admin::fail_over(&self.state, request.into_inner()).await?))
    }

    async fn take_zone(&self, request: Request<TakeZoneRequest>) -> Answer<ZoneOutage> {
        Ok(Response::new(admin::take_zone(&self.state, request.into_inner()).await?))
    }

    async fn give_zone(&self, request: Request<GiveZoneRequest>) -> Answer<ZoneOutage> {
        Ok(Response::new(admin::give_zone(&self.state, request.into_inner()).await?))
    }

    async fn list_zone_outages(&self, request: Request<ListZoneOutagesRequest>) -> Answer<ListZoneOutagesResponse> {
        Ok(Response::new(admin::list_zone_outages(&self.state, request.into_inner()).await?))
    }

    async fn watch_operation(&self, request: Request<WatchOperationRequest>) -> Answer<Self::WatchOperationStream> {
        let progress = admin::watch_operation(&self.state, request.into_inner()).await?;
        Ok(Response::new(progress.map(|found| found.map_err(Status::from)).boxed()))
    }

    async fn get_operation_progress(&self, request: Request<GetOperationProgressRequest>) -> Answer<OperationProgress> {
        Ok(Response::new(admin::get_operation_progress(&self.state, request.into_inner()).await?))
    }

    async fn list_backup_details(&self, request: Request<ListBackupDetailsRequest>) -> Answer<ListBackupDetailsResponse> {
        Ok(Response::new(admin::list_backup_details(&self.state, request.into_inner()).await?))
    }

    async fn get_backup_details(&self, request: Request<GetBackupDetailsRequest>) -> Answer<BackupDetails> {
        Ok(Response::new(admin::get_backup_details(&self.state, request.into_inner()).await?))
    }

    async fn verify_backup(&self, request: Request<VerifyBackupRequest>) -> Answer<VerifyBackupResponse> {
        Ok(Response::new(admin::verify_backup(&self.state, request.into_inner()).await?))
    }

    async fn get_backup_policy(&self, request: Request<GetBackupPolicyRequest>) -> Answer<BackupPolicy> {
        Ok(Response::new(admin::get_backup_policy(&self.state, request.into_inner()).await?))
    }

    async fn set_backup_policy(&self, request: Request<SetBackupPolicyRequest>) -> Answer<BackupPolicy> {
        Ok(Response::new(admin::set_backup_policy(&self.state, request.into_inner()).await?))
    }

    async fn get_replication(&self, request: Request<GetReplicationRequest>) -> Answer<Replication> {
        Ok(Response::new(admin::get_replication(&self.state, request.into_inner()).await?))
    }

    async fn set_distance(&self, request: Request<SetDistanceRequest>) -> Answer<Distance> {
        Ok(Response::new(admin::set_distance(&self.state, request.into_inner()).await?))
    }

    async fn list_distances(&self, request: Request<ListDistancesRequest>) -> Answer<ListDistancesResponse> {
        Ok(Response::new(admin::list_distances(&self.state, request.into_inner()).await?))
    }

    async fn get_clock(&self, request: Request<GetClockRequest>) -> Answer<Clock> {
        Ok(Response::new(admin::get_clock(&self.state, request.into_inner())))
    }

    async fn advance_clock(&self, request: Request<AdvanceClockRequest>) -> Answer<Clock> {
        Ok(Response::new(admin::advance_clock(&self.state, request.into_inner())?))
    }
}

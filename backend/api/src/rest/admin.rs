//! The administration API over REST: paths below `/v1/admin/`.

use admin_proto::json::{EnumStyle, to_json};
use admin_proto::v1::{
    FailOverRequest, GetOperationProgressRequest, GetTopologyRequest, GiveZoneRequest, ListNodesRequest, ListZoneOutagesRequest,
    TakeZoneRequest,
};
use memorystore_proto::json;
use prost::{Message, Name};

use super::body;
use super::dispatch::Call;
use super::respond::Format;
use super::routes::{AdminRpc, parent, resource};
use crate::{ApiError, admin};

/// What every path here begins with, below `/v1/`.
pub(super) const PREFIX: &str = "admin/";
const ZONES: &str = "admin/zones/";

impl Call<'_> {
    /// Answers one request with JSON text.
    pub(super) async fn run_admin(self, rpc: AdminRpc) -> Result<Vec<u8>, ApiError> {
        match rpc {
            AdminRpc::GetTopology => self.topology().await,
            AdminRpc::ListNodes => self.list_nodes().await,
            AdminRpc::FailOver => self.fail_over().await,
            AdminRpc::TakeZone => self.take_zone().await,
            AdminRpc::GiveZone => self.give_zone().await,
            AdminRpc::ListZoneOutages => self.list_zone_outages().await,
            AdminRpc::GetOperationProgress => self.operation_progress().await,
            AdminRpc::ListBackupDetails => self.list_backup_details().await,
            AdminRpc::GetBackupDetails => self.backup_details().await,
            AdminRpc::VerifyBackup => self.verify_backup().await,
            AdminRpc::GetBackupPolicy => self.backup_policy().await,
            AdminRpc::SetBackupPolicy => self.set_backup_policy().await,
            AdminRpc::GetReplication => self.replication().await,
            AdminRpc::SetDistance => self.set_distance().await,
            AdminRpc::ListDistances => self.list_distances().await,
            AdminRpc::GetClock => self.clock(),
            AdminRpc::AdvanceClock => self.advance_clock().await,
        }
    }

    async fn topology(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = GetTopologyRequest { name: below(PREFIX, parent(self.path)) };
        Ok(text(&admin::topology(self.state, request).await?, self.format))
    }

    async fn list_nodes(mut self) -> Result<Vec<u8>, ApiError> {
        let request = ListNodesRequest { instance: self.query.text("instance")? };
        self.query.finish()?;
        Ok(text(&admin::list_nodes(self.state, request).await?, self.format))
    }

    async fn fail_over(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: FailOverRequest = body::read_admin(self.body).await?;
        request.name = below(PREFIX, resource(self.path));
        Ok(text(&admin::fail_over(self.state, request).await?, self.format))
    }

    async fn take_zone(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: TakeZoneRequest = body::read_admin(self.body).await?;
        request.zone = below(ZONES, resource(self.path));
        Ok(text(&admin::take_zone(self.state, request).await?, self.format))
    }

    async fn give_zone(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: GiveZoneRequest = body::read_admin(self.body).await?;
        request.zone = below(ZONES, resource(self.path));
        Ok(text(&admin::give_zone(self.state, request).await?, self.format))
    }

    async fn list_zone_outages(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        Ok(text(&admin::list_zone_outages(self.state, ListZoneOutagesRequest {}).await?, self.format))
    }

    async fn operation_progress(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = GetOperationProgressRequest { name: below(PREFIX, parent(self.path)) };
        Ok(text(&admin::get_operation_progress(self.state, request).await?, self.format))
    }
}

pub(super) fn below(prefix: &str, path: &str) -> String {
    path.strip_prefix(prefix).unwrap_or(path).to_owned()
}

pub(super) fn text<M: Message + Name>(message: &M, format: Format) -> Vec<u8> {
    let style = match format.enums {
        json::EnumStyle::Names => EnumStyle::Names,
        json::EnumStyle::Numbers => EnumStyle::Numbers,
    };
    to_json(message, style)
}

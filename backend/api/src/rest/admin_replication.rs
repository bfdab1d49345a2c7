//! What the administration API says of the replication between instances, over REST.

use admin_proto::v1::{GetReplicationRequest, ListDistancesRequest, SetDistanceRequest};

use super::admin::{PREFIX, below, text};
use super::body;
use super::dispatch::Call;
use super::routes::parent;
use crate::{ApiError, admin};

impl Call<'_> {
    pub(super) async fn replication(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = GetReplicationRequest { name: below(PREFIX, parent(self.path)) };
        Ok(text(&admin::get_replication(self.state, request).await?, self.format))
    }

    pub(super) async fn set_distance(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request: SetDistanceRequest = body::read_admin(self.body).await?;
        Ok(text(&admin::set_distance(self.state, request).await?, self.format))
    }

    pub(super) async fn list_distances(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        Ok(text(&admin::list_distances(self.state, ListDistancesRequest {}).await?, self.format))
    }
}

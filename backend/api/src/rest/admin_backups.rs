//! What the administration API says of backups, over REST.

use admin_proto::v1::{
    AdvanceClockRequest, GetBackupDetailsRequest, GetBackupPolicyRequest, GetClockRequest, ListBackupDetailsRequest,
    SetBackupPolicyRequest, VerifyBackupRequest,
};

use super::admin::{PREFIX, below, text};
use super::body;
use super::dispatch::Call;
use super::routes::{parent, resource};
use crate::{ApiError, admin};

impl Call<'_> {
    pub(super) async fn list_backup_details(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = ListBackupDetailsRequest { parent: below(PREFIX, parent(self.path)) };
        Ok(text(&admin::list_backup_details(self.state, request).await?, self.format))
    }

    pub(super) async fn backup_details(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = GetBackupDetailsRequest { name: below(PREFIX, resource(self.path)) };
        Ok(text(&admin::get_backup_details(self.state, request).await?, self.format))
    }

    pub(super) async fn verify_backup(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: VerifyBackupRequest = body::read_admin(self.body).await?;
        request.name = below(PREFIX, resource(self.path));
        Ok(text(&admin::verify_backup(self.state, request).await?, self.format))
    }

    pub(super) async fn backup_policy(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = GetBackupPolicyRequest { name: below(PREFIX, parent(self.path)) };
        Ok(text(&admin::get_backup_policy(self.state, request).await?, self.format))
    }

    pub(super) async fn set_backup_policy(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: SetBackupPolicyRequest = body::read_admin(self.body).await?;
        request.name = below(PREFIX, resource(self.path));
        Ok(text(&admin::set_backup_policy(self.state, request).await?, self.format))
    }

    pub(super) fn clock(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        Ok(text(&admin::get_clock(self.state, GetClockRequest {}), self.format))
    }

    pub(super) async fn advance_clock(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request: AdvanceClockRequest = body::read_admin(self.body).await?;
        Ok(text(&admin::advance_clock(self.state, request)?, self.format))
    }
}

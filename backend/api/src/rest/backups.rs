//! The requests about backups over REST.

use memorystore_proto::v1;

use super::body;
use super::dispatch::Call;
use super::respond::text;
use super::routes::{parent, resource};
use crate::{ApiError, backups};

impl Call<'_> {
    pub(super) async fn backup_instance(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: v1::BackupInstanceRequest = body::read(self.body, "").await?;
        resource(self.path).clone_into(&mut request.name);
        text(&backups::back_up(self.state, request).await?, self.format)
    }

    pub(super) async fn list_backup_collections(mut self) -> Result<Vec<u8>, ApiError> {
        let request = v1::ListBackupCollectionsRequest {
            parent: parent(self.path).to_owned(),
            page_size: self.query.number("page_size")?,
            page_token: self.query.text("page_token")?,
        };
        self.query.finish()?;
        text(&backups::list_collections(self.state, request).await?, self.format)
    }

    pub(super) async fn get_backup_collection(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = v1::GetBackupCollectionRequest { name: resource(self.path).to_owned() };
        text(&backups::get_collection(self.state, request).await?, self.format)
    }

    pub(super) async fn list_backups(mut self) -> Result<Vec<u8>, ApiError> {
        let request = v1::ListBackupsRequest {
            parent: parent(self.path).to_owned(),
            page_size: self.query.number("page_size")?,
            page_token: self.query.text("page_token")?,
        };
        self.query.finish()?;
        text(&backups::list(self.state, request).await?, self.format)
    }

    pub(super) async fn get_backup(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = v1::GetBackupRequest { name: resource(self.path).to_owned() };
        text(&backups::get(self.state, request).await?, self.format)
    }

    pub(super) async fn delete_backup(mut self) -> Result<Vec<u8>, ApiError> {
        let request_id = self.query.text("request_id")?;
        self.query.finish()?;
        let request = v1::DeleteBackupRequest { name: resource(self.path).to_owned(), request_id };
        text(&backups::delete(self.state, request).await?, self.format)
    }

    pub(super) async fn export_backup(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: v1::ExportBackupRequest = body::read(self.body, "").await?;
        resource(self.path).clone_into(&mut request.name);
        text(&backups::export(self.state, request).await?, self.format)
    }
}

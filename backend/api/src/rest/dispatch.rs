//! From a route to the request message, the function that answers it, and its text.

use axum::body::Body;
use memorystore_proto::location::{GetLocationRequest, ListLocationsRequest};
use memorystore_proto::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
};
use memorystore_proto::v1;

use super::body;
use super::query::Query;
use super::respond::{Format, text};
use super::routes::{Rpc, parent, resource};
use crate::{ApiError, ApiState, grpc, instances, locations, operations};

/// One REST request.
pub(super) struct Call<'a> {
    pub(super) state: &'a ApiState,
    /// The path below `/v1/`.
    pub(super) path: &'a str,
    pub(super) query: Query,
    pub(super) body: Body,
    pub(super) format: Format,
}

impl Call<'_> {
    /// Answers it with JSON text.
    pub(super) async fn run(self, rpc: Rpc) -> Result<Vec<u8>, ApiError> {
        match rpc {
            Rpc::ListInstances => self.list_instances().await,
            Rpc::CreateInstance => self.create_instance().await,
            Rpc::GetInstance => self.get_instance().await,
            Rpc::UpdateInstance => self.update_instance().await,
            Rpc::DeleteInstance => self.delete_instance().await,
            Rpc::BackupInstance => self.backup_instance().await,
            Rpc::ListBackupCollections => self.list_backup_collections().await,
            Rpc::GetBackupCollection => self.get_backup_collection().await,
            Rpc::ListBackups => self.list_backups().await,
            Rpc::GetBackup => self.get_backup().await,
            Rpc::DeleteBackup => self.delete_backup().await,
            Rpc::ExportBackup => self.export_backup().await,
            Rpc::ListOperations => self.list_operations().await,
            Rpc::GetOperation => self.get_operation().await,
            Rpc::DeleteOperation => self.delete_operation().await,
            Rpc::CancelOperation => self.cancel_operation().await,
            Rpc::ListLocations => self.list_locations().await,
            Rpc::GetLocation => self.get_location(),
            Rpc::Admin(rpc) => self.run_admin(rpc).await,
            Rpc::Later(rpc) => Err(grpc::not_in_this_version(rpc)),
        }
    }

    async fn list_instances(mut self) -> Result<Vec<u8>, ApiError> {
        let request = v1::ListInstancesRequest {
            parent: parent(self.path).to_owned(),
            page_size: self.query.number("page_size")?,
            page_token: self.query.text("page_token")?,
            filter: self.query.text("filter")?,
            order_by: self.query.text("order_by")?,
        };
        self.query.finish()?;
        text(&instances::list(self.state, request).await?, self.format)
    }

    async fn create_instance(mut self) -> Result<Vec<u8>, ApiError> {
        let request = v1::CreateInstanceRequest {
            parent: parent(self.path).to_owned(),
            instance_id: self.query.text("instance_id")?,
            request_id: self.query.text("request_id")?,
            instance: Some(body::read(self.body, "instance").await?),
        };
        self.query.finish()?;
        text(&instances::create(self.state, request).await?, self.format)
    }

    async fn get_instance(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = v1::GetInstanceRequest { name: resource(self.path).to_owned() };
        text(&instances::get(self.state, request).await?, self.format)
    }

    async fn update_instance(mut self) -> Result<Vec<u8>, ApiError> {
        let update_mask = self.query.mask("update_mask")?;
        let request_id = self.query.text("request_id")?;
        self.query.finish()?;
        let mut instance: v1::Instance = body::read(self.body, "instance").await?;
        resource(self.path).clone_into(&mut instance.name);
        let request = v1::UpdateInstanceRequest { update_mask, instance: Some(instance), request_id };
        text(&instances::update(self.state, request).await?, self.format)
    }

    async fn delete_instance(mut self) -> Result<Vec<u8>, ApiError> {
        let request_id = self.query.text("request_id")?;
        self.query.finish()?;
        let request = v1::DeleteInstanceRequest { name: resource(self.path).to_owned(), request_id };
        text(&instances::delete(self.state, request).await?, self.format)
    }

    async fn list_operations(mut self) -> Result<Vec<u8>, ApiError> {
        let request = ListOperationsRequest {
            name: parent(self.path).to_owned(),
            filter: self.query.text("filter")?,
            page_size: self.query.number("page_size")?,
            page_token: self.query.text("page_token")?,
        };
        self.query.finish()?;
        text(&operations::list(self.state, request).await?, self.format)
    }

    async fn get_operation(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = GetOperationRequest { name: resource(self.path).to_owned() };
        text(&operations::get(self.state, request).await?, self.format)
    }

    async fn delete_operation(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let request = DeleteOperationRequest { name: resource(self.path).to_owned() };
        text(&operations::delete(self.state, request).await?, self.format)
    }

    async fn cancel_operation(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        let mut request: CancelOperationRequest = body::read(self.body, "").await?;
        resource(self.path).clone_into(&mut request.name);
        text(&operations::cancel(self.state, request).await?, self.format)
    }

    async fn list_locations(mut self) -> Result<Vec<u8>, ApiError> {
        let request = ListLocationsRequest {
            name: parent(self.path).to_owned(),
            filter: self.query.text("filter")?,
            page_size: self.query.number("page_size")?,
            page_token: self.query.text("page_token")?,
        };
        self.query.finish()?;
        text(&locations::list(self.state, request).await?, self.format)
    }

    fn get_location(self) -> Result<Vec<u8>, ApiError> {
        self.query.finish()?;
        text(&locations::get(&GetLocationRequest { name: resource(self.path).to_owned() })?, self.format)
    }
}

//! The Memorystore service: each RPC is one call of the function that REST calls too.

use memorystore_proto::longrunning::Operation;
use memorystore_proto::v1;
use memorystore_proto::v1::memorystore_server::Memorystore;
use tonic::{Request, Response};

use super::{Answer, GrpcApi, later};
use crate::{backups, instances};

#[tonic::async_trait]
impl Memorystore for GrpcApi {
    async fn list_instances(&self, request: Request<v1::ListInstancesRequest>) -> Answer<v1::ListInstancesResponse> {
        Ok(Response::new(instances::list(&self.state, request.into_inner()).await?))
    }

    async fn get_instance(&self, request: Request<v1::GetInstanceRequest>) -> Answer<v1::Instance> {
        Ok(Response::new(instances::get(&self.state, request.into_inner()).await?))
    }

    async fn create_instance(&self, request: Request<v1::CreateInstanceRequest>) -> Answer<Operation> {
        Ok(Response::new(instances::create(&self.state, request.into_inner()).await?))
    }

    async fn update_instance(&self, request: Request<v1::UpdateInstanceRequest>) -> Answer<Operation> {
        Ok(Response::new(instances::update(&self.state, request.into_inner()).await?))
    }

    async fn delete_instance(&self, request: Request<v1::DeleteInstanceRequest>) -> Answer<Operation> {
        Ok(Response::new(instances::delete(&self.state, request.into_inner()).await?))
    }

    async fn get_certificate_authority(
        &self,
        _request: Request<v1::GetCertificateAuthorityRequest>,
    ) -> Answer<v1::CertificateAuthority> {
        later("GetCertificateAuthority")
    }

    async fn get_shared_regional_certificate_authority(
        &self,
        _request: Request<v1::GetSharedRegionalCertificateAuthorityRequest>,
    ) -> Answer<v1::SharedRegionalCertificateAuthority> {
        later("GetSharedRegionalCertificateAuthority")
    }

    async fn reschedule_maintenance(&self, _request: Request<v1::RescheduleMaintenanceRequest>) -> Answer<Operation> {
        later("RescheduleMaintenance")
    }

    async fn list_backup_collections(
        &self,
        request: Request<v1::ListBackupCollectionsRequest>,
    ) -> Answer<v1::ListBackupCollectionsResponse> {
        Ok(Response::new(backups::list_collections(&self.state, request.into_inner()).await?))
    }

    async fn get_backup_collection(&self, request: Request<v1::GetBackupCollectionRequest>) -> Answer<v1::BackupCollection> {
        Ok(Response::new(backups::get_collection(&self.state, request.into_inner()).await?))
    }

    async fn list_backups(&self, request: Request<v1::ListBackupsRequest>) -> Answer<v1::ListBackupsResponse> {
        Ok(Response::new(backups::list(&self.state, request.into_inner()).await?))
    }

    async fn get_backup(&self, request: Request<v1::GetBackupRequest>) -> Answer<v1::Backup> {
        Ok(Response::new(backups::get(&self.state, request.into_inner()).await?))
    }

    async fn delete_backup(&self, request: Request<v1::DeleteBackupRequest>) -> Answer<Operation> {
        Ok(Response::new(backups::delete(&self.state, request.into_inner()).await?))
    }

    async fn export_backup(&self, request: Request<v1::ExportBackupRequest>) -> Answer<Operation> {
        Ok(Response::new(backups::export(&self.state, request.into_inner()).await?))
    }

    async fn backup_instance(&self, request: Request<v1::BackupInstanceRequest>) -> Answer<Operation> {
        Ok(Response::new(backups::back_up(&self.state, request.into_inner()).await?))
    }

    async fn start_migration(&self, _request: Request<v1::StartMigrationRequest>) -> Answer<Operation> {
        later("StartMigration")
    }

    async fn finish_migration(&self, _request: Request<v1::FinishMigrationRequest>) -> Answer<Operation> {
        later("FinishMigration")
    }

    async fn list_token_auth_users(
        &self,
        _request: Request<v1::ListTokenAuthUsersRequest>,
    ) -> Answer<v1::ListTokenAuthUsersResponse> {
        later("ListTokenAuthUsers")
    }

    async fn get_token_auth_user(&self, _request: Request<v1::GetTokenAuthUserRequest>) -> Answer<v1::TokenAuthUser> {
        later("GetTokenAuthUser")
    }

    async fn list_auth_tokens(&self, _request: Request<v1::ListAuthTokensRequest>) -> Answer<v1::ListAuthTokensResponse> {
        later("ListAuthTokens")
    }

    async fn get_auth_token(&self, _request: Request<v1::GetAuthTokenRequest>) -> Answer<v1::AuthToken> {
        later("GetAuthToken")
    }

    async fn add_token_auth_user(&self, _request: Request<v1::AddTokenAuthUserRequest>) -> Answer<Operation> {
        later("AddTokenAuthUser")
    }

    async fn delete_token_auth_user(&self, _request: Request<v1::DeleteTokenAuthUserRequest>) -> Answer<Operation> {
        later("DeleteTokenAuthUser")
    }

    async fn add_auth_token(&self, _request: Request<v1::AddAuthTokenRequest>) -> Answer<Operation> {
        later("AddAuthToken")
    }

    async fn delete_auth_token(&self, _request: Request<v1::DeleteAuthTokenRequest>) -> Answer<Operation> {
        later("DeleteAuthToken")
    }
}

//! The gRPC services over a [`Script`](super::Script).

use std::future::{Future, pending, ready};
use std::pin::Pin;

use memorystore_proto::longrunning::operations_server::Operations;
use memorystore_proto::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest, ListOperationsResponse,
    Operation, WaitOperationRequest,
};
use memorystore_proto::v1::memorystore_server::Memorystore;
use memorystore_proto::v1::{
    self, CreateInstanceRequest, DeleteInstanceRequest, GetInstanceRequest, Instance, UpdateInstanceRequest,
};
use tonic::{Request, Response, Status};

use super::{Mishap, Shared, filled_in, node_config};

pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'a>>;

/// Calls that this provider never makes.
macro_rules! never_called {
    ($($call:ident: $request:ty => $response:ty),+ $(,)?) => {$(
        fn $call<'a, 'b>(&'a self, _: Request<$request>) -> Answer<'b, $response> where 'a: 'b, Self: 'b {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($call)))))
        }
    )+};
}

pub(super) use never_called;

pub(super) fn not_found(name: &str) -> Status {
    Status::not_found(format!("Resource '{name}' was not found"))
}

pub(super) fn answer<'b, T: Send + 'b>(outcome: Result<T, Status>) -> Answer<'b, T> {
    Box::pin(ready(outcome.map(Response::new)))
}

impl Shared {
    fn create(&self, request: CreateInstanceRequest) -> Result<Operation, Status> {
        let mut script = self.script();
        script.accept("CreateInstance".to_owned())?;
        if let Some(first) = script.requests.get(&request.request_id) {
            return Ok(script.operations[first].clone());
        }
        let name = format!("{}/instances/{}", request.parent, request.instance_id);
        if script.instances.contains_key(&name) {
            return Err(Status::already_exists(format!("Resource '{name}' already exists")));
        }
        script.instances.insert(name.clone(), filled_in(&name, request.instance.unwrap_or_default()));
        let operation = script.begin("create", &name);
        script.requests.insert(request.request_id, operation.name.clone());
        Ok(operation)
    }

    pub(super) async fn suffer(&self, mishap: Mishap) {
        self.met.notify_one();
        match mishap {
            Mishap::Cut(outage) => self.line.send(outage).await.expect("the line listens until it is cut for good"),
            Mishap::Silence => {}
        }
        pending().await
    }

    fn update(&self, request: UpdateInstanceRequest) -> Result<Operation, Status> {
        let mut script = self.script();
        let paths = request.update_mask.unwrap_or_default().paths;
        script.accept(format!("UpdateInstance {}", paths.join(",")))?;
        let body = request.instance.unwrap_or_default();
        let instance = script.instances.get_mut(&body.name).ok_or_else(|| not_found(&body.name))?;
        for path in &paths {
            match path.as_str() {
                "labels" => instance.labels.clone_from(&body.labels),
                "deletion_protection_enabled" => instance.deletion_protection_enabled = body.deletion_protection_enabled,
                "shard_count" => instance.shard_count = body.shard_count,
                "replica_count" => instance.replica_count = body.replica_count,
                "node_type" => {
                    instance.node_type = body.node_type;
                    instance.node_config = Some(node_config(body.node_type));
                }
                "engine_version" => instance.engine_version.clone_from(&body.engine_version),
                "engine_configs" => instance.engine_configs.clone_from(&body.engine_configs),
                "persistence_config" => instance.persistence_config = body.persistence_config,
                "automated_backup_config" => instance.automated_backup_config.clone_from(&body.automated_backup_config),
                other => return Err(Status::invalid_argument(format!("unsupported path in fieldMask: {other}"))),
            }
        }
        let update_time = instance.update_time.get_or_insert_default();
        update_time.seconds += 60;
        Ok(script.begin("update", &body.name))
    }

    fn delete(&self, request: &DeleteInstanceRequest) -> Result<Operation, Status> {
        let mut script = self.script();
        script.accept("DeleteInstance".to_owned())?;
        let instance = script.instances.get(&request.name).ok_or_else(|| not_found(&request.name))?;
        if instance.deletion_protection_enabled == Some(true) {
            return Err(Status::failed_precondition("The instance is deletion protected."));
        }
        Ok(script.begin("delete", &request.name))
    }
}

impl Memorystore for Shared {
    fn get_instance<'a, 'b>(&'a self, request: Request<GetInstanceRequest>) -> Answer<'b, Instance>
    where
        'a: 'b,
        Self: 'b,
    {
        let name = request.into_inner().name;
        answer(self.script().instances.get(&name).cloned().ok_or_else(|| not_found(&name)))
    }

    fn create_instance<'a, 'b>(&'a self, request: Request<CreateInstanceRequest>) -> Answer<'b, Operation>
    where
        'a: 'b,
        Self: 'b,
    {
        let outcome = self.create(request.into_inner());
        let mishap = self.script().mishaps.pop_front();
        Box::pin(async move {
            if let Some(mishap) = mishap {
                self.suffer(mishap).await
            }
            outcome.map(Response::new)
        })
    }

    fn update_instance<'a, 'b>(&'a self, request: Request<UpdateInstanceRequest>) -> Answer<'b, Operation>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.update(request.into_inner()))
    }

    fn delete_instance<'a, 'b>(&'a self, request: Request<DeleteInstanceRequest>) -> Answer<'b, Operation>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.delete(request.get_ref()))
    }

    fn backup_instance<'a, 'b>(&'a self, request: Request<v1::BackupInstanceRequest>) -> Answer<'b, Operation>
    where
        'a: 'b,
        Self: 'b,
    {
        let outcome = self.back_up(&request.into_inner());
        let mishap = self.script().mishaps.pop_front();
        Box::pin(async move {
            if let Some(mishap) = mishap {
                self.suffer(mishap).await
            }
            outcome.map(Response::new)
        })
    }

    fn delete_backup<'a, 'b>(&'a self, request: Request<v1::DeleteBackupRequest>) -> Answer<'b, Operation>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.remove_backup(&request.get_ref().name))
    }

    fn list_backups<'a, 'b>(&'a self, request: Request<v1::ListBackupsRequest>) -> Answer<'b, v1::ListBackupsResponse>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.list_backups(request.get_ref()))
    }

    never_called! {
        list_instances: v1::ListInstancesRequest => v1::ListInstancesResponse,
        get_certificate_authority: v1::GetCertificateAuthorityRequest => v1::CertificateAuthority,
        get_shared_regional_certificate_authority:
            v1::GetSharedRegionalCertificateAuthorityRequest => v1::SharedRegionalCertificateAuthority,
        reschedule_maintenance: v1::RescheduleMaintenanceRequest => Operation,
        list_backup_collections: v1::ListBackupCollectionsRequest => v1::ListBackupCollectionsResponse,
        get_backup_collection: v1::GetBackupCollectionRequest => v1::BackupCollection,
        get_backup: v1::GetBackupRequest => v1::Backup,
        export_backup: v1::ExportBackupRequest => Operation,
        start_migration: v1::StartMigrationRequest => Operation,
        finish_migration: v1::FinishMigrationRequest => Operation,
        list_token_auth_users: v1::ListTokenAuthUsersRequest => v1::ListTokenAuthUsersResponse,
        get_token_auth_user: v1::GetTokenAuthUserRequest => v1::TokenAuthUser,
        list_auth_tokens: v1::ListAuthTokensRequest => v1::ListAuthTokensResponse,
        get_auth_token: v1::GetAuthTokenRequest => v1::AuthToken,
        add_token_auth_user: v1::AddTokenAuthUserRequest => Operation,
        delete_token_auth_user: v1::DeleteTokenAuthUserRequest => Operation,
        add_auth_token: v1::AddAuthTokenRequest => Operation,
        delete_auth_token: v1::DeleteAuthTokenRequest => Operation,
    }
}

impl Operations for Shared {
    fn get_operation<'a, 'b>(&'a self, request: Request<GetOperationRequest>) -> Answer<'b, Operation>
    where
        'a: 'b,
        Self: 'b,
    {
        self.polled.notify_one();
        answer(self.script().poll(&request.get_ref().name))
    }

    fn cancel_operation<'a, 'b>(&'a self, request: Request<CancelOperationRequest>) -> Answer<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        self.script().cancel(&request.get_ref().name);
        answer(Ok(()))
    }

    never_called! {
        list_operations: ListOperationsRequest => ListOperationsResponse,
        delete_operation: DeleteOperationRequest => (),
        wait_operation: WaitOperationRequest => Operation,
    }
}

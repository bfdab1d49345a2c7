//! The administration API over a [`Script`](super::Script).

use admin_proto::v1::admin_server::Admin;
use admin_proto::v1::{self, BackupDetails, BackupPolicy, SetBackupPolicyRequest, VerifyBackupResponse};
use memorystore_proto::v1::automated_backup_config::{AutomatedBackupMode, Schedule};
use prost_types::Timestamp;
use tonic::{Request, Status};

use super::Shared;
use super::stubs::{Answer, answer, never_called, not_found};

/// A midnight.
const MIDNIGHT_SECONDS: i64 = 1_790_035_200;

impl Shared {
    fn accept_admin(&self, call: String) -> Result<(), Status> {
        let mut script = self.script();
        script.calls.push(call);
        script.admin_refusals.pop_front().map_or(Ok(()), Err)
    }

    fn policy(&self, name: &str) -> Result<BackupPolicy, Status> {
        let script = self.script();
        let instance = script.instances.get(name).ok_or_else(|| not_found(name))?;
        let config = instance.automated_backup_config.unwrap_or_default();
        let hour =
            |Schedule::FixedFrequencySchedule(schedule): &Schedule| i64::from(schedule.start_time.unwrap_or_default().hours);
        let is_on = config.automated_backup_mode() == AutomatedBackupMode::Enabled;
        let seconds = MIDNIGHT_SECONDS + config.schedule.as_ref().map_or(0, hour) * 3600;
        Ok(BackupPolicy {
            instance: name.to_owned(),
            verify: script.verify.get(name).copied().unwrap_or_default(),
            next_due: is_on.then_some(Timestamp { seconds, nanos: 0 }),
            ..BackupPolicy::default()
        })
    }

    fn set_policy(&self, request: &SetBackupPolicyRequest) -> Result<BackupPolicy, Status> {
        self.accept_admin(format!("SetBackupPolicy {}", request.verify))?;
        self.script().verify.insert(request.name.clone(), request.verify);
        self.policy(&request.name)
    }

    fn verify(&self, name: &str) -> Result<VerifyBackupResponse, Status> {
        self.accept_admin("VerifyBackup".to_owned())?;
        let mut script = self.script();
        if !script.backups.contains_key(name) {
            return Err(not_found(name));
        }
        Ok(VerifyBackupResponse { operation: script.begin("verify", name).name })
    }
}

impl Admin for Shared {
    type WatchOperationStream = tokio_stream::Empty<Result<v1::OperationProgress, Status>>;

    fn list_backup_details<'a, 'b>(
        &'a self,
        request: Request<v1::ListBackupDetailsRequest>,
    ) -> Answer<'b, v1::ListBackupDetailsResponse>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.details_of(&request.get_ref().parent).map(|backups| v1::ListBackupDetailsResponse { backups }))
    }

    fn get_backup_details<'a, 'b>(&'a self, request: Request<v1::GetBackupDetailsRequest>) -> Answer<'b, BackupDetails>
    where
        'a: 'b,
        Self: 'b,
    {
        let name = request.into_inner().name;
        answer(self.script().backups.get(&name).cloned().ok_or_else(|| not_found(&name)))
    }

    fn verify_backup<'a, 'b>(&'a self, request: Request<v1::VerifyBackupRequest>) -> Answer<'b, VerifyBackupResponse>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.verify(&request.get_ref().name))
    }

    fn get_backup_policy<'a, 'b>(&'a self, request: Request<v1::GetBackupPolicyRequest>) -> Answer<'b, BackupPolicy>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.policy(&request.get_ref().name))
    }

    fn set_backup_policy<'a, 'b>(&'a self, request: Request<SetBackupPolicyRequest>) -> Answer<'b, BackupPolicy>
    where
        'a: 'b,
        Self: 'b,
    {
        answer(self.set_policy(request.get_ref()))
    }

    never_called! {
        get_topology: v1::GetTopologyRequest => v1::Topology,
        list_nodes: v1::ListNodesRequest => v1::ListNodesResponse,
        fail_over: v1::FailOverRequest => v1::FailOverResponse,
        take_zone: v1::TakeZoneRequest => v1::ZoneOutage,
        give_zone: v1::GiveZoneRequest => v1::ZoneOutage,
        list_zone_outages: v1::ListZoneOutagesRequest => v1::ListZoneOutagesResponse,
        watch_operation: v1::WatchOperationRequest => Self::WatchOperationStream,
        get_operation_progress: v1::GetOperationProgressRequest => v1::OperationProgress,
        get_replication: v1::GetReplicationRequest => v1::Replication,
        set_distance: v1::SetDistanceRequest => v1::Distance,
        list_distances: v1::ListDistancesRequest => v1::ListDistancesResponse,
        get_clock: v1::GetClockRequest => v1::Clock,
        advance_clock: v1::AdvanceClockRequest => v1::Clock,
    }
}

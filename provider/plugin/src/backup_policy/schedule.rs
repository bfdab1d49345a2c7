//! `automated_backup_config` as a policy sets it, and how it is sent.
//!
//! Creating, changing and removing a policy call it. Invariant: an update of the instance carries this field alone.

use memorystore_proto::google_type::TimeOfDay;
use memorystore_proto::longrunning::Operation;
use memorystore_proto::v1::automated_backup_config::{AutomatedBackupMode, FixedFrequencySchedule, Schedule};
use memorystore_proto::v1::{AutomatedBackupConfig, Instance, UpdateInstanceRequest};
use prost_types::{Duration, FieldMask};
use provider_framework::{Diagnostic, Diagnostics, Object};
use uuid::Uuid;

use super::PolicyName;
use crate::client::{ApiError, Client};
use crate::duration_text;

const FIELD: &str = "automated_backup_config";

/// What a plan asks for.
pub(super) fn enabled(planned: &Object) -> Result<AutomatedBackupConfig, Diagnostics> {
    let retention = duration_text::seconds_of(planned, "retention");
    // The validator lets only durations through.
    let seconds = retention.ok_or_else(|| Diagnostic::error("Not a duration").at("retention"))?;
    let start_time = TimeOfDay { hours: planned.read("start_hour")?, ..TimeOfDay::default() };
    Ok(AutomatedBackupConfig {
        automated_backup_mode: AutomatedBackupMode::Enabled.into(),
        schedule: Some(Schedule::FixedFrequencySchedule(FixedFrequencySchedule { start_time: Some(start_time) })),
        retention: Some(Duration { seconds, nanos: 0 }),
    })
}

/// What removes a policy.
pub(super) fn disabled() -> AutomatedBackupConfig {
    AutomatedBackupConfig { automated_backup_mode: AutomatedBackupMode::Disabled.into(), ..AutomatedBackupConfig::default() }
}

/// Begins to set it. May be dropped at any time; the daemon may have taken it then.
pub(super) async fn send(client: &Client, name: &PolicyName, config: AutomatedBackupConfig) -> Result<Operation, ApiError> {
    let instance = Instance { name: name.instance(), automated_backup_config: Some(config), ..Instance::default() };
    let message = UpdateInstanceRequest {
        update_mask: Some(FieldMask { paths: vec![FIELD.to_owned()] }),
        instance: Some(instance),
        request_id: Uuid::new_v4().to_string(),
    };
    client.update_instance(message).await
}

//! How far the secondaries of a replication are.

use admin_proto::v1::replication::{Role as RoleMessage, SwitchoverStage};
use admin_proto::v1::shard_status::State;
use admin_proto::v1::{GetReplicationRequest, LastSwitchover, PossibleLoss, Replication, SecondaryStatus, ShardStatus};
use valkyard_model::{
    Accession, Convergence, DesiredInstance, JobState, LinkSeen, Member, Observation, Role, ShardIndex, StreamState, Switchover,
};

use super::distance_message::distance_message;
use super::findings::Findings;
use super::node_message::whole;
use crate::convert::{duration_message, instance_name, timestamp_message};
use crate::{ApiError, ApiState};

/// The replication that an instance is a member of.
pub(crate) async fn get_replication(state: &ApiState, request: GetReplicationRequest) -> Result<Replication, ApiError> {
    let name = instance_name("name", &request.name)?;
    let found = state.store.instance(&name).await?;
    let asked = found.ok_or_else(|| ApiError::NotFound { name: name.to_string() })?;
    let own = Member { name: asked.name.clone(), uid: asked.uid };
    let (role, primary) = match &asked.replication.role {
        Role::None => (RoleMessage::None, None),
        Role::Leaving => (RoleMessage::Leaving, None),
        Role::Primary { .. } => (RoleMessage::Primary, Some(own)),
        Role::Secondary { primary, .. } => (RoleMessage::Secondary, Some(primary.clone())),
    };
    let mut secondaries = Vec::new();
    for member in asked.replication.role.secondaries() {
        let found = state.store.instance(&member.name).await?.filter(|instance| instance.uid == member.uid);
        let (Some(secondary), Some(primary)) = (found, &primary) else { continue };
        let distance = state.store.distance(&primary.name.location, &secondary.name.location).await?;
        let findings = Findings::beside(state, secondary).await;
        secondaries.push(SecondaryStatus { distance: Some(distance_message(&distance)), ..secondary_status(&findings) });
    }
    let last_switchover = match &primary {
        Some(primary) if primary.uid == asked.uid => asked.replication.accession.clone(),
        Some(primary) => state.store.instance(&primary.name).await?.and_then(|instance| instance.replication.accession),
        None => None,
    };
    Ok(Replication {
        instance: name.to_string(),
        role: role.into(),
        primary: primary.map(|primary| primary.name.to_string()).unwrap_or_default(),
        secondaries,
        switchover: stage_message(asked.replication.switchover.as_ref()).into(),
        last_switchover: last_switchover.as_ref().map(last_message),
    })
}

fn stage_message(stage: Option<&Switchover>) -> SwitchoverStage {
    match stage {
        None => SwitchoverStage::Unspecified,
        Some(Switchover::Draining { .. }) => SwitchoverStage::Draining,
        Some(Switchover::Opening { .. }) => SwitchoverStage::Opening,
        Some(Switchover::Clearing) => SwitchoverStage::Clearing,
        Some(Switchover::AwaitingPoints { .. } | Switchover::TakingOver { .. }) => SwitchoverStage::TakingOver,
    }
}

fn last_message(accession: &Accession) -> LastSwitchover {
    LastSwitchover {
        time: Some(timestamp_message(accession.at)),
        from: accession.from.name.to_string(),
        possible_loss: accession.possible_loss.map(|loss| PossibleLoss {
            bytes: whole(loss.bytes),
            lag: Some(duration_message(loss.lag)),
            synced_at: loss.synced_at.map(timestamp_message),
        }),
    }
}

fn secondary_status(findings: &Findings) -> SecondaryStatus {
    let desired = &findings.desired;
    let observed = findings.observed.as_deref();
    let shards: Vec<ShardIndex> = (0..desired.spec.shard_count).map(ShardIndex).collect();
    let link = |shard: &ShardIndex| observed?.replication.links.get(shard);
    let lag_bytes: Option<Vec<u64>> = shards.iter().map(|shard| link(shard)?.lag_bytes).collect();
    let lag: Option<Vec<_>> = shards.iter().map(|shard| link(shard)?.lag).collect();
    SecondaryStatus {
        instance: desired.name.to_string(),
        uid: desired.uid.to_string(),
        seen_at: observed.map(|observed| timestamp_message(observed.at)),
        shards: shards.iter().map(|shard| shard_status(desired, observed, *shard, link(shard))).collect(),
        lag_bytes: lag_bytes.and_then(|lags| lags.into_iter().max()).map(whole),
        lag: lag.and_then(|lags| lags.into_iter().max()).map(duration_message),
        distance: None,
    }
}

fn shard_status(
    desired: &DesiredInstance,
    observed: Option<&Observation>,
    shard: ShardIndex,
    link: Option<&LinkSeen>,
) -> ShardStatus {
    let is_new = desired.convergence == Convergence::Never && link.is_none();
    let is_copied = is_new || desired.replication.reseeding.contains_key(&shard);
    let run = observed.and_then(|observed| observed.import.as_ref()).filter(|_| is_copied);
    let (state, reason) = match (observed, link.map(|link| &link.state)) {
        (None, _) => (State::Unspecified, String::new()),
        _ if is_copied => match run.map(|run| &run.state) {
            Some(JobState::Failed { detail, .. }) => (State::FullSync, detail.clone()),
            Some(JobState::Running | JobState::Done(())) | None => (State::FullSync, String::new()),
        },
        (_, None) => (State::Broken, "there is no link: the shard does not serve here or in the primary instance".to_owned()),
        (_, Some(StreamState::Connecting)) => (State::Connecting, String::new()),
        (_, Some(StreamState::Streaming)) => (State::Streaming, String::new()),
        (_, Some(StreamState::SourceResharding)) => (State::Broken, "slots move in the primary instance".to_owned()),
        (_, Some(StreamState::NeedsSeed { reason, .. } | StreamState::Broken { reason })) => (State::Broken, reason.clone()),
    };
    let applied = link.and_then(|link| link.applied.as_ref());
    ShardStatus {
        shard: shard.0.into(),
        state: state.into(),
        reason,
        source: link.map(|link| link.source.to_string()).unwrap_or_default(),
        target: link.map(|link| link.target.to_string()).unwrap_or_default(),
        replication_id: applied.map(|point| point.replication_id.clone()).unwrap_or_default(),
        applied_offset: applied.map(|point| whole(point.offset)),
        source_offset: link.and_then(|link| link.source_offset).map(whole),
        lag_bytes: link.and_then(|link| link.lag_bytes).map(whole),
        lag: link.and_then(|link| link.lag).map(duration_message),
        synced_at: link.and_then(|link| link.synced_at).map(timestamp_message),
        copied_bytes: run.map(|run| whole(run.bytes)),
    }
}

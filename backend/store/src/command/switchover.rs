//! A primary and one of its secondaries change places: asked for, step by step, or given up. Every command changes all members in
//! one transaction.

use rusqlite::Connection;
use valkyard_model::{
    Accession, Convergence, DesiredInstance, Drained, Failure, InstanceName, Lifecycle, Member, Points, PossibleLoss, Reseeding,
    Role, Switchover, SwitchoverStep, Timestamp, Uid, Verb,
};

use super::incarnation::find_incarnation;
use crate::error::{DatabaseError, ProgressError};
use crate::role_refusal::RoleRefusal;
use crate::{instance_row, operation_row};

/// Has a secondary become the primary; the caller saves it. Nothing is accepted while any member is not at rest.
pub(super) fn begin(connection: &Connection, heir: &mut DesiredInstance, now: Timestamp) -> Result<(), RoleRefusal> {
    if heir.replication.role.primary().is_none() {
        return Err(RoleRefusal::NotFollowing { name: heir.name.clone() });
    }
    refuse_restless(heir)?;
    let others = others(connection, heir)?;
    for member in &others {
        // An operation tells more than that something is under way.
        if let Some(unfinished) = operation_row::running(connection, member.uid)?.into_iter().next() {
            return Err(RoleRefusal::Busy { name: member.name.clone(), operation: unfinished.id });
        }
        refuse_restless(member)?;
    }
    let stage = Switchover::Draining { to: member(heir), since: now, drained: Vec::new() };
    for mut other in others {
        other.replication.switchover = Some(stage.clone());
        save_changed(connection, &mut other, now)?;
    }
    heir.replication.switchover = Some(stage);
    heir.shape_generation = heir.generation;
    Ok(())
}

/// A part of it, as the loop of a member found it due. Does nothing where that is over.
pub(crate) fn switch_over(
    connection: &Connection,
    (name, uid): (&InstanceName, Uid),
    step: &SwitchoverStep,
    now: Timestamp,
) -> Result<(), ProgressError> {
    let instance = find_incarnation(connection, name, uid)?;
    match step {
        SwitchoverStep::RecordDrained { ended } => record_drained(connection, instance, ended)?,
        SwitchoverStep::TurnOver { ended, possible_loss } => turn_over(connection, instance, (ended, *possible_loss), now)?,
        SwitchoverStep::GiveUp { failure } => give_up(connection, instance, failure, now)?,
        SwitchoverStep::RecordPoints { points } => record_points(connection, instance, points)?,
        SwitchoverStep::Finish => finish(connection, instance)?,
        // What nodes do is not recorded.
        SwitchoverStep::KeepHistory { .. } | SwitchoverStep::TakePoint { .. } => {}
    }
    Ok(())
}

fn refuse_restless(instance: &DesiredInstance) -> Result<(), RoleRefusal> {
    let name = || instance.name.clone();
    if instance.convergence == Convergence::Never || instance.lifecycle != Lifecycle::Present {
        return Err(RoleRefusal::NotReady { name: name() });
    }
    if instance.replication.switchover.is_some() {
        return Err(RoleRefusal::SwitchingOver { name: name() });
    }
    if instance.is_changing() || !instance.replication.reseeding.is_empty() {
        return Err(RoleRefusal::Restless { name: name() });
    }
    Ok(())
}

fn member(instance: &DesiredInstance) -> Member {
    Member { name: instance.name.clone(), uid: instance.uid }
}

/// All other members that are there, the primary first.
fn others(connection: &Connection, instance: &DesiredInstance) -> Result<Vec<DesiredInstance>, DatabaseError> {
    let role = &instance.replication.role;
    let mut found = Vec::new();
    for member in role.primary().into_iter().chain(role.secondaries()).filter(|member| member.uid != instance.uid) {
        found.extend(instance_row::find(connection, &member.name)?.filter(|instance| instance.uid == member.uid));
    }
    Ok(found)
}

/// How its nodes are set up is another thing now.
fn save_changed(connection: &Connection, instance: &mut DesiredInstance, now: Timestamp) -> Result<(), DatabaseError> {
    instance.generation = instance.generation.next();
    instance.shape_generation = instance.generation;
    instance.update_time = now;
    instance_row::save(connection, instance)
}

fn record_drained(connection: &Connection, mut instance: DesiredInstance, ended: &Points) -> Result<(), DatabaseError> {
    let uid = instance.uid;
    let Some(Switchover::Draining { drained, .. }) = &mut instance.replication.switchover else { return Ok(()) };
    drained.retain(|other| other.uid != uid);
    drained.push(Drained { uid, ended: ended.clone() });
    let stage = instance.replication.switchover.clone();
    instance_row::save(connection, &instance)?;
    for mut other in others(connection, &instance)? {
        other.replication.switchover.clone_from(&stage);
        instance_row::save(connection, &other)?;
    }
    Ok(())
}

fn turn_over(
    connection: &Connection,
    mut heir: DesiredInstance,
    (ended, possible_loss): (&Points, Option<PossibleLoss>),
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let Some(Switchover::Draining { to, drained, .. }) = heir.replication.switchover.clone() else { return Ok(()) };
    let Some(old) = heir.replication.role.primary().cloned().filter(|_| to.uid == heir.uid) else { return Ok(()) };
    let others = others(connection, &heir)?;
    let replace = |listed: &Member| if listed.uid == heir.uid { old.clone() } else { listed.clone() };
    let secondaries: Vec<Member> = heir.replication.role.secondaries().iter().map(replace).collect();
    for mut other in others {
        let has_all = other.uid == old.uid || drained.iter().any(|drained| drained.uid == other.uid);
        let keeps_data = has_all && possible_loss.is_none();
        other.replication.switchover = keeps_data.then(|| Switchover::AwaitingPoints { ended: ended.clone() });
        other.replication.role = Role::Secondary { primary: to.clone(), secondaries: secondaries.clone() };
        other.replication.changed = Some(now);
        other.replication.accession = None;
        instance_row::save(connection, &other)?;
    }
    heir.replication.switchover = Some(Switchover::Opening { ended: ended.clone(), since: now });
    heir.replication.role = Role::Primary { secondaries };
    heir.replication.changed = Some(now);
    heir.replication.accession = Some(Accession { at: now, from: old, possible_loss });
    heir.replication.reseeding = Reseeding::new();
    instance_row::save(connection, &heir)
}

/// Ends a switchover whose heir is this instance, while roles are as before. Its operation fails.
pub(super) fn give_up(
    connection: &Connection,
    mut heir: DesiredInstance,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    if !is_heir(&heir) {
        return Ok(());
    }
    end_draining(connection, &heir, now)?;
    heir.replication.switchover = None;
    save_changed(connection, &mut heir, now)?;
    for operation in operation_row::running(connection, heir.uid)? {
        match operation.verb {
            Verb::Update => operation_row::fail(connection, &operation.id, now, failure)?,
            Verb::Create | Verb::Delete | Verb::Backup | Verb::Export | Verb::Verify => {}
        }
    }
    Ok(())
}

/// Whether this instance is about to become the primary.
pub(super) fn is_heir(instance: &DesiredInstance) -> bool {
    matches!(&instance.replication.switchover, Some(Switchover::Draining { to, .. }) if to.uid == instance.uid)
}

/// Has the others go on as before. The heir's own record is its caller's.
pub(super) fn end_draining(connection: &Connection, heir: &DesiredInstance, now: Timestamp) -> Result<(), DatabaseError> {
    for mut other in others(connection, heir)? {
        other.replication.switchover = None;
        save_changed(connection, &mut other, now)?;
    }
    Ok(())
}

fn record_points(connection: &Connection, mut primary: DesiredInstance, points: &Points) -> Result<(), DatabaseError> {
    let Some(Switchover::Opening { .. }) = primary.replication.switchover else { return Ok(()) };
    for mut other in others(connection, &primary)? {
        if let Some(Switchover::AwaitingPoints { ended }) = other.replication.switchover {
            other.replication.switchover = Some(Switchover::TakingOver { ended, points: points.clone() });
            instance_row::save(connection, &other)?;
        }
    }
    primary.replication.switchover = Some(Switchover::Clearing);
    instance_row::save(connection, &primary)
}

fn finish(connection: &Connection, mut instance: DesiredInstance) -> Result<(), DatabaseError> {
    match instance.replication.switchover {
        Some(Switchover::Clearing | Switchover::TakingOver { .. }) => {
            instance.replication.switchover = None;
            instance_row::save(connection, &instance)
        }
        None | Some(Switchover::Draining { .. } | Switchover::Opening { .. } | Switchover::AwaitingPoints { .. }) => Ok(()),
    }
}

//! Who follows whom. Every command changes all members it concerns in the one transaction it is part of, so that they never
//! contradict each other.

use std::collections::BTreeSet;

use rusqlite::Connection;
use valkyard_model::{
    Convergence, DesiredInstance, Generation, InstanceName, Lifecycle, Member, Replication, Reseeding, Role, SECONDARIES_MAX,
    ShardIndex, Switchover, Timestamp, Uid,
};

use super::incarnation::find_incarnation;
use super::switchover;
use crate::error::{DatabaseError, ProgressError};
use crate::role_refusal::RoleRefusal;
use crate::{instance_row, operation_row};

/// The primary that a new instance is to follow.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Its name.
    pub primary: InstanceName,
    /// The generation that the new instance's spec was copied from.
    pub expected_generation: Generation,
}

/// Takes a new secondary into the replication of a primary. Returns its part.
pub(super) fn join(
    connection: &Connection,
    follow: &Follow,
    joining: Member,
    now: Timestamp,
) -> Result<Replication, RoleRefusal> {
    let name = &follow.primary;
    let found = instance_row::find(connection, name)?;
    let primary = found.ok_or_else(|| RoleRefusal::NoPrimary { name: name.clone() })?;
    let mut secondaries = match &primary.replication.role {
        Role::None => Vec::new(),
        Role::Primary { secondaries } => secondaries.clone(),
        Role::Secondary { primary: other, .. } => {
            return Err(RoleRefusal::IsSecondary { name: name.clone(), primary: Box::new(other.name.clone()) });
        }
        Role::Leaving => return Err(RoleRefusal::NotReady { name: name.clone() }),
    };
    if primary.lifecycle != Lifecycle::Present || primary.convergence == Convergence::Never {
        return Err(RoleRefusal::NotReady { name: name.clone() });
    }
    refuse_switching(&primary)?;
    if secondaries.len() >= SECONDARIES_MAX {
        return Err(RoleRefusal::TooMany { name: name.clone() });
    }
    if let Some(unfinished) = operation_row::running(connection, primary.uid)?.into_iter().next() {
        return Err(RoleRefusal::Busy { name: name.clone(), operation: unfinished.id });
    }
    if primary.generation != follow.expected_generation || primary.is_changing() {
        return Err(RoleRefusal::Changed { name: name.clone() });
    }
    secondaries.push(joining);
    let leader = Member { name: primary.name.clone(), uid: primary.uid };
    tell_members(connection, &leader, &secondaries, now)?;
    let role = Role::Secondary { primary: leader, secondaries };
    Ok(Replication { role, changed: Some(now), ..Replication::default() })
}

/// Whoever takes no writes for a moment is left alone until it is over.
pub(super) fn refuse_switching(instance: &DesiredInstance) -> Result<(), RoleRefusal> {
    match instance.replication.switchover.as_ref().is_some_and(Switchover::is_closed) {
        true => Err(RoleRefusal::SwitchingOver { name: instance.name.clone() }),
        false => Ok(()),
    }
}

/// Takes a secondary out of the lists of the others. Its own record is its caller's. Does nothing for one that follows nobody.
pub(super) fn leave(connection: &Connection, leaving: &DesiredInstance, now: Timestamp) -> Result<(), DatabaseError> {
    let Role::Secondary { primary, secondaries } = &leaving.replication.role else { return Ok(()) };
    if switchover::is_heir(leaving) {
        switchover::end_draining(connection, leaving, now)?;
    }
    let rest: Vec<Member> = secondaries.iter().filter(|member| member.uid != leaving.uid).cloned().collect();
    tell_members(connection, primary, &rest, now)
}

/// Writes the same list to the primary and to every secondary on it that is there.
fn tell_members(connection: &Connection, primary: &Member, secondaries: &[Member], now: Timestamp) -> Result<(), DatabaseError> {
    let role = if secondaries.is_empty() { Role::None } else { Role::Primary { secondaries: secondaries.to_vec() } };
    tell(connection, primary, role, now)?;
    for member in secondaries {
        let role = Role::Secondary { primary: primary.clone(), secondaries: secondaries.to_vec() };
        tell(connection, member, role, now)?;
    }
    Ok(())
}

fn tell(connection: &Connection, member: &Member, role: Role, now: Timestamp) -> Result<(), DatabaseError> {
    let found = instance_row::find(connection, &member.name)?.filter(|instance| instance.uid == member.uid);
    let Some(mut instance) = found.filter(|instance| instance.replication.role != role) else { return Ok(()) };
    instance.replication.role = role;
    instance.replication.changed = Some(now);
    instance_row::save(connection, &instance)
}

/// Makes an instance nobody's secondary; the caller saves it. Its nodes take writes when its links have ended.
pub(super) fn detach(connection: &Connection, secondary: &mut DesiredInstance, now: Timestamp) -> Result<(), RoleRefusal> {
    let name = || secondary.name.clone();
    match secondary.replication.role {
        Role::Secondary { .. } => {}
        Role::None | Role::Primary { .. } | Role::Leaving => return Err(RoleRefusal::NotFollowing { name: name() }),
    }
    if secondary.convergence == Convergence::Never || secondary.lifecycle != Lifecycle::Present {
        return Err(RoleRefusal::NotReady { name: name() });
    }
    refuse_switching(secondary)?;
    leave(connection, secondary, now)?;
    // What is on its way to a shard is not to be mistaken for what is not.
    let reseeding = std::mem::take(&mut secondary.replication.reseeding);
    secondary.replication = Replication { role: Role::Leaving, changed: Some(now), reseeding, ..Replication::default() };
    Ok(())
}

/// Detaches another member of the replication, as a change of its own.
pub(super) fn detach_other(connection: &Connection, name: &InstanceName, now: Timestamp) -> Result<(), RoleRefusal> {
    let found = instance_row::find(connection, name)?;
    let mut secondary = found.ok_or_else(|| RoleRefusal::NotFollowing { name: name.clone() })?;
    detach(connection, &mut secondary, now)?;
    secondary.generation = secondary.generation.next();
    secondary.shape_generation = secondary.generation;
    secondary.update_time = now;
    Ok(instance_row::save(connection, &secondary)?)
}

/// Sets the shards that get their data anew, and notes when others have theirs. Does nothing for an instance that follows nobody
/// any more.
pub(crate) fn set_reseeding(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    mut shards: Reseeding,
    now: Timestamp,
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    match instance.replication.role {
        Role::Secondary { .. } => {}
        // It may have been decided before the detachment: nothing more is thrown away.
        Role::Leaving => shards.retain(|shard, _| instance.replication.reseeding.contains_key(shard)),
        Role::None | Role::Primary { .. } => return Ok(()),
    }
    let replication = &mut instance.replication;
    let done = replication.reseeding.keys().filter(|shard| !shards.contains_key(shard));
    replication.reseeded.extend(done.map(|shard| (*shard, now)));
    replication.reseeding = shards;
    Ok(instance_row::save(connection, &instance)?)
}

/// Ends the leaving of an instance, and says which shards may still carry a point. Idempotent.
pub(crate) fn record_detached(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    rest: &BTreeSet<ShardIndex>,
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    match instance.replication.role {
        Role::Leaving => instance.replication.role = Role::None,
        Role::None => {}
        Role::Primary { .. } | Role::Secondary { .. } => return Ok(()),
    }
    instance.replication.uncleared.clone_from(rest);
    Ok(instance_row::save(connection, &instance)?)
}

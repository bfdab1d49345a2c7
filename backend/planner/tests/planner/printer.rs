//! Prints plans for people: one line per step, reason and condition.

use std::net::SocketAddrV4;

use valkyard_model::{
    Admission, ClusterSeed, Condition, DesiredInstance, Failure, InitialRole, LiveSettings, MoveWay, NodeAllocation, NodeId,
    NodeSerial, Plan, SeedNode, SeedRole, Step, WaitingOn,
};

pub(crate) fn print_plan(desired: &DesiredInstance, plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan.steps.iter().flat_map(|step| print_step(desired, step)).collect();
    let mut seeds: Vec<&ClusterSeed> = Vec::new();
    for step in &plan.steps {
        if let Step::PrepareNode { seed, .. } = step
            && !seeds.contains(&seed)
        {
            seeds.push(seed);
        }
    }
    lines.extend(seeds.into_iter().map(|seed| print_seed(desired, seed)));
    lines.extend(plan.waiting_on.iter().map(|reason| format!("waiting: {}", print_reason(reason))));
    lines.extend(plan.conditions.iter().map(|condition| format!("condition: {}", print_condition(condition))));
    lines.push(format!("look again in {:?}", plan.look_again_in));
    lines
}

fn print_admission(admission: Admission) -> &'static str {
    match admission {
        Admission::Clients => "",
        Admission::DaemonOnly => " for the daemon only",
    }
}

fn print_step(desired: &DesiredInstance, step: &Step) -> Vec<String> {
    let kind = step.kind();
    let line = match step {
        Step::AllocateNodes { nodes } => return nodes.iter().map(print_allocation).collect(),
        Step::PrepareNode { node, settings, admission, .. } => {
            let place = format!("{}:{} bus {} in {}", settings.ip, settings.port, settings.bus_port, settings.zone);
            format!("{kind} {node} at {place}{}", print_admission(*admission))
        }
        Step::StartProcess { node, engine, seed, load } => {
            let told = seed.as_ref().map_or_else(String::new, |seed| print_place(desired, *node, seed));
            let load = load.map_or_else(String::new, |source| format!(" on its {source:?}").to_lowercase());
            format!("{kind} {node} of {engine}{load}{told}")
        }
        Step::StopProcess { node, manner } => format!("{kind} {node}: {manner:?}"),
        Step::ShutDownEngine { node } | Step::RemoveFiles { node } | Step::TakeOver { node } | Step::SaveSnapshot { node } => {
            format!("{kind} {node}")
        }
        Step::Replicate { node, primary } => format!("{kind} {node} from {}", serial_of(desired, primary)),
        Step::Meet { node, peers } => {
            let peers: Vec<String> =
                peers.iter().map(|peer| format!("{} bus {}", node_at(desired, peer.client), peer.bus_port)).collect();
            format!("{kind} {node} and {}", peers.join(", "))
        }
        Step::OpenDiscovery { backends } => {
            let nodes: Vec<String> = backends.iter().map(|address| node_at(desired, *address)).collect();
            format!("{kind} to {}", nodes.join(" "))
        }
        Step::BeginBackup { .. } | Step::RecordBackup { .. } | Step::BeginImport { .. } => format!("{kind} {}", print_data(step)),
        Step::ConfirmImport { node } | Step::ClearPoint { node } => format!("{kind} of {node}"),
        Step::ForgetImport { node, surplus } => format!("{kind} of {node} {surplus:?}"),
        Step::EnsureLink { .. } | Step::EndLink { .. } | Step::SetReseeding { .. } => format!("{kind} {}", print_link(step)),
        Step::SwitchOver(step) => format!("{kind}: {step:?}"),
        Step::RecordDetached { rest } => format!("{kind} but for {rest:?}"),
        Step::CloseDiscovery | Step::RemoveInstance | Step::StopBackup | Step::StopImport => kind.to_string(),
        Step::RecordConverged { generation } => format!("{kind} of generation {generation}"),
        Step::AbandonBackup { failure: Failure { code, message }, .. }
        | Step::AbandonCreate { failure: Failure { code, message } }
        | Step::AbandonUpdate { failure: Failure { code, message } } => {
            format!("{kind}: {code:?}: {message}")
        }
        Step::FailOver { node } => format!("{kind} to {node}"),
        Step::MoveSlots { node, target, slots, way } => {
            format!("{kind} [{slots}] from {node} to {} {}", serial_of(desired, &target.id), print_way(desired, way))
        }
        Step::ClaimSlots { node, slots } => format!("{kind} [{slots}] for {node}"),
        Step::CopyFunctions { node, source } => format!("{kind} to {node} from {}", node_at(desired, *source)),
        Step::Configure { node, settings, .. } => {
            let values: Vec<String> =
                LiveSettings::wanted(settings).iter().map(|(key, value)| format!("{key}={value:?}")).collect();
            format!("{kind} {node}: {}", values.join(" "))
        }
        Step::Forget { node, peers } => {
            let peers: Vec<String> = peers.iter().map(|id| serial_of(desired, id)).collect();
            format!("{node} forgets {}", peers.join(" "))
        }
        Step::RetireNodes { nodes } | Step::ReleaseNodes { nodes } => {
            let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            format!("{kind} {}", nodes.join(" "))
        }
        Step::RecordDataLoss { shard, restored_to: None, .. } => format!("{kind} of {shard}"),
        Step::RecordDataLoss { shard, at, restored_to: Some(time) } => {
            format!("{kind} of {shard} in the last {}ms", (*at - *time).num_milliseconds())
        }
    };
    vec![line]
}

fn print_way(desired: &DesiredInstance, way: &MoveWay) -> String {
    match way {
        MoveWay::Atomic => "atomically".to_owned(),
        MoveWay::ByKeys { witnesses } => {
            let witnesses: Vec<String> = witnesses.iter().map(|address| node_at(desired, *address)).collect();
            format!("by keys, told to [{}]", witnesses.join(" "))
        }
    }
}

/// What steps about links are about.
fn print_link(step: &Step) -> String {
    if let Step::EnsureLink { shard, source, target } = step {
        return format!("of {shard} from {source} to {target}");
    }
    if let Step::SetReseeding { shards } = step {
        return format!("{shards:?}");
    }
    if let Step::EndLink { shard } = step {
        return format!("of {shard}");
    }
    step.node().map(|node| format!("of {node}")).unwrap_or_default()
}

/// What is moved by steps about whole data sets.
fn print_data(step: &Step) -> String {
    if let Step::BeginBackup { order, sources } = step {
        let sources: Vec<String> = sources.iter().map(|source| format!("{} of {}", source.node, source.shard)).collect();
        return format!("{} from {}", order.name.backup, sources.join(", "));
    }
    if let Step::RecordBackup { content, .. } = step {
        return format!("of {} keys", content.keys());
    }
    let Step::BeginImport { targets, .. } = step else { return String::new() };
    let targets: Vec<String> = targets.iter().map(|target| format!("[{}] to {}", target.slots, target.node)).collect();
    targets.join(", ")
}

/// What a seed tells a node of its own place.
fn print_place(desired: &DesiredInstance, node: NodeSerial, seed: &ClusterSeed) -> String {
    let own = desired.nodes.get(&node).map(|node| &node.id);
    let leads = |line: &SeedNode| Some(&line.id) == own && matches!(line.role, SeedRole::Primary { .. });
    if seed.nodes.iter().any(leads) {
        format!(", told to lead at epoch {}", seed.current_epoch.0)
    } else {
        ", told of the cluster".to_owned()
    }
}

fn print_allocation(node: &NodeAllocation) -> String {
    let role = match node.initial_role {
        InitialRole::Primary => "primary",
        InitialRole::Replica => "replica",
    };
    format!("allocate {}: {role} of {} in {} on port {} bus {}", node.serial, node.shard, node.zone, node.port, node.bus_port)
}

fn print_seed(desired: &DesiredInstance, seed: &ClusterSeed) -> String {
    let lines = seed.nodes.iter().map(|node| {
        let serial = serial_of(desired, &node.id);
        match &node.role {
            SeedRole::Primary { slots, epoch } => format!("{serial} primary of [{slots}] epoch {}", epoch.0),
            SeedRole::Replica { of } => format!("{serial} replica of {}", serial_of(desired, of)),
        }
    });
    format!("seed: {}; current epoch {}", lines.collect::<Vec<_>>().join(", "), seed.current_epoch.0)
}

fn print_reason(reason: &WaitingOn) -> String {
    match reason {
        WaitingOn::NodeToAnswer(node) => format!("{node} to answer"),
        WaitingOn::NodeToLoad(node) => format!("{node} to load"),
        WaitingOn::ClusterToAgree(node) => format!("the cluster to agree, says {node}"),
        WaitingOn::LogToBeWritten(node) => format!("the log of {node} to be written"),
        WaitingOn::SnapshotOf(shard) => format!("a snapshot of {shard}"),
        WaitingOn::BackupToBeTaken { shards, bytes } => format!("{shards} shards to be backed up, {bytes} bytes so far"),
        WaitingOn::BackupSourceOf(shard) => format!("{shard} to have a node to back up"),
        WaitingOn::DataToImport { bytes, bytes_total } => format!("data to be imported, {bytes} of {bytes_total} bytes"),
        WaitingOn::SourceToAnswer => "the source to answer".to_owned(),
        WaitingOn::StreamOf(shard) => format!("{shard} to follow"),
        WaitingOn::Reseeding(shard) => format!("{shard} to be seeded anew"),
        WaitingOn::LinkToEnd(shard) => format!("{shard} to part"),
        WaitingOn::Switchover => "the switchover".to_owned(),
        WaitingOn::WorkToStop => "work to stop".to_owned(),
        WaitingOn::DataToBeReadable(node) => format!("the data of {node} to be readable"),
        WaitingOn::DataToLoad(node) => format!("{node} to come back with the data"),
        WaitingOn::ReplicaToSync(node) => format!("replica {node} to sync"),
        WaitingOn::ProcessToExit(node) => format!("process of {node} to exit"),
        WaitingOn::HeirToBeReady(shard) => format!("an heir of {shard} to be ready"),
        WaitingOn::SlotsToMove { from, to, count } => format!("{count} slots to move from {from} to {to}"),
        WaitingOn::RoomIn(shard) => format!("room in {shard}"),
        WaitingOn::Replacement(shard) => format!("the replacement of {shard}"),
        WaitingOn::NodeToLeave(node) => format!("{node} to leave"),
        WaitingOn::ZoneToReturn(zone) => format!("zone {zone} to return"),
        WaitingOn::FailoverToSettle(shard) => format!("failover of {shard} to settle"),
        WaitingOn::Certainty(node) => format!("certainty about {node}"),
        WaitingOn::Retry { step, node: Some(node), kind } => format!("retry of {step} {node} after {kind:?}"),
        WaitingOn::Retry { step, node: None, kind } => format!("retry of {step} after {kind:?}"),
    }
}

fn print_condition(condition: &Condition) -> String {
    match condition {
        Condition::ShardDown(shard) => format!("{shard} is down"),
        Condition::ShardDegraded(shard) => format!("{shard} is degraded"),
        Condition::DataLost(shard) => format!("data of {shard} is lost"),
        Condition::DataUnreadable(node, words) => format!("data of {node} is unreadable: {words}"),
        Condition::LogTorn(node, words) => format!("the log of {node} was torn: {words}"),
        Condition::NotFollowing(shard, words) => format!("{shard} does not follow: {words}"),
        Condition::BeingReseeded(shard) => format!("{shard} is being seeded anew"),
        Condition::NotSaved(node) => format!("{node} cannot save its data"),
    }
}

fn serial_of(desired: &DesiredInstance, id: &NodeId) -> String {
    let node = desired.nodes.values().find(|node| node.id == *id);
    node.map_or_else(|| format!("stranger {id}"), |node| node.serial.to_string())
}

fn node_at(desired: &DesiredInstance, address: SocketAddrV4) -> String {
    let node = desired.nodes.values().find(|node| node.port.0 == address.port() && desired.address.ip == *address.ip());
    node.map_or_else(|| address.to_string(), |node| node.serial.to_string())
}

//! The end of an instance, wanted or after a failed creation: endpoint, processes, files, record.
//!
//! Works from every partial state. Its invariant: files go only when the process is certainly gone and nobody writes into them,
//! and the record goes only when nothing else is left.

use valkyard_model::{Seen, Step, WaitingOn};

use crate::backup;
use crate::cluster::{Cluster, Life, Node};
use crate::proposal::Proposal;
use crate::{following, import, stopping};

pub(crate) fn plan_teardown(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let is_closed = proposal.observed.discovery.is_absent();
    if !is_closed {
        proposal.propose(Step::CloseDiscovery);
    }
    if following::end_all(proposal) {
        return;
    }
    let is_imported = import::plan_end(proposal);
    let is_backed_up = backup::plan_end(cluster, proposal);
    if is_imported {
        return;
    }
    for node in cluster.nodes() {
        plan_removal(node, proposal);
    }
    if is_closed && !is_backed_up && cluster.nodes().all(is_gone) {
        proposal.propose(Step::RemoveInstance);
    }
}

fn plan_removal(node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let serial = node.serial();
    match (node.life(), &node.seen.files) {
        (Life::Alive, _) => stopping::plan_stop(node, proposal),
        (Life::Dead, Seen::Known(_)) => proposal.propose(Step::RemoveFiles { node: serial }),
        (Life::Dead, Seen::Absent) => {}
        (Life::Dead, Seen::Unknown) | (Life::Uncertain, _) => proposal.wait(WaitingOn::Certainty(serial)),
    }
}

fn is_gone(node: &Node<'_>) -> bool {
    node.is_dead() && node.seen.files.is_absent()
}

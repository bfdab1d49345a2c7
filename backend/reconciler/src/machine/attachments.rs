//! What this daemon holds for an instance beside its record: exit watches, the discovery endpoint, work in the background.

use std::collections::BTreeMap;

use futures::FutureExt;
use tokio_util::task::AbortOnDropHandle;
use valkyard_host::{ExitStatus, Forwarder, watch_exit};
use valkyard_model::{NodeSerial, Pid, ShardIndex};

use super::backup::BackupJob;
use super::import::ImportJob;
use super::streams::Stream;
use crate::supervisor::Wake;

#[derive(Debug)]
struct Watch {
    pid: Pid,
    task: AbortOnDropHandle<ExitStatus>,
}

/// Exit watches by node, the open discovery endpoint, and work on data.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    watches: BTreeMap<NodeSerial, Watch>,
    pub(super) discovery: Option<Forwarder>,
    pub(super) backup: Option<BackupJob>,
    pub(super) import: Option<ImportJob>,
    /// Links to this instance, by shard.
    pub(super) streams: BTreeMap<ShardIndex, Stream>,
}

impl Attachments {
    /// Makes sure that the end of this process wakes the instance's loop.
    pub(super) fn ensure_watched(&mut self, node: NodeSerial, pid: Pid, wake: &Wake) {
        if self.watches.get(&node).is_some_and(|watch| watch.pid == pid) {
            return;
        }
        let wake = wake.clone();
        let watching = async move {
            let status = watch_exit(pid).await;
            wake.look_again();
            status
        };
        self.watches.insert(node, Watch { pid, task: AbortOnDropHandle::new(tokio::spawn(watching)) });
    }

    /// Stops watching nodes for which `is_wanted` says no.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(NodeSerial) -> bool) {
        self.watches.retain(|node, _| is_wanted(*node));
    }

    /// How watched processes ended, told once.
    pub(super) fn take_exits(&mut self) -> BTreeMap<NodeSerial, ExitStatus> {
        let finished: Vec<_> = self.watches.extract_if(.., |_, watch| watch.task.is_finished()).collect();
        // Finished, so it is there at once; a watch that panicked tells nothing.
        finished.into_iter().filter_map(|(node, watch)| Some((node, watch.task.now_or_never()?.ok()?))).collect()
    }
}

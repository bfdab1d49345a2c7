//! Comparing a restored backup with what its manifest says.
//!
//! Keys may expire between the backup and the comparison, so what is compared then is what lasts. Deciding is pure; only the
//! asking is not.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    BackupStore, ContentDigest, Credentials, JobFailure, Manifest, Moved, PipelineError, Progress, RdbSummary, ShardRecord,
    StoreError, TapFormat, TapLimits, TapRequest, inspect_node, place_of,
};
use valkyard_engine::render::ADMIN_USER;
use valkyard_model::{BackupName, FaultKind, SLOT_COUNT, ShardIndex, SlotSet, even_shares};
use valkyard_planner::{ScratchNodes, Verdict};
use valkyard_store::Store;

use super::export::of_store;
use crate::memory::error_chain;

/// Everything that a comparison needs.
#[derive(Debug)]
pub(super) struct Comparing {
    pub(super) backups: BackupStore,
    /// The records that the manifest has to agree with.
    pub(super) store: Store,
    pub(super) backup: BackupName,
    pub(super) scratch: ScratchNodes,
}

impl Comparing {
    pub(super) async fn run(self, progress: Arc<Progress>, stop: CancellationToken) -> Result<Verdict, JobFailure> {
        let place = place_of(&self.backup);
        let manifest = self.backups.manifest(&place).await.map_err(of_store("the backup store"))?;
        let record = self.store.backup(&self.backup).await;
        let record = record.map_err(|error| JobFailure { kind: FaultKind::Transient, detail: error_chain(&error) })?;
        let is_it = record.is_some_and(|record| record.content().is_some_and(|content| manifest.matches(record.uid, content)));
        if !is_it {
            return Err(of_store("the backup store")(StoreError::Foreign { backup: place }));
        }
        let (bytes_total, keys_total) = (manifest.total_bytes(), manifest.total_keys());
        let (mut found, mut bytes, mut keys) = (Vec::new(), 0, 0);
        for (shard, address) in &self.scratch.nodes {
            let request = TapRequest {
                address: SocketAddr::V4(*address),
                credentials: Some(Credentials { user: ADMIN_USER.to_owned(), password: self.scratch.secret.expose().to_owned() }),
                format: TapFormat::Newest,
                limits: TapLimits::default(),
            };
            let told = |now: u64| progress.tell(Moved { bytes: bytes + now, bytes_total, keys, keys_total });
            let summary = inspect_node(&request, &stop, told).await.map_err(of_node(*shard))?;
            (bytes, keys) = (bytes + summary.bytes, keys + summary.keys);
            progress.tell(Moved { bytes, bytes_total, keys, keys_total });
            found.push((*shard, Content::of_summary(&summary)));
        }
        found.sort_by_key(|(shard, _)| *shard);
        Ok(compare(&recorded(&manifest), &found))
    }
}

fn of_node(shard: ShardIndex) -> impl Fn(PipelineError) -> JobFailure {
    move |error| JobFailure { kind: error.fault(), detail: format!("shard {shard}: {}", error_chain(&error)) }
}

/// What is in a file or a node, as far as it is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Content {
    keys: u64,
    digest: ContentDigest,
    keys_lasting: u64,
    digest_lasting: ContentDigest,
    expires: bool,
}

impl Content {
    fn of_record(record: &ShardRecord) -> Self {
        Self {
            keys: record.keys,
            digest: record.digest,
            keys_lasting: record.keys_lasting,
            digest_lasting: record.digest_lasting,
            expires: record.keys_expiring > 0 || record.first_expiry_ms.is_some(),
        }
    }

    fn of_summary(summary: &RdbSummary) -> Self {
        Self {
            keys: summary.keys,
            digest: summary.digest,
            keys_lasting: summary.keys_lasting,
            digest_lasting: summary.digest_lasting,
            expires: summary.keys_expiring > 0 || summary.first_expiry_ms.is_some(),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            keys: self.keys + other.keys,
            digest: self.digest + other.digest,
            keys_lasting: self.keys_lasting + other.keys_lasting,
            digest_lasting: self.digest_lasting + other.digest_lasting,
            expires: self.expires || other.expires,
        }
    }

    /// Keys and digest of what no time changes.
    fn lasting(self) -> (u64, ContentDigest) {
        if self.expires { (self.keys_lasting, self.digest_lasting) } else { (self.keys, self.digest) }
    }
}

fn recorded(manifest: &Manifest) -> Vec<(SlotSet, Content)> {
    manifest.shards.iter().map(|shard| (shard.slots.clone(), Content::of_record(shard))).collect()
}

/// Where the recorded slots are those that the shard of a new instance begins with, each shard is compared by itself, too.
fn compare(recorded: &[(SlotSet, Content)], found: &[(ShardIndex, Content)]) -> Verdict {
    if found.len() != recorded.len() || found.is_empty() {
        return Verdict::Different { detail: format!("{} shards were found instead of {}", found.len(), recorded.len()) };
    }
    let total_recorded = recorded.iter().map(|(_, content)| *content).fold(Content::default(), Content::and);
    let total_found = found.iter().map(|(_, content)| *content).fold(Content::default(), Content::and);
    // The found one says whether it is to be compared by what lasts: of keys that have expired since, nothing is left in it.
    let of = |content: Content| Content { expires: total_recorded.expires, ..content }.lasting();
    let ((keys_recorded, digest_recorded), (keys, digest)) = (of(total_recorded), of(total_found));
    if keys != keys_recorded {
        return Verdict::Different { detail: format!("{keys} keys were found instead of {keys_recorded}") };
    }
    if digest != digest_recorded {
        return Verdict::Different { detail: format!("{keys} keys have digest {digest} instead of {digest_recorded}") };
    }
    let shard_count = u16::try_from(found.len()).unwrap_or(SLOT_COUNT);
    for ((shard, found), share) in found.iter().zip(even_shares(shard_count)) {
        let share: SlotSet = [share].into_iter().collect();
        let same_slots = recorded.iter().find(|(slots, _)| *slots == share);
        if same_slots.is_some_and(|(_, recorded)| of(*recorded) != of(*found)) {
            return Verdict::Different { detail: format!("shard {shard} has other keys than were recorded for its slots") };
        }
    }
    let expiring = total_recorded.keys - total_recorded.keys_lasting;
    let detail = match total_recorded.expires {
        false => format!("{} shards, {keys} keys, digest {digest}", found.len()),
        true => format!(
            "{} shards, {keys} lasting keys, digest {digest}; {expiring} keys that expire, or have fields that do, were not compared",
            found.len()
        ),
    };
    Verdict::Equal { detail }
}

#[cfg(test)]
mod tests;

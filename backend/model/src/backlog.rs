//! How much of its replication stream a node keeps for those who were away.

use crate::{Access, ByteSize, NodeSettings, Part, PartSeen};

/// Share of `maxmemory` that the backlog may take. It counts towards `maxmemory`; a sixteenth lets replicas catch up after a
/// pause without costing a small node its room for data.
const DIVISOR: u64 = 16;
/// Its bounds: the engine's former default, and a minute of a busy primary's stream.
const BOUNDS: (u64, u64) = (1 << 20, 64 << 20);
/// The share of a member of a replication. A new secondary begins with a snapshot and goes on from there, so the backlog has
/// to hold what is written while that is copied, loaded and counted: about 5 s for each GiB on a machine of two processors (what
/// the benchmarks of backups and restores, which do the same work, showed there), in which a primary that is written to at 20
/// MB/s has written 100 MB. An eighth of the memory holds that for any size.
const MEMBER_DIVISOR: u64 = 8;
/// Its bounds: a small node still holds a second of a busy primary's stream, and a large one keeps its memory for data.
const MEMBER_BOUNDS: (u64, u64) = (16 << 20, 512 << 20);

impl Part {
    /// Bytes of its replication stream that a node with this much memory for data keeps.
    #[must_use]
    pub fn backlog(self, maxmemory: ByteSize) -> ByteSize {
        let (divisor, (least, most)) = match self {
            Self::None => (DIVISOR, BOUNDS),
            Self::Source | Self::Copy => (MEMBER_DIVISOR, MEMBER_BOUNDS),
        };
        ByteSize((maxmemory.0 / divisor).clamp(least, most))
    }
}

impl PartSeen {
    /// Whether a running node is set up for its instance's part. What the engine does not have or does not tell is as it should be.
    #[must_use]
    pub fn is_set_to(&self, settings: &NodeSettings) -> bool {
        let access = settings.part.access();
        self.access == access
            && self.imports.is_none_or(|imports| imports == (access == Access::ReadOnly))
            && self.backlog_bytes.is_none_or(|bytes| bytes == settings.backlog.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_keeps_more_of_its_stream_and_no_node_too_little_or_too_much() {
        let mebibytes = |part: Part, maxmemory: u64| part.backlog(ByteSize(maxmemory << 20)).0 >> 20;
        for (maxmemory, alone, member) in [(8, 1, 16), (64, 4, 16), (1 << 10, 64, 128), (1 << 16, 64, 512)] {
            let of = [Part::None, Part::Source, Part::Copy].map(|part| mebibytes(part, maxmemory));
            assert_eq!(of, [alone, member, member], "{maxmemory} MiB");
        }
    }
}

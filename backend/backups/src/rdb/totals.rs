//! What some keys amount to.

use super::digest::ContentDigest;
use super::summary::LargestKey;

/// Counts and digests of keys. Those of parts add up to those of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTotals {
    /// Keys. Collections without elements, which engines drop when they load a file, are not counted.
    pub keys: u64,
    /// Keys that expire as a whole at some time.
    pub keys_expiring: u64,
    /// Keys that never expire, neither as a whole nor in one of their fields.
    pub keys_lasting: u64,
    /// When the first key or field of a hash expires, in milliseconds since 1970.
    pub first_expiry_ms: Option<i64>,
    /// What the content of all keys is.
    pub digest: ContentDigest,
    /// What the content of the lasting keys is, which is the same however late it is looked at.
    pub digest_lasting: ContentDigest,
    /// The largest key.
    pub largest: Option<LargestKey>,
}

impl KeyTotals {
    /// Adds those of other keys.
    pub(crate) fn add(&mut self, other: &Self) {
        self.keys += other.keys;
        self.keys_expiring += other.keys_expiring;
        self.keys_lasting += other.keys_lasting;
        self.first_expiry_ms = earlier(self.first_expiry_ms, other.first_expiry_ms);
        self.digest += other.digest;
        self.digest_lasting += other.digest_lasting;
        if let Some(largest) = &other.largest
            && self.exceeded_by(largest.payload_bytes)
        {
            self.largest = Some(largest.clone());
        }
    }

    /// Whether a key of this size is larger than all seen so far.
    pub(super) fn exceeded_by(&self, payload_bytes: u64) -> bool {
        self.largest.as_ref().is_none_or(|largest| largest.payload_bytes < payload_bytes)
    }
}

/// The earlier of two times, of which there may be none.
pub(super) fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

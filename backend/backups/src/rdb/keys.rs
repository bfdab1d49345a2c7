//! The key at hand, and what all keys amount to.

use valkyard_model::slot_of_key;

use super::digest::{ContentDigest, Fingerprint};
use super::lzf::Lzf;
use super::packed::Element;
use super::strings::{Decimal, Sink};
use super::summary::{LargestKey, SlotMap};
use super::totals::{KeyTotals, earlier};

/// Longest part of a name or first line that is kept.
pub(super) const SHOWN_BYTES_MAX: usize = 256;
/// An engine packs a number of 20 digits, the longest it knows as one, into 10 bytes.
const PACKED_AT_MOST: u64 = 2;
/// Written for "never expires".
const NEVER: i64 = -1;

/// The kinds of values, as they enter the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    String = 0,
    List = 1,
    Set = 2,
    SortedSet = 3,
    Hash = 4,
    Stream = 5,
}

/// The content of one key. Ordered elements go to `ordered`; unordered ones each get a hash of their own, which add up.
#[derive(Default)]
pub(super) struct Content {
    pub(super) ordered: Fingerprint,
    pub(super) element: Fingerprint,
    pub(super) sum: ContentDigest,
    pub(super) count: u64,
    pub(super) payload_bytes: u64,
    pub(super) first_expiry_ms: Option<i64>,
}

impl Content {
    /// Ends the element at hand.
    pub(super) fn add_element(&mut self) {
        self.sum += self.element.take();
        self.count += 1;
    }

    pub(super) fn put_ordered(&mut self, element: Element<'_>) {
        let mut room = Decimal::of(0);
        let bytes = element.bytes(&mut room);
        self.ordered.put_element(bytes);
        self.payload_bytes += bytes.len() as u64;
    }

    pub(super) fn put_unordered(&mut self, element: Element<'_>) {
        let mut room = Decimal::of(0);
        let bytes = element.bytes(&mut room);
        self.element.put_element(bytes);
        self.payload_bytes += bytes.len() as u64;
    }

    /// The expiry of the hash field at hand.
    pub(super) fn put_field_expiry(&mut self, expiry_ms: Option<i64>) {
        self.element.put(&expiry_ms.unwrap_or(NEVER).to_le_bytes());
        self.first_expiry_ms = earlier(self.first_expiry_ms, expiry_ms);
    }

    /// The score of the member at hand; `false` when it is not a number. Zero has no sign: some encodings lose it.
    #[must_use]
    pub(super) fn put_score(&mut self, score: f64) -> bool {
        let score = if score == 0.0 { 0.0 } else { score };
        self.element.put_number(score.to_bits());
        self.payload_bytes += 8;
        !score.is_nan()
    }
}

/// What all keys amount to.
pub(super) struct Keys {
    pub(super) name: Vec<u8>,
    pub(super) packed: Vec<u8>,
    pub(super) lzf: Lzf,
    pub(super) content: Content,
    /// Who shall have the key at hand; 0 where nobody asks for owners.
    pub(super) owner: usize,
    /// For each owner; for all together where nobody asks for owners.
    pub(super) totals: Vec<KeyTotals>,
    pub(super) slots: SlotMap,
}

impl Keys {
    pub(super) fn new(owners: usize) -> Self {
        Self {
            name: Vec::new(),
            packed: Vec::new(),
            lzf: Lzf::new(),
            content: Content::default(),
            owner: 0,
            totals: vec![KeyTotals::default(); owners],
            slots: SlotMap::new(),
        }
    }

    /// Begins the key whose name was read.
    pub(super) fn begin(&mut self, database: u64, kind: Kind, expiry_ms: Option<i64>) {
        let content = &mut self.content;
        (content.sum, content.count, content.first_expiry_ms) = (ContentDigest::default(), 0, expiry_ms);
        content.payload_bytes = self.name.len() as u64;
        content.ordered.put_number(database);
        content.ordered.put(&[kind as u8]);
        content.ordered.put(&expiry_ms.unwrap_or(NEVER).to_le_bytes());
        content.ordered.put_element(&self.name);
    }

    /// Ends it. A collection without elements is no key.
    pub(super) fn end(&mut self, kind: Kind, expiry_ms: Option<i64>) {
        let content = &mut self.content;
        content.ordered.put_number(content.count);
        content.ordered.put(&content.sum.to_bytes());
        let hash = content.ordered.take();
        if content.count == 0 && !matches!(kind, Kind::String | Kind::Stream) {
            return;
        }
        let totals = &mut self.totals[self.owner];
        totals.digest += hash;
        totals.keys += 1;
        totals.keys_expiring += u64::from(expiry_ms.is_some());
        totals.first_expiry_ms = earlier(totals.first_expiry_ms, content.first_expiry_ms);
        if content.first_expiry_ms.is_none() {
            totals.keys_lasting += 1;
            totals.digest_lasting += hash;
        }
        self.slots.mark(slot_of_key(&self.name));
        if totals.exceeded_by(content.payload_bytes) {
            let (name, payload_bytes) = (self.name[..self.name.len().min(SHOWN_BYTES_MAX)].to_vec(), content.payload_bytes);
            let memory_bytes_min = if kind == Kind::String { payload_bytes } else { payload_bytes / PACKED_AT_MOST };
            totals.largest = Some(LargestKey { name, payload_bytes, memory_bytes_min });
        }
    }
}

/// Keeps the beginning of a string and the hash of all of it.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Fingerprint,
}

impl Sink for Beginning {
    fn begin(&mut self, _length: u64) {
        self.bytes.clear();
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = SHOWN_BYTES_MAX - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.hash.put(bytes);
    }
}

impl Beginning {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

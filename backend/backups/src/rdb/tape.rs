//! The bytes of keys and libraries, recorded while a file is read and sorted by who shall have them.
//!
//! The reader says where a key begins, when its slot is known, and where it ends; what it reads in between is recorded as it
//! came. Held are the beginning of a key up to its name, a library, and what was not collected yet.

use std::sync::Arc;

use super::error::RdbError;
use super::owners::Owners;
use super::summary::Library;

/// What is said of a key before it (when it expires, how it was used) takes 20 bytes at most.
const ATTRIBUTES_BYTES_MAX: usize = 64;

/// Records of one owner.
#[derive(Debug, Default)]
pub(crate) struct Part {
    bytes: Vec<u8>,
    /// Bytes up to the end of the last complete record.
    whole: usize,
}

impl Part {
    /// Bytes of complete records.
    pub(crate) fn whole(&self) -> usize {
        self.whole
    }

    /// Whether a record is not complete yet.
    pub(crate) fn is_open(&self) -> bool {
        self.whole < self.bytes.len()
    }

    /// Bytes of all.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The complete records; what follows them stays.
    pub(crate) fn take_whole(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.whole);
        self.whole = 0;
        std::mem::replace(&mut self.bytes, rest)
    }

    /// Everything.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        self.whole = 0;
        std::mem::take(&mut self.bytes)
    }
}

/// What was recorded and not collected yet.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// Of each owner.
    pub(crate) parts: Vec<Part>,
    /// Function libraries, with their records.
    pub(crate) libraries: Vec<(Library, Vec<u8>)>,
    /// Keys since the file began.
    pub(crate) keys: u64,
}

impl Recorded {
    /// Nothing so far, for this many owners.
    pub(crate) fn of(owners: usize) -> Self {
        Self { parts: std::iter::repeat_with(Part::default).take(owners).collect(), ..Self::default() }
    }
}

/// Where bytes go that are read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// They begin a key of which nobody knows yet whose it is.
    Head,
    Owner(usize),
    Library,
}

/// The recording of one file.
pub(super) struct Tape {
    owners: Arc<Owners>,
    place: Place,
    head: Vec<u8>,
    library: Vec<u8>,
    pub(super) recorded: Recorded,
}

impl Tape {
    pub(super) fn new(owners: Arc<Owners>) -> Self {
        Self { owners, place: Place::Nowhere, head: Vec::new(), library: Vec::new(), recorded: Recorded::default() }
    }

    /// Bytes that were read.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        match self.place {
            Place::Nowhere => {}
            Place::Head => self.head.extend_from_slice(bytes),
            Place::Owner(owner) => self.recorded.parts[owner].bytes.extend_from_slice(bytes),
            Place::Library => self.library.extend_from_slice(bytes),
        }
    }

    /// What follows belongs to a key.
    pub(super) fn begin_key(&mut self) {
        self.place = Place::Head;
    }

    /// What was said of a key is over; the key itself follows.
    pub(super) fn end_attribute(&mut self, offset: u64) -> Result<(), RdbError> {
        self.place = Place::Nowhere;
        let is_usual = self.head.len() <= ATTRIBUTES_BYTES_MAX;
        if is_usual { Ok(()) } else { Err(RdbError::Corrupt { offset, expected: "a key after what is said of it" }) }
    }

    /// The slot of the key is known; gives the owner.
    pub(super) fn route(&mut self, slot: u16, offset: u64) -> Result<usize, RdbError> {
        let owner = self.owners.of(slot).ok_or(RdbError::Unowned { offset, slot })?;
        self.recorded.parts[owner].bytes.append(&mut self.head);
        self.place = Place::Owner(owner);
        Ok(owner)
    }

    pub(super) fn end_key(&mut self, owner: usize) {
        let part = &mut self.recorded.parts[owner];
        part.whole = part.bytes.len();
        self.recorded.keys += 1;
        self.place = Place::Nowhere;
    }

    pub(super) fn begin_library(&mut self) {
        self.place = Place::Library;
    }

    pub(super) fn end_library(&mut self, library: &Library) {
        self.recorded.libraries.push((library.clone(), std::mem::take(&mut self.library)));
        self.place = Place::Nowhere;
    }
}

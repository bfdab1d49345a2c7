//! The digest of content: what a file holds, whatever its encoding, its order and its division into files.
//!
//! Each key has a hash of 128 bits (XXH3) over its database, name, kind, elements and expiry; the digest of many keys is the
//! sum of their hashes modulo 2^128, so digests of the parts add up to the digest of the whole. It tells accidents, not
//! forgery, for which a hash that is several times faster than a cryptographic one is enough: it reads along with every backup.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Hex digits of a digest.
const HEX_DIGITS: usize = 32;

/// A sum of hashes. Written as 32 hex digits, most significant first; the empty sum is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest {
    sum: u128,
}

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {HEX_DIGITS} hex digits")]
pub struct DigestError {
    /// The text.
    pub text: String,
}

impl ContentDigest {
    /// Its 16 bytes, least significant first.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        self.sum.to_le_bytes()
    }
}

impl Add for ContentDigest {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { sum: self.sum.wrapping_add(other.sum) }
    }
}

impl AddAssign for ContentDigest {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for ContentDigest {
    fn sum<I: Iterator<Item = Self>>(digests: I) -> Self {
        digests.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

impl FromStr for ContentDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let refuse = || DigestError { text: text.to_owned() };
        if text.len() != HEX_DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        u128::from_str_radix(text, 16).map(|sum| Self { sum }).map_err(|_not_hex| refuse())
    }
}

impl TryFrom<String> for ContentDigest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<ContentDigest> for String {
    fn from(digest: ContentDigest) -> Self {
        digest.to_string()
    }
}

/// Content is gathered up to here and then hashed at once: the hash is faster when it knows the end, most of all on short input.
const GATHERED_BYTES_MAX: usize = 16 << 10;

/// A hash in the making.
#[derive(Default)]
pub(super) struct Fingerprint {
    gathered: Vec<u8>,
    /// What did not fit into `gathered`.
    spilled: Option<Box<Xxh3>>,
}

impl Fingerprint {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.gathered.len() + bytes.len() > GATHERED_BYTES_MAX {
            let hasher = self.spilled.get_or_insert_default();
            hasher.update(&self.gathered);
            self.gathered.clear();
            if bytes.len() > GATHERED_BYTES_MAX {
                hasher.update(bytes);
                return;
            }
        }
        self.gathered.extend_from_slice(bytes);
    }

    pub(super) fn put_number(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
    }

    /// Bytes after their length, so that their end is certain.
    pub(super) fn put_element(&mut self, bytes: &[u8]) {
        self.put_number(bytes.len() as u64);
        self.put(bytes);
    }

    /// The hash, after which it begins anew.
    pub(super) fn take(&mut self) -> ContentDigest {
        let sum = match self.spilled.take() {
            Some(mut hasher) => {
                hasher.update(&self.gathered);
                hasher.digest128()
            }
            None => xxh3_128(&self.gathered),
        };
        self.gathered.clear();
        ContentDigest { sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(parts: &[&[u8]]) -> ContentDigest {
        let mut fingerprint = Fingerprint::default();
        parts.iter().for_each(|part| fingerprint.put(part));
        fingerprint.take()
    }

    #[test]
    fn sums_do_not_depend_on_the_order_and_carry_over() {
        let (a, b, c) = (hash_of(&[b"a"]), hash_of(&[b"b"]), hash_of(&[b"c"]));
        assert_eq!(a + b + c, c + (b + a));
        assert_eq!([a, b].into_iter().sum::<ContentDigest>(), a + b);
        let all_ones = ContentDigest { sum: u128::MAX };
        assert_eq!(all_ones + ContentDigest { sum: 1 }, ContentDigest::default());
    }

    #[test]
    fn a_hash_does_not_depend_on_how_the_bytes_came() {
        let long = vec![7; 3 * GATHERED_BYTES_MAX];
        let whole = hash_of(&[&long]);
        assert_eq!(whole, hash_of(&[&long[..1], &long[1..GATHERED_BYTES_MAX], &long[GATHERED_BYTES_MAX..]]));
        let mut fingerprint = Fingerprint::default();
        fingerprint.put(&long);
        fingerprint.take();
        fingerprint.put(b"a");
        assert_eq!(fingerprint.take(), hash_of(&[b"a"]), "it begins anew");
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = hash_of(&[b"a"]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(ContentDigest { sum: 1 }.to_string(), format!("{:032}", 1));
        assert!("12".parse::<ContentDigest>().is_err());
        assert!("+".repeat(32).parse::<ContentDigest>().is_err());
    }
}

//! The digest of content: what a file holds, whatever its encoding, its order and its division into files.
//!
//! Each key has a 256-bit hash over its database, name, kind, elements and expiry; the digest of many keys is the sum of
//! their hashes modulo 2^256, so digests of the parts add up to the digest of the whole. It tells accidents, not forgery:
//! sums of hashes can be forged with much effort, and nothing here is secret.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Hex digits of a digest.
const HEX_DIGITS: usize = 64;

/// A sum of hashes. Written as 64 hex digits, most significant first; the empty sum is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest {
    /// Least significant first.
    limbs: [u64; 4],
}

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {HEX_DIGITS} hex digits")]
pub struct DigestError {
    /// The text.
    pub text: String,
}

impl ContentDigest {
    fn of_hash(hash: blake3::Hash) -> Self {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *limb = u64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes"));
        }
        Self { limbs }
    }

    /// Its 32 bytes, least significant first.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (part, limb) in bytes.chunks_exact_mut(8).zip(self.limbs) {
            part.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }
}

impl Add for ContentDigest {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (mut limbs, mut carry) = ([0; 4], false);
        for (index, limb) in limbs.iter_mut().enumerate() {
            let (sum, over) = self.limbs[index].overflowing_add(other.limbs[index]);
            let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || over_by_carry);
        }
        Self { limbs }
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
        self.limbs.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

impl FromStr for ContentDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let refuse = || DigestError { text: text.to_owned() };
        if text.len() != HEX_DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        let mut limbs = [0; 4];
        for (index, limb) in limbs.iter_mut().rev().enumerate() {
            *limb = u64::from_str_radix(&text[index * 16..index * 16 + 16], 16).map_err(|_not_hex| refuse())?;
        }
        Ok(Self { limbs })
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

/// Content is gathered up to here and then hashed at once: the hash is several times faster on long input.
const GATHERED_BYTES_MAX: usize = 16 << 10;

/// A hash in the making.
#[derive(Default)]
pub(super) struct Fingerprint {
    gathered: Vec<u8>,
    hasher: Box<blake3::Hasher>,
    is_spilled: bool,
}

impl Fingerprint {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.gathered.len() + bytes.len() > GATHERED_BYTES_MAX {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
            self.is_spilled = true;
            if bytes.len() > GATHERED_BYTES_MAX {
                self.hasher.update(bytes);
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
        let hash = if self.is_spilled {
            let hash = self.hasher.update(&self.gathered).finalize();
            self.hasher.reset();
            hash
        } else {
            blake3::hash(&self.gathered)
        };
        self.is_spilled = false;
        self.gathered.clear();
        ContentDigest::of_hash(hash)
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
        let all_ones = ContentDigest { limbs: [u64::MAX; 4] };
        assert_eq!(all_ones + ContentDigest { limbs: [1, 0, 0, 0] }, ContentDigest::default());
        assert_eq!(all_ones + all_ones, ContentDigest { limbs: [u64::MAX - 1, u64::MAX, u64::MAX, u64::MAX] });
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
        assert_eq!(ContentDigest { limbs: [1, 0, 0, 0] }.to_string(), format!("{:064}", 1));
        assert!("12".parse::<ContentDigest>().is_err());
        assert!("+".repeat(64).parse::<ContentDigest>().is_err());
    }
}

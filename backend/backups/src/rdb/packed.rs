//! Elements of packed containers: the compact forms in which an engine keeps short collections, one string in the file.

use super::strings::Decimal;

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element<'p> {
    Bytes(&'p [u8]),
    Number(i64),
}

/// What no engine packs; says what it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl<'p> Element<'p> {
    /// As the client sees it; `room` holds the digits of a number.
    pub(super) fn bytes<'r>(&self, room: &'r mut Decimal) -> &'r [u8]
    where
        'p: 'r,
    {
        match *self {
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => {
                *room = Decimal::of(number);
                room.as_bytes()
            }
        }
    }

    /// As a number of the container's own, such as an id.
    pub(super) fn number(&self) -> Option<i64> {
        match *self {
            Self::Number(number) => Some(number),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok()?.parse().ok(),
        }
    }

    /// As a score.
    pub(super) fn score(&self) -> Option<f64> {
        match *self {
            // The engine packs as a number only what a double holds exactly.
            #[expect(clippy::cast_precision_loss, reason = "scores are doubles, and the engine reads them this way")]
            Self::Number(number) => Some(number as f64),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok()?.parse().ok(),
        }
    }
}

/// A cursor over packed bytes.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'p> {
    pub(super) left: &'p [u8],
}

impl<'p> Cursor<'p> {
    pub(super) fn take(&mut self, count: usize, expected: &'static str) -> Result<&'p [u8], Malformed> {
        let (taken, left) = self.left.split_at_checked(count).ok_or(Malformed(expected))?;
        self.left = left;
        Ok(taken)
    }

    pub(super) fn byte(&mut self, expected: &'static str) -> Result<u8, Malformed> {
        Ok(self.take(1, expected)?[0])
    }

    pub(super) fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Malformed> {
        let (taken, left) = self.left.split_first_chunk::<N>().ok_or(Malformed(expected))?;
        self.left = left;
        Ok(*taken)
    }

    pub(super) fn length_u32(&mut self, expected: &'static str) -> Result<usize, Malformed> {
        usize::try_from(u32::from_le_bytes(self.array(expected)?)).map_err(|_too_large| Malformed(expected))
    }

    /// A signed number of `N` bytes, least significant first.
    pub(super) fn signed<const N: usize>(&mut self, expected: &'static str) -> Result<i64, Malformed> {
        let bytes: [u8; N] = self.array(expected)?;
        let mut wide = [0; 8];
        wide[8 - N..].copy_from_slice(&bytes);
        Ok(i64::from_le_bytes(wide) >> (64 - 8 * N))
    }
}

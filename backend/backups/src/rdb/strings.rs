//! Lengths, strings and numbers as RDB files write them.

use super::digest::Fingerprint;
use super::error::RdbError;
use super::input::Input;
use super::lzf::{Lzf, WHOLE_BYTES_MAX};

/// The special ways to write a string.
const INT8: u8 = 0;
const INT16: u8 = 1;
const INT32: u8 = 2;
const LZF: u8 = 3;
/// The two bits that announce one of them.
const SPECIAL: u8 = 3;
/// Lengths that follow in four and in eight bytes.
const IN_32_BITS: u8 = 0x80;
const IN_64_BITS: u8 = 0x81;
/// One compressed byte cannot become more than this many: three make 264.
const LZF_GAIN_MAX: u64 = 88;
/// Memory is taken in steps while bytes come; a first step for what is short anyway.
const FIRST_STEP_BYTES: u64 = 4 << 10;

/// Where the bytes of a string go.
pub(super) trait Sink {
    /// A string of this length begins.
    fn begin(&mut self, length: u64);
    /// Some of its bytes.
    fn put(&mut self, bytes: &[u8]);
}

/// Replaces what it held.
impl Sink for Vec<u8> {
    fn begin(&mut self, length: u64) {
        self.clear();
        self.reserve(usize::try_from(length.min(FIRST_STEP_BYTES)).unwrap_or_default());
    }

    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Appends an element.
impl Sink for Fingerprint {
    fn begin(&mut self, length: u64) {
        self.put_number(length);
    }

    fn put(&mut self, bytes: &[u8]) {
        Self::put(self, bytes);
    }
}

/// A length, or one of the special forms of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Plain(u64),
    Special(u8),
}

/// A number as the engine writes it out. Longest is `-9223372036854775808`.
pub(super) struct Decimal {
    digits: [u8; 20],
    from: usize,
}

impl Decimal {
    pub(super) fn of(number: i64) -> Self {
        let (mut digits, mut from, mut left) = ([0; 20], 20, number.unsigned_abs());
        loop {
            from -= 1;
            digits[from] = b'0' + u8::try_from(left % 10).expect("below ten");
            left /= 10;
            if left == 0 {
                break;
            }
        }
        if number < 0 {
            from -= 1;
            digits[from] = b'-';
        }
        Self { digits, from }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.digits[self.from..]
    }
}

impl Input {
    pub(super) async fn length_or_special(&mut self, expected: &'static str) -> Result<Length, RdbError> {
        // Most lengths are one byte, and most bytes are there: waiting for each would take a tenth of all time.
        let first = match self.byte_at_hand() {
            Some(first) => first,
            None => self.byte(expected).await?,
        };
        Ok(match first >> 6 {
            0 => Length::Plain(u64::from(first)),
            1 => Length::Plain(u64::from(first & 0x3f) << 8 | u64::from(self.byte(expected).await?)),
            SPECIAL => Length::Special(first & 0x3f),
            _ => Length::Plain(match first {
                IN_32_BITS => u64::from(u32::from_be_bytes(self.array(expected).await?)),
                IN_64_BITS => u64::from_be_bytes(self.array(expected).await?),
                _ => return Err(self.corrupt("a length in 6, 14, 32 or 64 bits")),
            }),
        })
    }

    pub(super) async fn length(&mut self, expected: &'static str) -> Result<u64, RdbError> {
        match self.length_or_special(expected).await? {
            Length::Plain(length) => Ok(length),
            Length::Special(_) => Err(self.corrupt(expected)),
        }
    }

    /// The next string, into `sink`; gives its length in bytes.
    pub(super) async fn string(&mut self, sink: &mut impl Sink, lzf: &mut Lzf, expected: &'static str) -> Result<u64, RdbError> {
        let number = match self.length_or_special(expected).await? {
            Length::Plain(length) => {
                sink.begin(length);
                self.raw(length, sink, expected).await?;
                return Ok(length);
            }
            Length::Special(INT8) => i64::from(i8::from_le_bytes(self.array(expected).await?)),
            Length::Special(INT16) => i64::from(i16::from_le_bytes(self.array(expected).await?)),
            Length::Special(INT32) => i64::from(i32::from_le_bytes(self.array(expected).await?)),
            Length::Special(LZF) => return self.compressed(sink, lzf, expected).await,
            Length::Special(_) => return Err(self.corrupt("a string as bytes, as a number or compressed")),
        };
        let decimal = Decimal::of(number);
        let digits = decimal.as_bytes();
        sink.begin(digits.len() as u64);
        sink.put(digits);
        Ok(digits.len() as u64)
    }

    async fn raw(&mut self, length: u64, sink: &mut impl Sink, expected: &'static str) -> Result<(), RdbError> {
        let mut left = length;
        while left > 0 {
            let part = self.some(left, expected).await?;
            left -= part.len() as u64;
            sink.put(part);
        }
        Ok(())
    }

    async fn compressed(&mut self, sink: &mut impl Sink, lzf: &mut Lzf, expected: &'static str) -> Result<u64, RdbError> {
        let mut left = self.length(expected).await?;
        let length = self.length(expected).await?;
        let offset = self.offset();
        let corrupt = || RdbError::Corrupt { offset, expected: "an LZF-compressed string of the length that it states" };
        if length > left.saturating_mul(LZF_GAIN_MAX) {
            return Err(corrupt());
        }
        sink.begin(length);
        if length <= WHOLE_BYTES_MAX && self.at_hand() >= left {
            let plain_bytes = usize::try_from(length).expect("a string at hand is short");
            lzf.whole(self.some(left, expected).await?, plain_bytes, |plain| sink.put(plain)).map_err(|_not_lzf| corrupt())?;
            return Ok(length);
        }
        lzf.begin(length);
        while left > 0 {
            let part = self.some(left, expected).await?;
            left -= part.len() as u64;
            lzf.feed(part, |plain| sink.put(plain)).map_err(|_not_lzf| corrupt())?;
        }
        lzf.end(|plain| sink.put(plain)).map_err(|_not_lzf| corrupt())?;
        Ok(length)
    }
}

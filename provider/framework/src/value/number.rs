//! Numbers of any size, exact in decimal.
//!
//! Owns [`Number`]. The codecs and the validators call it. Invariant: a number that is an `i64` is always held
//! as one, so equality is structural. It never rounds: a value that went through it comes out digit by digit.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::{BigDecimal, ToPrimitive};

/// Longest decimal text accepted; Terraform itself keeps 512 bits, which is 155 digits.
const TEXT_LEN_MAX: usize = 4096;

/// Largest accepted power of ten: far above `f64` (308), small enough that writing it out stays harmless.
const EXPONENT_MAX: i64 = 4096;

/// A number: an integer or decimal of any size, or an infinity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Repr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Repr {
    NegativeInfinity,
    Int(i64),
    Decimal(BigDecimal),
    PositiveInfinity,
}

/// Why a text or float is no number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NumberError {
    /// The text is not in decimal notation.
    #[error("`{0}` is not a number")]
    Malformed(String),
    /// More digits or a larger exponent than accepted.
    #[error("a number has more than {TEXT_LEN_MAX} digits or an exponent beyond {EXPONENT_MAX}")]
    TooLarge,
    /// A float that is "not a number".
    #[error("NaN is not a number")]
    NotANumber,
}

impl Number {
    /// Positive infinity.
    pub const INFINITY: Self = Self(Repr::PositiveInfinity);
    /// Negative infinity.
    pub const NEG_INFINITY: Self = Self(Repr::NegativeInfinity);

    /// The exact value of `float`.
    ///
    /// # Errors
    /// Fails for NaN.
    pub fn from_f64(float: f64) -> Result<Self, NumberError> {
        if float.is_nan() {
            return Err(NumberError::NotANumber);
        }
        if float.is_infinite() {
            return Ok(if float > 0.0 { Self::INFINITY } else { Self::NEG_INFINITY });
        }
        let decimal = BigDecimal::try_from(float).map_err(|_| NumberError::NotANumber)?;
        Ok(Self::from_decimal(decimal))
    }

    /// A decimal of any size.
    #[must_use]
    pub fn from_decimal(decimal: BigDecimal) -> Self {
        if decimal.is_integer()
            && let Some(int) = decimal.to_i64()
        {
            return Self(Repr::Int(int));
        }
        Self(Repr::Decimal(decimal.normalized()))
    }

    /// The value as `i64`, if it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Repr::Int(int) = self.0 { Some(int) } else { None }
    }

    /// Whether this is a whole number.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Decimal(decimal) => decimal.is_integer(),
            Repr::NegativeInfinity | Repr::PositiveInfinity => false,
        }
    }

    /// The nearest float.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::NegativeInfinity => f64::NEG_INFINITY,
            Repr::PositiveInfinity => f64::INFINITY,
            Repr::Int(_) | Repr::Decimal(_) => self.to_string().parse().expect("decimal notation is valid float notation"),
        }
    }

    /// The value as a float when no digit is lost by it; infinities count as exact.
    #[must_use]
    pub fn exact_f64(&self) -> Option<f64> {
        let float = self.to_f64();
        match Self::from_f64(float) {
            Ok(back) if back == *self => Some(float),
            Ok(_) | Err(_) => None,
        }
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<u64> for Number {
    fn from(int: u64) -> Self {
        i64::try_from(int).map_or_else(|_| Self(Repr::Decimal(BigDecimal::from(int))), Self::from)
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if let Ok(int) = text.parse::<i64>() {
            return Ok(Self::from(int));
        }
        match text {
            "Inf" | "+Inf" | "Infinity" | "+Infinity" => return Ok(Self::INFINITY),
            "-Inf" | "-Infinity" => return Ok(Self::NEG_INFINITY),
            _ => {}
        }
        if text.len() > TEXT_LEN_MAX {
            return Err(NumberError::TooLarge);
        }
        let malformed = || NumberError::Malformed(text.to_owned());
        if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
            return Err(malformed());
        }
        if let Some((_, exponent)) = text.split_once(['e', 'E']) {
            let exponent: i64 = exponent.parse().map_err(|_| malformed())?;
            if exponent.abs() > EXPONENT_MAX {
                return Err(NumberError::TooLarge);
            }
        }
        BigDecimal::from_str(text).map(Self::from_decimal).map_err(|_| malformed())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::NegativeInfinity => f.write_str("-Inf"),
            Repr::PositiveInfinity => f.write_str("Inf"),
            Repr::Int(int) => write!(f, "{int}"),
            Repr::Decimal(decimal) => f.write_str(&decimal.to_plain_string()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(b),
            (Repr::Int(a), Repr::Decimal(b)) => BigDecimal::from(*a).cmp(b),
            (Repr::Decimal(a), Repr::Int(b)) => a.cmp(&BigDecimal::from(*b)),
            (Repr::Decimal(a), Repr::Decimal(b)) => a.cmp(b),
            (Repr::NegativeInfinity, Repr::NegativeInfinity) | (Repr::PositiveInfinity, Repr::PositiveInfinity) => {
                Ordering::Equal
            }
            (Repr::NegativeInfinity, _) | (_, Repr::PositiveInfinity) => Ordering::Less,
            (Repr::PositiveInfinity, _) | (_, Repr::NegativeInfinity) => Ordering::Greater,
        }
    }
}

//! Reading.
//!
//! See the parent module. It accepts every integer, float and string form of a number, and any extension as an
//! unknown value.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a marker is any byte; those that are not wanted at a place are one and the same error"
)]

use std::collections::BTreeMap;

use rmp::Marker;

use super::{DEPTH_MAX, EXT_REFINED, REFINED_LEN_MAX, unknown};
use crate::path::{AttributePath, Step};
use crate::value::{Number, NumberError, Object, ObjectType, Type, TypeError, Value, nfc};

/// Why bytes are no value of the type.
#[derive(Debug, thiserror::Error)]
#[error("failed to decode the value at `{path}`")]
pub struct DecodeError {
    /// Where in the value.
    pub path: AttributePath,
    /// What is wrong there.
    #[source]
    pub problem: DecodeProblem,
}

/// What is wrong with the bytes.
#[derive(Debug, thiserror::Error)]
pub enum DecodeProblem {
    /// The bytes end early.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// Bytes are left after the value.
    #[error("{0} bytes are left after the value")]
    Trailing(usize),
    /// Another kind than the type asks for.
    #[error("expected {expected}, found MessagePack {found:?}")]
    Kind {
        /// The type's name.
        expected: &'static str,
        /// The marker that is there.
        found: Marker,
    },
    /// Text that is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8(#[source] std::str::Utf8Error),
    /// A number that cannot be read.
    #[error("a number cannot be read")]
    Number(#[source] NumberError),
    /// The type of a dynamic value cannot be read.
    #[error("the type of a dynamic value cannot be read")]
    Type(#[source] TypeError),
    /// An object without one of its attributes.
    #[error("the attribute `{0}` is missing")]
    MissingAttribute(String),
    /// An object with a name that its type does not have.
    #[error("unsupported attribute `{0}`")]
    UnsupportedAttribute(String),
    /// A tuple of the wrong length.
    #[error("a tuple has {found} elements where {expected} are expected")]
    TupleLength {
        /// By the type.
        expected: usize,
        /// In the bytes.
        found: usize,
    },
    /// A refined unknown that breaks the rules.
    #[error("the refinements of an unknown value cannot be read")]
    Refinement,
    /// Too deep.
    #[error("values are nested more than {DEPTH_MAX} deep")]
    Depth,
}

impl DecodeProblem {
    pub(super) fn here(self) -> DecodeError {
        DecodeError { path: AttributePath::root(), problem: self }
    }
}

impl DecodeError {
    fn under(mut self, step: Step) -> Self {
        self.path.prepend(step);
        self
    }
}

/// Reads one value of type `ty` that takes up all of `bytes`.
///
/// # Errors
/// Fails with the path of the first part that does not fit the type.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(ty, 0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(DecodeProblem::Trailing(reader.rest.len()).here()) }
}

pub(super) struct Reader<'b> {
    pub(super) rest: &'b [u8],
}

type Read<T> = Result<T, DecodeError>;

impl<'b> Reader<'b> {
    fn peek(&self) -> Read<Marker> {
        self.rest.first().map(|byte| Marker::from_u8(*byte)).ok_or_else(|| DecodeProblem::Truncated.here())
    }

    fn take(&mut self, count: usize) -> Read<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| DecodeProblem::Truncated.here())?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("exactly N bytes were taken"))
    }

    fn marker(&mut self) -> Read<Marker> {
        Ok(Marker::from_u8(self.take(1)?[0]))
    }

    fn len8(&mut self) -> Read<usize> {
        Ok(usize::from(self.array::<1>()?[0]))
    }

    fn len16(&mut self) -> Read<usize> {
        Ok(usize::from(u16::from_be_bytes(self.array()?)))
    }

    fn len32(&mut self) -> Read<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| DecodeProblem::Truncated.here())
    }

    pub(super) fn value(&mut self, ty: &Type, depth: usize) -> Read<Value> {
        if depth > DEPTH_MAX {
            return Err(DecodeProblem::Depth.here());
        }
        match self.peek()? {
            Marker::Null => {
                self.marker()?;
                return Ok(Value::Null);
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => return self.unknown(),
            _ => {}
        }
        match ty {
            Type::Bool => self.bool(),
            Type::Number => self.number().map(Value::Number),
            Type::String => Ok(Value::String(nfc(self.text("a string")?.to_owned()))),
            Type::List(element) => Ok(Value::List(self.elements(element, depth)?)),
            Type::Set(element) => Ok(Value::set(self.elements(element, depth)?)),
            Type::Tuple(types) => self.tuple(types, depth),
            Type::Map(element) => self.map(element, depth),
            Type::Object(object) => self.object(object, depth),
            Type::Dynamic => self.dynamic(depth),
        }
    }

    fn unknown(&mut self) -> Read<Value> {
        let len = match self.marker()? {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.len8()?,
            Marker::Ext16 => self.len16()?,
            _ => self.len32()?,
        };
        let kind = i8::from_be_bytes(self.array()?);
        let body = self.take(len)?;
        if kind != EXT_REFINED || len <= 1 {
            return Ok(Value::unknown());
        }
        if len > REFINED_LEN_MAX {
            return Err(DecodeProblem::Refinement.here());
        }
        unknown::decode(body).map(Value::Unknown)
    }

    pub(super) fn bool(&mut self) -> Read<Value> {
        match self.marker()? {
            Marker::True => Ok(Value::Bool(true)),
            Marker::False => Ok(Value::Bool(false)),
            found => Err(DecodeProblem::Kind { expected: "a boolean", found }.here()),
        }
    }

    pub(super) fn number(&mut self) -> Read<Number> {
        let wrong = |problem| DecodeProblem::Number(problem).here();
        let number = match self.peek()? {
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                return self.text("a number")?.parse().map_err(wrong);
            }
            Marker::F32 => {
                self.marker()?;
                return Number::from_f64(f64::from(f32::from_be_bytes(self.array()?))).map_err(wrong);
            }
            Marker::F64 => {
                self.marker()?;
                return Number::from_f64(f64::from_be_bytes(self.array()?)).map_err(wrong);
            }
            _ => self.integer()?,
        };
        Ok(number)
    }

    fn integer(&mut self) -> Read<Number> {
        let int = match self.marker()? {
            Marker::FixPos(n) => i64::from(n),
            Marker::FixNeg(n) => i64::from(n),
            Marker::I8 => i64::from(i8::from_be_bytes(self.array()?)),
            Marker::I16 => i64::from(i16::from_be_bytes(self.array()?)),
            Marker::I32 => i64::from(i32::from_be_bytes(self.array()?)),
            Marker::I64 => i64::from_be_bytes(self.array()?),
            Marker::U8 => i64::from(u8::from_be_bytes(self.array()?)),
            Marker::U16 => i64::from(u16::from_be_bytes(self.array()?)),
            Marker::U32 => i64::from(u32::from_be_bytes(self.array()?)),
            Marker::U64 => return Ok(Number::from(u64::from_be_bytes(self.array()?))),
            found => return Err(DecodeProblem::Kind { expected: "a number", found }.here()),
        };
        Ok(Number::from(int))
    }

    pub(super) fn text(&mut self, expected: &'static str) -> Read<&'b str> {
        let len = match self.marker()? {
            Marker::FixStr(len) => usize::from(len),
            Marker::Str8 | Marker::Bin8 => self.len8()?,
            Marker::Str16 | Marker::Bin16 => self.len16()?,
            Marker::Str32 | Marker::Bin32 => self.len32()?,
            found => return Err(DecodeProblem::Kind { expected, found }.here()),
        };
        std::str::from_utf8(self.take(len)?).map_err(|e| DecodeProblem::Utf8(e).here())
    }

    pub(super) fn array_len(&mut self, expected: &'static str) -> Read<usize> {
        match self.marker()? {
            Marker::FixArray(len) => Ok(usize::from(len)),
            Marker::Array16 => self.len16(),
            Marker::Array32 => self.len32(),
            found => Err(DecodeProblem::Kind { expected, found }.here()),
        }
    }

    pub(super) fn map_len(&mut self, expected: &'static str) -> Read<usize> {
        match self.marker()? {
            Marker::FixMap(len) => Ok(usize::from(len)),
            Marker::Map16 => self.len16(),
            Marker::Map32 => self.len32(),
            found => Err(DecodeProblem::Kind { expected, found }.here()),
        }
    }

    fn elements(&mut self, ty: &Type, depth: usize) -> Read<Vec<Value>> {
        let len = self.array_len("a list or set")?;
        // Each element takes at least one byte, so a false length cannot make us reserve more than came in.
        let mut items = Vec::with_capacity(len.min(self.rest.len()));
        for index in 0..len {
            items.push(self.value(ty, depth + 1).map_err(|e| e.under(Step::Index(index)))?);
        }
        Ok(items)
    }

    fn tuple(&mut self, types: &[Type], depth: usize) -> Read<Value> {
        let found = self.array_len("a tuple")?;
        if found != types.len() {
            return Err(DecodeProblem::TupleLength { expected: types.len(), found }.here());
        }
        let items =
            types.iter().enumerate().map(|(index, ty)| self.value(ty, depth + 1).map_err(|e| e.under(Step::Index(index))));
        Ok(Value::Tuple(items.collect::<Result<_, _>>()?))
    }

    fn map(&mut self, ty: &Type, depth: usize) -> Read<Value> {
        let mut entries = BTreeMap::new();
        for _ in 0..self.map_len("a map")? {
            let key = nfc(self.text("a map key")?.to_owned());
            let value = self.value(ty, depth + 1).map_err(|e| e.under(Step::Key(key.clone())))?;
            entries.insert(key, value);
        }
        Ok(Value::Map(entries))
    }

    fn object(&mut self, ty: &ObjectType, depth: usize) -> Read<Value> {
        let mut object = Object::new();
        for _ in 0..self.map_len("an object")? {
            let name = self.text("an attribute name")?;
            let Some(attribute) = ty.attributes.get(name) else {
                return Err(DecodeProblem::UnsupportedAttribute(name.to_owned()).here());
            };
            let value = self.value(attribute, depth + 1).map_err(|e| e.under(Step::Attribute(name.to_owned())))?;
            object.set(name, value);
        }
        if object.len() < ty.attributes.len() {
            let missing = ty.attributes.keys().find(|name| object.value_if_present(name).is_none());
            let missing = missing.expect("fewer attributes than the type has leave one out").clone();
            return Err(DecodeProblem::MissingAttribute(missing).here());
        }
        Ok(Value::Object(object))
    }

    fn dynamic(&mut self, depth: usize) -> Read<Value> {
        let found = self.array_len("a dynamic value")?;
        if found != 2 {
            return Err(DecodeProblem::TupleLength { expected: 2, found }.here());
        }
        let json = self.text("the type of a dynamic value")?;
        let ty = Type::from_json(json.as_bytes()).map_err(|e| DecodeProblem::Type(e).here())?;
        let value = self.value(&ty, depth + 1)?;
        Ok(Value::dynamic(ty, value))
    }
}

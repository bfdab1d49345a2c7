//! Unknown values and their refinements on the wire.
//!
//! Called by reader and writer. Invariants: nothing certain is written as extension 0; a body never exceeds the
//! limit, facts that do not fit are left out (a plan may say less, never something false); keys of newer
//! versions are skipped.

use rmp::Marker;
use rmp::encode::{self, ByteBuf};

use super::decode::{DecodeError, DecodeProblem, Reader};
use super::encode::write_number;
use super::{EXT_REFINED, EXT_UNKNOWN, PREFIX_LEN_MAX, REFINED_LEN_MAX};
use crate::value::{NumberBound, Refinements, Value};

const KEY_NULLNESS: i64 = 1;
const KEY_PREFIX: i64 = 2;
const KEY_NUMBER_MIN: i64 = 3;
const KEY_NUMBER_MAX: i64 = 4;
const KEY_LENGTH_MIN: i64 = 5;
const KEY_LENGTH_MAX: i64 = 6;

const IN_MEMORY: &str = "writing into memory does not fail";

pub(super) fn encode_plain(out: &mut ByteBuf) {
    encode::write_ext_meta(out, 1, EXT_UNKNOWN).expect(IN_MEMORY);
    out.as_mut_vec().push(0);
}

pub(super) fn encode(refinements: &Refinements, out: &mut ByteBuf) {
    let mut facts: Vec<Vec<u8>> = Vec::new();
    if refinements.is_not_null() {
        facts.push(fact(KEY_NULLNESS, |b| encode::write_bool(b, false).expect(IN_MEMORY)));
    }
    let (length_min, length_max) = refinements.length_bounds();
    for (key, length) in [(KEY_LENGTH_MIN, length_min), (KEY_LENGTH_MAX, length_max)] {
        if let Some(length) = length {
            facts.push(fact(key, |b| {
                encode::write_uint(b, length).expect(IN_MEMORY);
            }));
        }
    }
    let (number_min, number_max) = refinements.number_bounds();
    for (key, bound) in [(KEY_NUMBER_MIN, number_min), (KEY_NUMBER_MAX, number_max)] {
        if let Some(bound) = bound {
            facts.push(fact(key, |b| write_bound(bound, b)));
        }
    }
    if let Some(prefix) = refinements.prefix() {
        let prefix = &prefix[..prefix.floor_char_boundary(PREFIX_LEN_MAX)];
        facts.push(fact(KEY_PREFIX, |b| encode::write_str(b, prefix).expect(IN_MEMORY)));
    }
    let mut left = REFINED_LEN_MAX - 1;
    facts.retain(|fact| {
        let fits = fact.len() <= left;
        left -= if fits { fact.len() } else { 0 };
        fits
    });
    if facts.is_empty() {
        return encode_plain(out);
    }
    let mut body = ByteBuf::new();
    encode::write_map_len(&mut body, u32::try_from(facts.len()).expect("there are six keys")).expect(IN_MEMORY);
    for fact in facts {
        body.as_mut_vec().extend(fact);
    }
    let body = body.into_vec();
    let len = u32::try_from(body.len()).expect("a body has at most 1024 bytes");
    encode::write_ext_meta(out, len, EXT_REFINED).expect(IN_MEMORY);
    out.as_mut_vec().extend(body);
}

fn fact(key: i64, write: impl FnOnce(&mut ByteBuf)) -> Vec<u8> {
    let mut out = ByteBuf::new();
    encode::write_sint(&mut out, key).expect(IN_MEMORY);
    write(&mut out);
    out.into_vec()
}

fn write_bound(bound: &NumberBound, out: &mut ByteBuf) {
    encode::write_array_len(out, 2).expect(IN_MEMORY);
    write_number(&bound.value, out);
    encode::write_bool(out, bound.inclusive).expect(IN_MEMORY);
}

pub(super) fn decode(body: &[u8]) -> Result<Refinements, DecodeError> {
    let mut reader = Reader { rest: body };
    let mut refinements = Refinements::new();
    for _ in 0..reader.map_len("refinements")? {
        let key = reader.number()?.as_i64().ok_or_else(|| DecodeProblem::Refinement.here())?;
        refinements = match key {
            // true would mean "is null", which is sent as null; there is nothing to refine.
            KEY_NULLNESS if reader.bool()? == Value::Bool(false) => refinements.not_null(),
            KEY_NULLNESS => refinements,
            KEY_PREFIX => refinements.string_prefix(reader.text("a string prefix")?),
            KEY_NUMBER_MIN => refinements.number_min(bound(&mut reader)?),
            KEY_NUMBER_MAX => refinements.number_max(bound(&mut reader)?),
            KEY_LENGTH_MIN => refinements.length_min(length(&mut reader)?),
            KEY_LENGTH_MAX => refinements.length_max(length(&mut reader)?),
            _ => {
                skip(&mut reader, 0)?;
                refinements
            }
        };
    }
    Ok(refinements)
}

fn bound(reader: &mut Reader<'_>) -> Result<NumberBound, DecodeError> {
    if reader.array_len("a number bound")? != 2 {
        return Err(DecodeProblem::Refinement.here());
    }
    let value = reader.number()?;
    let inclusive = reader.bool()? == Value::Bool(true);
    Ok(NumberBound { value, inclusive })
}

fn length(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let length = reader.number()?.as_i64().and_then(|n| u64::try_from(n).ok());
    length.ok_or_else(|| DecodeProblem::Refinement.here())
}

/// Passes over a value of any kind that newer versions may put here.
fn skip(reader: &mut Reader<'_>, depth: usize) -> Result<(), DecodeError> {
    if depth > super::DEPTH_MAX {
        return Err(DecodeProblem::Depth.here());
    }
    match reader.rest.first().map(|byte| Marker::from_u8(*byte)) {
        Some(Marker::Null) => reader.rest = &reader.rest[1..],
        Some(Marker::True | Marker::False) => {
            reader.bool()?;
        }
        Some(Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 | Marker::Bin8 | Marker::Bin16 | Marker::Bin32) => {
            reader.text("text")?;
        }
        Some(Marker::FixArray(_) | Marker::Array16 | Marker::Array32) => {
            for _ in 0..reader.array_len("an array")? {
                skip(reader, depth + 1)?;
            }
        }
        Some(Marker::FixMap(_) | Marker::Map16 | Marker::Map32) => {
            for _ in 0..reader.map_len("a map")? {
                skip(reader, depth + 1)?;
                skip(reader, depth + 1)?;
            }
        }
        _ => {
            reader.number()?;
        }
    }
    Ok(())
}

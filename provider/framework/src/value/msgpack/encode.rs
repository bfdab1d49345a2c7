//! Writing.
//!
//! See the parent module. Values are brought into the type's shape first (see [`Type::conform`]), so a state
//! built in code may leave attributes out.

use rmp::encode::{self, ByteBuf};

use super::unknown;
use crate::value::{Mismatch, Number, Type, Value};

/// Why a value cannot be written as this type.
#[derive(Debug, thiserror::Error)]
#[error("failed to encode a value")]
pub struct EncodeError(#[source] pub Mismatch);

/// Writes `value` as type `ty`.
///
/// # Errors
/// Fails with the path of the first part that does not fit the type.
pub fn encode(value: Value, ty: &Type) -> Result<Vec<u8>, EncodeError> {
    let value = ty.conform(value).map_err(EncodeError)?;
    let mut out = ByteBuf::new();
    write(&value, ty, &mut out);
    Ok(out.into_vec())
}

fn count(len: usize) -> u32 {
    u32::try_from(len).expect("a value of 4 billion elements does not fit into a message of 256 MiB")
}

const IN_MEMORY: &str = "writing into memory does not fail";

/// `value` has been conformed to `ty`.
fn write(value: &Value, ty: &Type, out: &mut ByteBuf) {
    match value {
        Value::Null => encode::write_nil(out).expect(IN_MEMORY),
        Value::Unknown(refinements) => match ty {
            Type::Dynamic => unknown::encode_plain(out),
            Type::Bool
            | Type::Number
            | Type::String
            | Type::List(_)
            | Type::Set(_)
            | Type::Map(_)
            | Type::Tuple(_)
            | Type::Object(_) => unknown::encode(refinements, out),
        },
        Value::Bool(b) => encode::write_bool(out, *b).expect(IN_MEMORY),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::List(items) | Value::Set(items) => {
            let (Type::List(element) | Type::Set(element)) = ty else { unreachable_after_conform() };
            encode::write_array_len(out, count(items.len())).expect(IN_MEMORY);
            for item in items {
                write(item, element, out);
            }
        }
        Value::Tuple(items) => {
            let Type::Tuple(types) = ty else { unreachable_after_conform() };
            encode::write_array_len(out, count(items.len())).expect(IN_MEMORY);
            for (item, ty) in items.iter().zip(types) {
                write(item, ty, out);
            }
        }
        Value::Map(entries) => {
            let Type::Map(element) = ty else { unreachable_after_conform() };
            encode::write_map_len(out, count(entries.len())).expect(IN_MEMORY);
            for (key, item) in entries {
                write_text(key, out);
                write(item, element, out);
            }
        }
        Value::Object(object) => {
            let Type::Object(object_type) = ty else { unreachable_after_conform() };
            encode::write_map_len(out, count(object.len())).expect(IN_MEMORY);
            for ((name, item), ty) in object.iter().zip(object_type.attributes.values()) {
                write_text(name, out);
                write(item, ty, out);
            }
        }
        Value::Dynamic(typed) => {
            encode::write_array_len(out, 2).expect(IN_MEMORY);
            encode::write_bin(out, &typed.ty.to_json()).expect(IN_MEMORY);
            write(&typed.value, &typed.ty, out);
        }
    }
}

fn unreachable_after_conform() -> ! {
    unreachable!("the value was conformed to its type")
}

fn write_text(text: &str, out: &mut ByteBuf) {
    encode::write_str(out, text).expect(IN_MEMORY);
}

/// The shortest exact form: integer, else float, else decimal text.
pub(super) fn write_number(number: &Number, out: &mut ByteBuf) {
    if let Some(int) = number.as_i64() {
        encode::write_sint(out, int).expect(IN_MEMORY);
    } else if !number.is_integer()
        && let Some(float) = number.exact_f64()
    {
        encode::write_f64(out, float).expect(IN_MEMORY);
    } else {
        write_text(&number.to_string(), out);
    }
}

//! Quoting for the engine's configuration syntax, whose double-quoted strings take C-like escapes.

use std::fmt::Write as _;

/// Wraps a value so that the engine reads it back as one argument, byte for byte.
pub(super) fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => write!(quoted, "\\x{byte:02x}").expect("writing to a string does not fail"),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quoted_value_stays_on_its_line_and_in_its_quotes(value in any::<String>()) {
            let quoted = quote(&value);
            prop_assert!(quoted.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("quoted on both ends");
            let mut escaped = false;
            for byte in inner.bytes() {
                prop_assert!(escaped || byte != b'"', "an unescaped quote in {quoted}");
                escaped = !escaped && byte == b'\\';
            }
            prop_assert!(!escaped, "the closing quote is escaped in {quoted}");
        }
    }
}

//! How values look in messages.
//!
//! Owns the `Display` of [`Value`]: one line in Terraform's own notation, cut after [`SHOWN_MAX`] bytes.
//! Diagnostics call it. It does not know which values are sensitive; the caller hides those.

use std::fmt::{self, Write as _};

use super::Value;

/// Longest rendering in a message, in bytes; longer ones end in an ellipsis.
const SHOWN_MAX: usize = 200;

struct Cut<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    left: usize,
}

impl fmt::Write for Cut<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.left -= text.len();
            return self.out.write_str(text);
        }
        if self.left > 0 {
            self.out.write_str(&text[..text.floor_char_boundary(self.left)])?;
            self.out.write_str("…")?;
            self.left = 0;
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render(self, &mut Cut { out: f, left: SHOWN_MAX })
    }
}

fn render(value: &Value, out: &mut Cut<'_, '_>) -> fmt::Result {
    match value {
        Value::Null => out.write_str("null"),
        Value::Unknown(_) => out.write_str("(known after apply)"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Number(n) => write!(out, "{n}"),
        Value::String(s) => write!(out, "{s:?}"),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            out.write_str("[")?;
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.write_str(", ")?;
                }
                render(item, out)?;
            }
            out.write_str("]")
        }
        Value::Map(entries) => render_entries(entries.iter().map(|(k, v)| (format!("{k:?}"), v)), out),
        Value::Object(object) => render_entries(object.iter().map(|(k, v)| (k.to_owned(), v)), out),
        Value::Dynamic(typed) => render(&typed.value, out),
    }
}

fn render_entries<'v>(entries: impl Iterator<Item = (String, &'v Value)>, out: &mut Cut<'_, '_>) -> fmt::Result {
    out.write_str("{")?;
    for (i, (key, value)) in entries.enumerate() {
        write!(out, "{} {key} = ", if i > 0 { "," } else { "" })?;
        render(value, out)?;
    }
    out.write_str(" }")
}

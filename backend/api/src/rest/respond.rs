//! Answers: JSON text with the headers Google's clients see from the real service.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, Uri, header};
use memorystore_proto::json::{EnumStyle, to_json, to_value};
use prost::{Message, Name};
use serde_json::{Value, json};

use crate::{ApiError, errors};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// How to write an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Format {
    pub(super) enums: EnumStyle,
    pub(super) layout: Layout,
}

/// The layout of JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layout {
    /// Without blanks: half the size of the other.
    #[default]
    Compact,
    /// For people.
    Indented,
}

/// A message as text.
pub(super) fn text<M: Message + Name>(message: &M, format: Format) -> Result<Vec<u8>, ApiError> {
    to_json(message, format.enums).map_err(|error| ApiError::Internal(error.into()))
}

/// The response for a text or an error.
pub(super) fn answer(result: Result<Vec<u8>, ApiError>, format: Format) -> Response {
    let (status, allowed, text) = match result {
        Ok(text) => (StatusCode::OK, None, text),
        Err(error) => {
            errors::log(&error);
            let allowed = error.allowed_methods().and_then(|methods| HeaderValue::from_str(methods).ok());
            (error.http_status(), allowed, error_text(&error))
        }
    };
    let text = match format.layout {
        Layout::Compact => text,
        Layout::Indented => indented(&text),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    if let Some(allowed) = allowed {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// `{"error": {"code": 404, "message": ..., "status": "NOT_FOUND", "details": [...]}}`
fn error_text(error: &ApiError) -> Vec<u8> {
    let status = error.status();
    let mut body = json!({
        "code": error.http_status().as_u16(),
        "message": status.message,
        "status": error.code().name(),
    });
    let details = to_value(&status, EnumStyle::Names).ok().and_then(|mut status| status.get_mut("details").map(Value::take));
    if let Some(details) = details {
        body["details"] = details;
    }
    json!({ "error": body }).to_string().into_bytes()
}

/// What is at the root of the port.
pub(crate) async fn root() -> Response {
    let text = json!({ "product": "Valkyard", "version": env!("CARGO_PKG_VERSION"), "api": "/v1/" });
    answer(Ok(text.to_string().into_bytes()), Format::default())
}

/// Nothing is at this path.
pub(crate) fn unknown_path(uri: &Uri) -> Response {
    refusal(ApiError::UnknownPath { path: uri.path().to_owned() })
}

/// The answer to a request that is not looked at further.
pub(crate) fn refusal(error: ApiError) -> Response {
    answer(Err(error), Format::default())
}

/// The same JSON over several lines, keys in the same order.
fn indented(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let (mut depth, mut is_in_string, mut is_escaped) = (0_usize, false, false);
    let newline = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    for (index, &byte) in compact.iter().enumerate() {
        if is_in_string {
            out.push(byte);
            is_in_string = is_escaped || byte != b'"';
            is_escaped = byte == b'\\' && !is_escaped;
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                depth += 1;
                if !matches!(compact.get(index + 1), Some(b'}' | b']')) {
                    newline(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth -= 1;
                if !matches!(compact[index - 1], b'{' | b'[') {
                    newline(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                newline(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                is_in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indenting_changes_blanks_only() {
        let text = br#"{"b":[],"a":[1,{"x":"q\"{,:\\"},{}],"c":null}"#;
        let laid_out = String::from_utf8(indented(text)).expect("still text");
        assert_eq!(
            laid_out,
            "{\n  \"b\": [],\n  \"a\": [\n    1,\n    {\n      \"x\": \"q\\\"{,:\\\\\"\n    },\n    {}\n  ],\n  \"c\": null\n}\n"
        );
    }
}

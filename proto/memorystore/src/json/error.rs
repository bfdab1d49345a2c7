//! What can be wrong with JSON. Read by the server, which turns each [`FieldProblem`] into one field
//! violation of its answer. Invariant: a problem always names its place in the text that was sent, with the
//! keys as they were sent.

use std::fmt;

use prost::DecodeError;
use thiserror::Error;

/// Why a message could not be written as JSON. Only what an `Any` holds can be at fault.
#[derive(Debug, Error)]
pub enum RenderError {
    /// An `Any` holds a type that this crate does not define.
    #[error("failed to write the type {url:?} as JSON: it is not part of this API")]
    ForeignType {
        /// The type URL in the `Any`.
        url: String,
    },
    /// The bytes are no message at all.
    #[error("failed to decode the bytes of a {message}")]
    Bytes {
        /// Full protobuf name of the message.
        message: String,
        /// What the decoder met.
        #[source]
        source: DecodeError,
    },
    /// A field's bytes are not of the field's type.
    #[error("failed to decode field {field} of a {message}")]
    Field {
        /// Full protobuf name of the message.
        message: String,
        /// The field's name.
        field: String,
    },
}

/// Why a text could not be read as a message.
#[derive(Debug, Error)]
pub enum JsonError {
    /// The text is not JSON.
    #[error("malformed JSON at line {line}, column {column}: {reason}")]
    Malformed {
        /// Line of the offending character, from 1.
        line: usize,
        /// Column of the offending character, from 1; 0 when the line is empty.
        column: usize,
        /// What the parser expected there.
        reason: String,
    },
    /// The text is JSON, but not of the message's shape.
    #[error("{}", Listed(.0))]
    Fields(Vec<FieldProblem>),
    /// The shape is right, yet the message could not be built.
    #[error("failed to read the JSON as a message")]
    Unreadable {
        /// What the reader met.
        #[source]
        source: serde_json::Error,
    },
}

impl JsonError {
    pub(super) fn malformed(source: serde_json::Error) -> Self {
        let (line, column) = (source.line(), source.column());
        let text = source.to_string();
        let place = format!(" at line {line} column {column}");
        JsonError::Malformed { line, column, reason: text.strip_suffix(&place).unwrap_or(&text).to_owned() }
    }
}

/// One field that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// Keys from the root, joined by dots, list positions in brackets; empty for the root itself.
    pub path: String,
    /// What is wrong there.
    pub kind: FieldProblemKind,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldProblemKind {
    /// The message has no such field.
    UnknownName {
        /// A field of the same message with nearly that name.
        suggestion: Option<String>,
    },
    /// The value cannot be of the field's type.
    WrongValue {
        /// What the field takes.
        expected: String,
        /// What was sent.
        found: String,
    },
    /// The field was sent under both of its spellings.
    SentTwice,
    /// Another field, which excludes this one, was sent as well.
    Excludes {
        /// The other field's key.
        other: String,
    },
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return write!(out, "{}", self.kind);
        }
        write!(out, "{}: {}", self.path, self.kind)
    }
}

impl fmt::Display for FieldProblemKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldProblemKind::UnknownName { suggestion: None } => {
                write!(out, "there is no field of this name")
            }
            FieldProblemKind::UnknownName { suggestion: Some(name) } => {
                write!(out, "there is no field of this name; did you mean {name:?}?")
            }
            FieldProblemKind::WrongValue { expected, found } => {
                write!(out, "expected {expected}, found {found}")
            }
            FieldProblemKind::SentTwice => write!(out, "the field is sent twice"),
            FieldProblemKind::Excludes { other } => {
                write!(out, "only one of this field and {other:?} may be sent")
            }
        }
    }
}

struct Listed<'a>(&'a [FieldProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                write!(out, "; ")?;
            }
            write!(out, "{problem}")?;
        }
        Ok(())
    }
}

//! Log lines in hclog's JSON form, which hosts merge into their own log.
//!
//! [`Hclog`] is the layer [`init_logging`](super::init_logging) installs. Invariants: each line is one JSON object of
//! at most [`LINE_BYTES_MAX`] bytes whose `@level`, `@message` and `@timestamp` are strings, because a host panics on
//! any other type; fields can neither replace them nor make a line fail. Fields of the spans around an event are part
//! of its line, those of inner spans win. Levels are not decided here.

use std::{error::Error, fmt};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Number, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::LookupSpan,
};

/// The host's line buffer, the line's end included; it cuts longer lines to pieces that no longer parse.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// What a long text is cut to when a line is too long.
const CUT_TEXT_BYTES: usize = 1024;
const CUT_MARK: &str = "… (cut)";

const LEVEL: &str = "@level";
const MESSAGE: &str = "@message";
const MODULE: &str = "@module";
const TIMESTAMP: &str = "@timestamp";
/// The field under which `tracing` passes an event's text.
const MESSAGE_FIELD: &str = "message";

/// Formats events and hands each finished line, its end included, to a sink.
pub(super) struct Hclog<F> {
    module: &'static str,
    sink: F,
}

impl<F: Fn(&[u8])> Hclog<F> {
    pub(super) fn new(module: &'static str, sink: F) -> Self {
        Self { module, sink }
    }
}

impl<S, F> Layer<S> for Hclog<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    F: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.0.extend(outer.0.clone());
            }
        }
        // A span's "message" is no text of this event.
        fields.0.remove(MESSAGE_FIELD);
        event.record(&mut fields);
        let message = match fields.0.remove(MESSAGE_FIELD) {
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
        };
        let head = [
            (LEVEL, level_name(*event.metadata().level()).to_owned()),
            (MESSAGE, message),
            (MODULE, self.module.to_owned()),
            (TIMESTAMP, Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)),
        ];
        (self.sink)(&line(&head, fields.0));
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// One line within the limit: whole, else with long texts cut, else with the head alone.
fn line(head: &[(&str, String); 4], fields: Map<String, Value>) -> Vec<u8> {
    let with_head = |mut object: Map<String, Value>| {
        for (key, text) in head {
            object.insert((*key).to_owned(), Value::String(text.clone()));
        }
        object
    };
    let whole = encode(with_head(fields));
    let object = match whole {
        Ok(line) => return line,
        Err(object) => object,
    };
    let shortened = object.into_iter().map(|(key, value)| (key, cut(value))).collect();
    let object = match encode(shortened) {
        Ok(line) => return line,
        Err(object) => object,
    };
    let head_only = object.into_iter().filter(|(key, _)| head.iter().any(|(name, _)| name == key)).collect();
    encode(head_only).unwrap_or_default()
}

/// The line, or the object back when the line would be too long.
fn encode(object: Map<String, Value>) -> Result<Vec<u8>, Map<String, Value>> {
    // Keys are strings and values are JSON already: nothing in there can fail.
    let mut line = serde_json::to_vec(&object).unwrap_or_default();
    line.push(b'\n');
    if line.len() > LINE_BYTES_MAX { Err(object) } else { Ok(line) }
}

fn cut(mut value: Value) -> Value {
    if let Value::String(text) = &mut value
        && text.len() > CUT_TEXT_BYTES
    {
        text.truncate(text.floor_char_boundary(CUT_TEXT_BYTES));
        text.push_str(CUT_MARK);
    }
    value
}

/// The fields of a span or an event, by name.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: Value) {
        // Names with an @ are the host's own.
        let name = match field.name().strip_prefix('@') {
            Some(name) => format!("_{name}"),
            None => field.name().to_owned(),
        };
        self.0.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, Value::String(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let value = Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number);
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.insert(field, Value::String(text));
    }
}

#[cfg(test)]
mod tests;

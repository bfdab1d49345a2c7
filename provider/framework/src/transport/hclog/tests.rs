//! Log lines as a host would read them.

use std::sync::mpsc;

use chrono::DateTime;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// The lines written while `work` runs.
fn lines_of(work: impl FnOnce()) -> Vec<Vec<u8>> {
    let (sender, lines) = mpsc::sync_channel(16);
    let layer = Hclog::new("provider", move |line: &[u8]| {
        sender.send(line.to_vec()).expect("the test still listens");
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    lines.try_iter().collect()
}

fn only_line(work: impl FnOnce()) -> Map<String, Value> {
    let lines = lines_of(work);
    let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
    assert_eq!(line.last(), Some(&b'\n'));
    assert!(line.len() <= LINE_BYTES_MAX, "{} bytes", line.len());
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    serde_json::from_slice(line).expect("a JSON object")
}

#[test]
fn event_becomes_one_object_with_the_head_as_strings() {
    let line = only_line(|| tracing::warn!(count = 3, done = true, ratio = 0.5, "two\nlines"));
    assert_eq!(line[LEVEL], "warn");
    assert_eq!(line[MESSAGE], "two\nlines");
    assert_eq!(line[MODULE], "provider");
    assert_eq!(line["count"], 3);
    assert_eq!(line["done"], true);
    assert_eq!(line["ratio"], 0.5);
    let timestamp = line[TIMESTAMP].as_str().unwrap();
    DateTime::parse_from_rfc3339(timestamp).unwrap();
    assert_eq!(timestamp.len(), "2006-01-02T15:04:05.000000Z".len());
}

#[test]
fn event_without_text_still_has_a_message_string() {
    let line = only_line(|| tracing::info!(only = "a field"));
    assert_eq!(line[MESSAGE], "");
    assert_eq!(line["only"], "a field");
}

#[test]
fn fields_cannot_replace_the_head() {
    let line = only_line(|| tracing::info!("@level" = 7, "@message" = 8, "text"));
    assert_eq!(line[LEVEL], "info");
    assert_eq!(line[MESSAGE], "text");
    assert_eq!(line["_level"], 7);
    assert_eq!(line["_message"], 8);
}

#[test]
fn fields_of_spans_are_part_of_the_line_and_inner_ones_win() {
    let line = only_line(|| {
        let outer = tracing::info_span!("outer", tf_rpc = "ReadResource", tf_req_id = 1);
        let _outer = outer.enter();
        let inner = tracing::info_span!("inner", tf_req_id = 2, late = tracing::field::Empty);
        inner.record("late", "recorded");
        let _inner = inner.enter();
        tracing::error!("inside");
    });
    assert_eq!(line["tf_rpc"], "ReadResource");
    assert_eq!(line["tf_req_id"], 2);
    assert_eq!(line["late"], "recorded");
}

#[test]
fn numbers_json_does_not_know_become_text() {
    let line = only_line(|| tracing::info!(ratio = f64::NAN, "text"));
    assert_eq!(line["ratio"], "NaN");
}

#[test]
fn long_lines_keep_their_head_and_stay_json() {
    let long = "ß".repeat(LINE_BYTES_MAX);
    let line = only_line(|| tracing::info!(payload = long, short = 1, "{long}"));
    let message = line[MESSAGE].as_str().unwrap();
    assert!(message.starts_with("ßß") && message.ends_with(CUT_MARK));
    assert_eq!(line["short"], 1);
}

#[test]
fn line_with_too_many_fields_is_reduced_to_its_head() {
    let head = [
        (LEVEL, "info".to_owned()),
        (MESSAGE, "text".to_owned()),
        (MODULE, "provider".to_owned()),
        (TIMESTAMP, "now".to_owned()),
    ];
    let fields = (0..100).map(|i| (format!("field{i}"), Value::from("x".repeat(CUT_TEXT_BYTES)))).collect();
    let line = line(&head, fields);
    let object: Map<String, Value> = serde_json::from_slice(&line).unwrap();
    assert_eq!(object.len(), 4);
    assert_eq!(object[MESSAGE], "text");
}

#[test]
fn error_fields_show_the_whole_chain() {
    let error = super::super::TlsError::ServerCertificate(rcgen::Error::CouldNotParseCertificate);
    let line = only_line(|| tracing::warn!(error = &error as &dyn Error, "refused"));
    let text = line["error"].as_str().unwrap();
    assert!(text.starts_with("failed to make a server certificate: "), "{text}");
}

//! Leniency, exactness, and agreement with another JSON reader.

use proptest::prelude::*;

use super::*;

fn read(json: &str, ty: &Type) -> Value {
    decode(json.as_bytes(), ty).expect(json)
}

#[test]
fn big_numbers_keep_every_digit() {
    let digits = "123456789012345678901234567890.123456789012345678901234567891";
    let value = read(digits, &Type::Number);
    assert_eq!(value.as_number().map(ToString::to_string).as_deref(), Some(digits));
    assert_eq!(read("18446744073709551616", &Type::String), Value::from("18446744073709551616"));
}

#[test]
fn kinds_convert_as_leniently_as_in_terraform() {
    let one = Value::from(1_i64);
    for (json, ty, expected) in [
        ("5", Type::String, Value::from("5")),
        ("true", Type::String, Value::from("true")),
        (r#""true""#, Type::Bool, Value::from(true)),
        (r#""0""#, Type::Bool, Value::from(false)),
        ("1", Type::Bool, Value::from(true)),
        (r#""1""#, Type::Number, one.clone()),
        ("1.0e0", Type::Number, one),
        ("null", Type::Number, Value::Null),
    ] {
        assert_eq!(read(json, &ty), expected, "{json}");
    }
    for (json, ty) in [
        ("2", Type::Bool),
        (r#""yes""#, Type::Bool),
        (r#""x""#, Type::Number),
        ("[]", Type::String),
        ("{}", Type::list(Type::Bool)),
    ] {
        assert!(decode(json.as_bytes(), &ty).is_err(), "{json}");
    }
}

#[test]
fn missing_attributes_are_null_and_unknown_ones_are_dropped() {
    let ty = Type::object([("a", Type::String), ("b", Type::Bool)]);
    let value = read(r#" { "a" : "x", "gone": {"deep": [1, 2]} } "#, &ty);
    assert_eq!(value, Value::Object(Object::from([("a", Value::from("x")), ("b", Value::Null)])));
}

#[test]
fn a_dynamic_value_brings_its_type() {
    let value = read(r#"{"type":["list","number"],"value":[1]}"#, &Type::Dynamic);
    assert_eq!(value, Value::dynamic(Type::list(Type::Number), Value::from(vec![1_i64])));
    assert!(decode(b"[1]", &Type::Dynamic).is_err());
}

#[test]
fn a_mismatch_names_the_path() {
    let ty = Type::object([("m", Type::map(Type::list(Type::Number)))]);
    let error = decode(br#"{"m":{"k":[1,"x"]}}"#, &ty).expect_err("x is no number");
    let StateError::Mismatch(mismatch) = error else { panic!("it is JSON") };
    assert_eq!(mismatch.path.to_string(), r#"m["k"][1]"#);
}

#[test]
fn what_is_no_json_is_refused() {
    for text in
        ["", "{", "[1,]", "{\"a\" 1}", "01", "1.", ".5", "+1", "nul", "\"", "\"\\x\"", "\"\u{1}\"", "[1] 2", "\"\\u12\"", "'a'"]
    {
        assert!(Json::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
    assert!(Json::parse(b"\"\xff\"").is_err());
}

#[test]
fn escapes_are_resolved() {
    let parsed = Json::parse(br#""a\n\u00e9\ud83d\ude00\ud800x\/""#).expect("valid JSON");
    assert_eq!(parsed, Json::String("a\né😀\u{fffd}x/".to_owned()));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn with_numbers(json: &Json) -> serde_json::Value {
    match json {
        Json::Number(text) => text.parse::<i64>().expect("the strategy makes i64 only").into(),
        Json::Array(items) => items.iter().map(with_numbers).collect(),
        Json::Object(entries) => entries.iter().map(|(k, v)| (k.clone(), with_numbers(v))).collect(),
        Json::Null | Json::Bool(_) | Json::String(_) => json.to_serde(),
    }
}

proptest! {
    #[test]
    fn it_reads_what_serde_json_writes(value in json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("values serialise")] {
            prop_assert_eq!(with_numbers(&Json::parse(text.as_bytes()).expect("valid JSON")), value.clone());
        }
    }

    #[test]
    fn it_accepts_exactly_what_serde_json_accepts(text in "[\\[\\]{}\",:0-9eE.+\\-ntf\\\\u a]{0,12}") {
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        let ours = Json::parse(text.as_bytes()).is_ok();
        // They refuse numbers beyond f64 and lone surrogates; we keep the former and replace the latter.
        prop_assert!(ours || !theirs, "{}", text);
        if ours && !theirs {
            prop_assert!(text.contains(['e', 'E', 'u']), "{}", text);
        }
    }
}

//! Numbers, sets, objects and types.

use proptest::prelude::*;

use super::*;
use crate::path::AttributePath;

fn number(text: &str) -> Number {
    text.parse().expect(text)
}

#[test]
fn a_number_keeps_every_digit() {
    for text in [
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "0.1",
        "-1234567890.000000000000000000001",
    ] {
        assert_eq!(number(text).to_string(), text);
    }
}

#[test]
fn equal_numbers_are_equal_however_they_are_written() {
    for (a, b) in [("1", "1.0"), ("100", "1e2"), ("0.10", "1e-1"), ("-0", "0"), ("9223372036854775808", "9223372036854775808.00")]
    {
        assert_eq!(number(a), number(b));
    }
}

#[test]
fn numbers_are_ordered_across_their_forms() {
    let ordered = ["-Inf", "-9223372036854775809", "-1", "-0.5", "0", "0.1", "1", "1.5", "9223372036854775808", "Inf"];
    let numbers: Vec<Number> = ordered.iter().map(|text| number(text)).collect();
    assert!(numbers.is_sorted());
}

#[test]
fn texts_that_are_no_number_are_refused() {
    for text in ["", "one", "1e", "1_000", "0x10", "NaN", "1e5000", "1e-99999999999999999999"] {
        assert!(text.parse::<Number>().is_err(), "{text}");
    }
    assert_eq!(Number::from_f64(f64::NAN), Err(NumberError::NotANumber));
}

#[test]
fn a_float_is_exact_only_when_it_returns_to_the_same_number() {
    assert_eq!(number("0.5").exact_f64(), Some(0.5));
    assert_eq!(number("0.1").exact_f64(), None);
    assert_eq!(Number::from_f64(0.1).expect("a finite float").exact_f64(), Some(0.1));
    assert_eq!(Number::INFINITY.exact_f64(), Some(f64::INFINITY));
}

#[test]
fn strings_are_composed() {
    assert_eq!(Value::string("e\u{301}"), Value::string("\u{e9}"));
}

#[test]
fn a_set_ignores_order_and_known_duplicates_but_keeps_unknowns_apart() {
    let set = |items: &[i64]| Value::set(items.iter().map(|n| Value::from(*n)));
    assert_eq!(set(&[3, 1, 2, 1]), set(&[1, 2, 3]));
    let unknowns = Value::set([Value::unknown(), Value::unknown()]);
    assert_eq!(unknowns.as_elements().expect("a set").len(), 2);
}

#[test]
fn a_path_leads_to_a_value_or_to_nothing() {
    let value = Value::Object(Object::from([("list", Value::List(vec![Value::Object(Object::from([("n", 7_i64)]))]))]));
    let path = AttributePath::new("list").index(0).attribute("n");
    assert_eq!(value.at(&path), Some(&Value::from(7_i64)));
    assert_eq!(path.to_string(), "list[0].n");
    assert_eq!(value.at(&AttributePath::new("list").index(1)), None);
    assert_eq!(AttributePath::new("labels").key("a").to_string(), r#"labels["a"]"#);
}

#[test]
fn a_read_error_names_the_path_below_the_object() {
    let object = Object::from([("ports", Value::List(vec![Value::from(1_i64), Value::from("two")]))]);
    let error = object.read::<Vec<u16>>("ports").expect_err("a string is no port");
    assert_eq!(error.to_string(), "`ports[1]`: expected a whole number from 0 to 65535, found a string");
    assert_eq!(object.read::<Option<String>>("missing"), Ok(None));
    let unknown = Object::new().with("id", Value::unknown());
    assert_eq!(unknown.read::<MaybeKnown<Option<String>>>("id"), Ok(MaybeKnown::Unknown));
}

#[test]
fn a_fraction_does_not_become_an_integer() {
    let object = Object::new().with("n", number("1.5"));
    assert!(object.read::<i64>("n").is_err());
    assert_eq!(object.read::<f64>("n"), Ok(1.5));
}

#[test]
fn a_type_reads_back_from_its_json() {
    for json in [
        r#""string""#,
        r#"["list","number"]"#,
        r#"["set",["map","bool"]]"#,
        r#"["tuple",["string","dynamic"]]"#,
        r#"["object",{"a":"string","b":["list","bool"]}]"#,
        r#"["object",{"a":"string","b":"bool"},["b"]]"#,
    ] {
        let ty = Type::from_json(json.as_bytes()).expect(json);
        assert_eq!(ty.to_json(), json.as_bytes());
    }
    for json in ["", "7", r#""text""#, r#"["list"]"#, r#"["object",["a"]]"#, r#"["set","x"]"#] {
        assert!(Type::from_json(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn conforming_fills_in_nulls_and_turns_lists_into_sets() {
    let ty = Type::object([("tags", Type::set(Type::String)), ("name", Type::String)]);
    let value = Value::Object(Object::from([("tags", Value::from(vec!["b", "a", "b"]))]));
    let conformed = ty.conform(value).expect("it fits");
    let expected = Object::from([("name", Value::Null), ("tags", Value::set([Value::from("a"), Value::from("b")]))]);
    assert_eq!(conformed, Value::Object(expected));
}

#[test]
fn conforming_refuses_other_kinds_and_extra_attributes_with_their_path() {
    let ty = Type::object([("sizes", Type::map(Type::Number))]);
    let wrong = Object::from([("sizes", Value::from(std::collections::BTreeMap::from([("a".to_owned(), "x")])))]);
    let mismatch = ty.conform(Value::Object(wrong)).expect_err("a string is no number");
    assert_eq!(mismatch.path.to_string(), r#"sizes["a"]"#);
    let extra = Object::from([("other", 1_i64)]);
    assert!(ty.conform(Value::Object(extra)).is_err());
}

#[test]
fn a_plain_value_brings_its_type_to_a_dynamic_place() {
    assert_eq!(Type::Dynamic.conform(Value::from("x")), Ok(Value::dynamic(Type::String, Value::from("x"))));
    assert!(Type::Dynamic.conform(Value::List(vec![])).is_err(), "a list does not say what it is of");
}

#[test]
fn a_refinement_holds_against_the_final_value() {
    let facts = Refinements::new().string_prefix("projects/");
    assert!(facts.allow(&Value::from("projects/a")));
    assert!(!facts.allow(&Value::from("folders/a")));
    assert!(!facts.allow(&Value::Null));
    let length = Refinements::new().length_min(1).length_max(2);
    assert!(length.allow(&Value::from(vec!["a"])));
    assert!(!length.allow(&Value::List(vec![])));
    let bound = |n: i64, inclusive| NumberBound { value: Number::from(n), inclusive };
    let range = Refinements::new().number_min(bound(1, true)).number_max(bound(3, false));
    assert!(range.allow(&Value::from(1_i64)) && !range.allow(&Value::from(3_i64)));
}

#[test]
fn a_long_value_is_cut_in_messages() {
    let text = Value::from("ü".repeat(500)).to_string();
    assert!(text.len() < 250 && text.ends_with('…'), "{text}");
}

proptest! {
    #[test]
    fn any_float_survives_as_a_number(float in any::<f64>().prop_filter("a number", |f| !f.is_nan())) {
        let number = Number::from_f64(float).expect("not NaN");
        prop_assert_eq!(number.to_f64(), float);
    }

    #[test]
    fn any_decimal_survives_its_text(text in "-?[1-9][0-9]{0,60}\\.[0-9]{0,60}[1-9]") {
        let number: Number = text.parse().expect("decimal notation");
        prop_assert_eq!(number.to_string(), text);
    }
}

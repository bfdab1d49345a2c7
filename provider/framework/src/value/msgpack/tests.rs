//! Exact bytes, hostile bytes, and round trips of any value.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::value::{Number, NumberBound, Object, Refinements, Type, Value};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex digits")).collect()
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().expect(text))
}

#[test]
fn values_have_exactly_these_bytes() {
    let object = Type::object([("b", Type::Bool), ("a", Type::String)]);
    let table: Vec<(Value, Type, &str)> = vec![
        (Value::Null, Type::String, "c0"),
        (Value::unknown(), Type::String, "d40000"),
        (Value::unknown(), Type::Dynamic, "d40000"),
        (Value::Unknown(Refinements::new().not_null()), Type::String, "c7030c8101c2"),
        (Value::Unknown(Refinements::new().string_prefix("ab")), Type::String, "c7070c8201c202a26162"),
        (Value::Unknown(Refinements::new().length_min(1).length_max(3)), Type::list(Type::Bool), "c7050c8205010603"),
        (Value::from(true), Type::Bool, "c3"),
        (Value::from("hi"), Type::String, "a26869"),
        (number("1"), Type::Number, "01"),
        (number("-1"), Type::Number, "ff"),
        (number("300"), Type::Number, "cd012c"),
        (number("9223372036854775807"), Type::Number, "cf7fffffffffffffff"),
        (number("-9223372036854775808"), Type::Number, "d38000000000000000"),
        (number("9223372036854775808"), Type::Number, "b339323233333732303336383534373735383038"),
        (number("0.5"), Type::Number, "cb3fe0000000000000"),
        (number("0.1"), Type::Number, "a3302e31"),
        (Value::Number(Number::INFINITY), Type::Number, "cb7ff0000000000000"),
        (Value::Number(Number::NEG_INFINITY), Type::Number, "cbfff0000000000000"),
        (Value::from(vec![1_i64, 2]), Type::list(Type::Number), "920102"),
        (Value::from(vec![2_i64, 1, 2]), Type::set(Type::Number), "920102"),
        (Value::from(BTreeMap::from([("k".to_owned(), true)])), Type::map(Type::Bool), "81a16bc3"),
        (Value::Object(Object::from([("b", true)])), object, "82a161c0a162c3"),
        (Value::dynamic(Type::String, Value::from("x")), Type::Dynamic, "92c40822737472696e6722a178"),
        (Value::Null, Type::Dynamic, "c0"),
        (Value::Tuple(vec![Value::from("x"), number("1")]), Type::Tuple(vec![Type::String, Type::Number]), "92a17801"),
    ];
    for (value, ty, expected) in table {
        let bytes = encode(value.clone(), &ty).expect("it fits the type");
        assert_eq!(hex(&bytes), expected, "{value:?}");
        let back = decode(&bytes, &ty).expect("own bytes");
        assert_eq!(back, ty.conform(value).expect("it fits the type"));
    }
}

#[test]
fn every_form_of_a_number_is_read() {
    for (bytes, expected) in [
        ("cc07", "7"),
        ("cd0007", "7"),
        ("ce00000007", "7"),
        ("cf0000000000000007", "7"),
        ("cfffffffffffffffff", "18446744073709551615"),
        ("d0f9", "-7"),
        ("d1fff9", "-7"),
        ("d2fffffff9", "-7"),
        ("d3fffffffffffffff9", "-7"),
        ("ca3f000000", "0.5"),
        ("cb401c000000000000", "7"),
        ("a137", "7"),
        ("d90137", "7"),
        ("a6312e32356532", "125"),
    ] {
        assert_eq!(decode(&unhex(bytes), &Type::Number).expect(bytes), number(expected), "{bytes}");
    }
}

#[test]
fn any_extension_is_an_unknown_value() {
    for bytes in ["d40000", "d40500", "c7000c", "c7010c80", "d50c8000", "c8000200ffff"] {
        assert_eq!(decode(&unhex(bytes), &Type::Bool).expect(bytes), Value::unknown(), "{bytes}");
    }
}

#[test]
fn refinement_keys_of_newer_versions_are_skipped() {
    // {1: false, 99: [1, {"k": nil}, "text"]}
    let body = "8201c2639301".to_owned() + "81a16bc0" + "a474657874";
    let bytes = format!("c7{:02x}0c{body}", body.len() / 2);
    let value = decode(&unhex(&bytes), &Type::String).expect("newer keys are no error");
    assert_eq!(value, Value::Unknown(Refinements::new().not_null()));
}

#[test]
fn a_refined_unknown_stays_within_the_limits_of_the_host() {
    let long = Refinements::new().string_prefix("ü".repeat(1000));
    let bytes = encode(Value::Unknown(long), &Type::String).expect("it fits");
    let Value::Unknown(back) = decode(&bytes, &Type::String).expect("own bytes") else { panic!("no longer unknown") };
    let prefix = back.prefix().expect("a prefix remains");
    assert_eq!(prefix, "ü".repeat(PREFIX_LEN_MAX / 2));

    let digits = |digit: &str| NumberBound { value: digit.repeat(900).parse().expect("digits"), inclusive: true };
    let wide = Refinements::new().number_min(digits("1")).number_max(digits("2")).not_null();
    let bytes = encode(Value::Unknown(wide), &Type::Number).expect("it fits");
    assert!(bytes.len() <= REFINED_LEN_MAX + 4, "{}", bytes.len());
    let Value::Unknown(back) = decode(&bytes, &Type::Number).expect("own bytes") else { panic!("no longer unknown") };
    assert!(back.is_not_null());
}

#[test]
fn objects_hold_exactly_their_attributes() {
    let ty = Type::object([("a", Type::String), ("b", Type::Bool)]);
    let missing = decode(&unhex("81a161a178"), &ty).expect_err("b is missing");
    assert!(matches!(missing.problem, decode::DecodeProblem::MissingAttribute(name) if name == "b"));
    let extra = decode(&unhex("83a161c0a162c0a163c0"), &ty).expect_err("c is no attribute");
    assert!(matches!(extra.problem, decode::DecodeProblem::UnsupportedAttribute(name) if name == "c"));
}

#[test]
fn an_error_names_the_path() {
    let ty = Type::object([("list", Type::list(Type::Bool))]);
    let error = decode(&unhex("81a46c69737492c301"), &ty).expect_err("1 is no boolean");
    assert_eq!(error.path.to_string(), "list[1]");
}

#[test]
fn hostile_bytes_are_errors() {
    let deep_type = format!("{}\"bool\"{}", r#"["list","#.repeat(100), "]".repeat(100));
    let mut deep = vec![0x92, 0xc5];
    deep.extend(u16::try_from(deep_type.len()).expect("short").to_be_bytes());
    deep.extend(deep_type.as_bytes());
    let dynamic_in_dynamic = [vec![0x92, 0xc4, 9], br#""dynamic""#.to_vec()].concat().repeat(200);
    for (bytes, ty) in [
        (unhex(""), Type::Bool),
        (unhex("c3c3"), Type::Bool),
        (unhex("ddffffffff"), Type::list(Type::Bool)),
        (unhex("dfffffffff"), Type::map(Type::Bool)),
        (unhex("dbffffffff"), Type::String),
        (unhex("a1ff"), Type::String),
        (unhex("c1"), Type::String),
        (unhex("cb7ff8000000000000"), Type::Number),
        (unhex("93c0c0c0"), Type::Dynamic),
        (unhex("92c40178c0"), Type::Dynamic),
        (unhex("c9ffffffff00"), Type::Bool),
        (deep, Type::Dynamic),
        (dynamic_in_dynamic, Type::Dynamic),
    ] {
        assert!(decode(&bytes, &ty).is_err(), "{}", hex(&bytes));
    }
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String), Just(Type::Dynamic)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(Type::object),
        ]
    })
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("a number", |f| Number::from_f64(f).ok()),
        "-?[0-9]{1,80}(\\.[0-9]{1,40})?".prop_map(|text| text.parse().expect("decimal notation")),
    ]
}

fn refinements() -> impl Strategy<Value = Refinements> {
    (any::<bool>(), prop::option::of("[a-zäöü]{1,20}"), prop::option::of(0..9_u64)).prop_map(|(set, prefix, length)| {
        let facts = if set { Refinements::new().not_null() } else { Refinements::new() };
        let facts = prefix.into_iter().fold(facts, Refinements::string_prefix);
        length.into_iter().fold(facts, Refinements::length_min)
    })
}

/// Any value of a type.
fn values(ty: &Type) -> BoxedStrategy<Value> {
    let known = match ty {
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::Number => numbers().prop_map(Value::Number).boxed(),
        Type::String => "\\PC{0,40}".prop_map(Value::from).boxed(),
        Type::Dynamic => {
            let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::list(Type::String))];
            leaf.prop_flat_map(|ty| values(&ty).prop_map(move |value| Value::dynamic(ty.clone(), value))).boxed()
        }
        Type::List(element) => prop::collection::vec(values(element), 0..4).prop_map(Value::List).boxed(),
        Type::Set(element) => prop::collection::vec(values(element), 0..4).prop_map(Value::set).boxed(),
        Type::Map(element) => prop::collection::btree_map("[a-zé]{0,5}", values(element), 0..4).prop_map(Value::Map).boxed(),
        Type::Tuple(types) => types.iter().map(values).collect::<Vec<_>>().prop_map(Value::Tuple).boxed(),
        Type::Object(object) => {
            let names: Vec<String> = object.attributes.keys().cloned().collect();
            let attributes: Vec<_> = object.attributes.values().map(values).collect();
            attributes.prop_map(move |values| Value::Object(names.iter().cloned().zip(values).collect())).boxed()
        }
    };
    let unknown =
        if *ty == Type::Dynamic { Just(Value::unknown()).boxed() } else { refinements().prop_map(Value::Unknown).boxed() };
    prop_oneof![8 => known, 1 => Just(Value::Null), 1 => unknown].boxed()
}

proptest! {
    #[test]
    fn any_value_survives_the_wire((ty, value) in types().prop_flat_map(|ty| values(&ty).prop_map(move |v| (ty.clone(), v)))) {
        let bytes = encode(value.clone(), &ty).expect("it was made for the type");
        prop_assert_eq!(decode(&bytes, &ty).expect("own bytes"), value);
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64), ty in types()) {
        if let Ok(value) = decode(&bytes, &ty) {
            let again = encode(value.clone(), &ty).expect("what was read can be written");
            prop_assert_eq!(decode(&again, &ty).expect("own bytes"), value);
        }
    }
}

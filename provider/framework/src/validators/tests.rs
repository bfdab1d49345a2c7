//! Each validator, and the walk over a configuration.

use super::*;
use crate::diagnostic::Severity;
use crate::schema::{Attribute, Block, BlockNesting, Body};
use crate::value::{Object, Type};

fn details(body: &Body, config: Object) -> Vec<String> {
    validate_config(body, &config, WriteOnlySupport::Supported).iter().map(|d| d.detail.clone()).collect()
}

fn broken(validator: &dyn Validator, value: impl Into<Value>) -> bool {
    !validator.check(&value.into()).is_empty()
}

#[test]
fn ranges_lengths_choices_and_patterns_judge_at_their_edges() {
    let between = integer_between(1..=3);
    assert!(!broken(&between, 1_i64) && !broken(&between, 3_i64));
    assert!(broken(&between, 0_i64) && broken(&between, 4_i64));
    assert!(broken(&between, "1.5".parse::<crate::Number>().expect("a number")));
    assert!(broken(&integer(), "0.5".parse::<crate::Number>().expect("a number")));
    let length = length(2..=3);
    assert!(!broken(&length, "üü") && !broken(&length, "abc"));
    assert!(broken(&length, "a") && broken(&length, "abcd"));
    let one_of = one_of(["A", "B"]);
    assert!(!broken(&one_of, "A") && broken(&one_of, "a"));
    let digits = pattern("digits", |text| text.bytes().all(|b| b.is_ascii_digit()));
    assert!(!broken(&digits, "123") && broken(&digits, "12a"));
    let size = size(1..=2);
    assert!(!broken(&size, vec!["a"]) && broken(&size, Vec::<String>::new()));
}

#[test]
fn elements_and_keys_are_judged_one_by_one_and_unknown_ones_pass() {
    let list = Value::List(vec![Value::from(1_i64), Value::unknown(), Value::from(9_i64)]);
    let problems = each(integer_between(1..=3)).check(&list);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].below.to_string(), "[2]");
    let map = Value::Map([("ok".to_owned(), Value::Null), ("toolong".to_owned(), Value::Null)].into());
    let problems = keys(length(1..=3)).check(&map);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].rule, "has a key that must have 1 to 3 characters");
}

#[test]
fn a_message_names_path_rule_and_value() {
    let body = Body::new().attribute("shard_count", Attribute::integer().required().validate(integer_between(1..=250)));
    let found = details(&body, Object::from([("shard_count", 300_i64)]));
    assert_eq!(found, ["`shard_count` must be a whole number from 1 to 250; it is 300."]);
}

#[test]
fn a_sensitive_value_is_not_shown() {
    let nested = Body::new().attribute("key", Attribute::string().required().validate(length(1..=2)));
    let body = Body::new()
        .attribute("password", Attribute::string().optional().sensitive().validate(length(8..=20)))
        .attribute("auth", Attribute::single_nested(nested).optional().sensitive());
    let auth = Value::Object(Object::from([("key", "hunter2")]));
    let found = details(&body, Object::new().with("password", "hunter2").with("auth", auth));
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|text| !text.contains("hunter2")), "{found:?}");
}

#[test]
fn unknown_values_pass_and_missing_required_ones_do_not() {
    let body = Body::new()
        .attribute("name", Attribute::string().required().validate(length(1..=3)))
        .attribute("other", Attribute::string().required());
    let found = details(&body, Object::new().with("name", Value::unknown()));
    assert_eq!(found, ["`other` must be set."]);
}

#[test]
fn read_only_and_unsupported_write_only_attributes_are_refused() {
    let body = Body::new()
        .attribute("id", Attribute::string().computed())
        .attribute("secret", Attribute::string().optional().write_only());
    let config = Object::new().with("id", "x").with("secret", "y");
    let found = validate_config(&body, &config, WriteOnlySupport::Unsupported);
    let at: Vec<String> = found.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect();
    assert_eq!(at, ["id", "secret"]);
    assert!(found.iter().all(|d| d.severity == Severity::Error));
    assert_eq!(details(&body, Object::new().with("secret", "y")), Vec::<String>::new());
}

#[test]
fn nested_attributes_are_judged_in_every_element() {
    let nested = Body::new().attribute("port", Attribute::integer().required().validate(integer_between(1..=9)));
    let body = Body::new()
        .attribute("list", Attribute::list_nested(nested.clone()).optional())
        .attribute("set", Attribute::set_nested(nested.clone()).optional())
        .attribute("map", Attribute::map_nested(nested).optional());
    let bad = Value::Object(Object::from([("port", 10_i64)]));
    let config = Object::new()
        .with("list", vec![bad.clone()])
        .with("set", Value::set([bad.clone()]))
        .with("map", Value::Map([("k".to_owned(), bad)].into()));
    let found = validate_config(&body, &config, WriteOnlySupport::Supported);
    let at: Vec<String> = found.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect();
    assert_eq!(at, ["list[0].port", r#"map["k"].port"#, "set.port"]);
}

#[test]
fn the_number_of_blocks_is_limited() {
    let block = Block::new(BlockNesting::List, Body::new()).items_min(1).items_max(2);
    let body = Body::new().block("rule", block);
    let rules = |count: usize| Object::new().with("rule", vec![Value::Object(Object::new()); count]);
    assert_eq!(details(&body, rules(1)), Vec::<String>::new());
    assert_eq!(details(&body, rules(3)), ["There must be 1 to 2 `rule` blocks; there are 3."]);
    assert_eq!(details(&body, rules(0)).len(), 1);
}

#[test]
fn deprecated_attributes_warn_only_when_they_are_used() {
    let body = Body::new().attribute("old", Attribute::map(Type::String).optional().deprecated("use `new`"));
    assert_eq!(details(&body, Object::new()), Vec::<String>::new());
    assert_eq!(details(&body, Object::new().with("old", Value::unknown())), Vec::<String>::new());
    let used = Object::new().with("old", std::collections::BTreeMap::from([("a".to_owned(), "b")]));
    let found = validate_config(&body, &used, WriteOnlySupport::Supported);
    assert!(found.iter().all(|d| d.severity == Severity::Warning) && !found.is_empty());
}

#[test]
fn set_elements_that_defaults_make_equal_are_refused() {
    let nested =
        Body::new().attribute("zone", Attribute::string().required()).attribute("weight", Attribute::integer().default(1));
    let body = Body::new().attribute("set", Attribute::set_nested(nested).optional());
    let node = |weight: Option<i64>| Value::Object(Object::new().with("zone", "x").with("weight", weight));
    let config = |other| Object::new().with("set", Value::set([node(None), node(Some(other))]));
    assert_eq!(details(&body, config(2)), Vec::<String>::new());
    assert_eq!(details(&body, config(1)).len(), 1);
}

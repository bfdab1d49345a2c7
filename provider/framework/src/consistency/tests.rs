//! One answer per rule that breaks exactly that rule.

use super::*;
use crate::schema::{Attribute, Block, BlockNesting};
use crate::value::{Refinements, Type};

fn body() -> Body {
    let nested =
        Body::new().attribute("zone", Attribute::string().required()).attribute("address", Attribute::string().computed());
    Body::new()
        .attribute("name", Attribute::string().required())
        .attribute("note", Attribute::string().optional())
        .attribute("mode", Attribute::string().optional().computed())
        .attribute("id", Attribute::string().computed())
        .attribute("token", Attribute::string().optional().sensitive())
        .attribute("secret", Attribute::string().optional().write_only())
        .attribute("tags", Attribute::set(Type::String).optional())
        .attribute("list", Attribute::list_nested(nested.clone()).optional())
        .attribute("map", Attribute::map_nested(nested.clone()).optional())
        .attribute("set", Attribute::set_nested(nested.clone()).optional())
        .block("rule", Block::new(BlockNesting::List, nested.clone()))
        .block("owner", Block::new(BlockNesting::Single, nested).items_max(1))
}

fn element(zone: &str) -> Value {
    Value::Object(Object::new().with("zone", zone).with("address", Value::Null))
}

fn base() -> Object {
    let object = Object::new()
        .with("name", "n")
        .with("list", vec![element("x")])
        .with("map", Value::Map([("k".to_owned(), element("x"))].into()))
        .with("set", Value::set([element("x")]))
        .with("tags", Value::set([Value::from("t")]))
        .with("rule", vec![element("x")])
        .with("owner", element("x"));
    let value = body().object_type().conform(Value::Object(object)).expect("it fits");
    value.as_object().cloned().expect("an object")
}

fn texts(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}

fn planned_rules(edit: impl FnOnce(&mut Object)) -> Vec<String> {
    let mut planned = base();
    edit(&mut planned);
    texts(&check_planned(&body(), None, Some(&base()), Some(&planned)))
}

#[test]
fn the_configuration_itself_is_a_valid_plan() {
    assert_eq!(planned_rules(|_| {}), Vec::<String>::new());
}

#[test]
fn computed_values_may_be_planned_freely() {
    let free = planned_rules(|planned| {
        planned.set("id", Value::unknown()).set("mode", "auto");
        planned.set("list", vec![Value::Object(Object::new().with("zone", "x").with("address", "10.0.0.1"))]);
    });
    assert_eq!(free, Vec::<String>::new());
}

#[test]
fn each_plan_rule_is_enforced() {
    let table: [(&str, Value, &str); 12] = [
        ("name", Value::from("other"), "`name`: the planned \"other\" is not the configured \"n\""),
        ("note", Value::from("made up"), "`note`: \"made up\" is planned for an attribute that is neither"),
        ("token", Value::from("abc"), "`token`: (sensitive) is planned"),
        ("secret", Value::from("abc"), "`secret`: a write-only attribute must be null"),
        ("list", Value::unknown(), "`list`: unknown is planned for a configured value"),
        ("list", Value::List(vec![]), "`list`: 0 elements are planned where 1 are configured"),
        ("list", Value::from(vec![element("y")]), "`list[0].zone`: the planned"),
        ("map", Value::Map([("z".to_owned(), element("x"))].into()), "`map`: the configured key \"k\" is not planned"),
        ("set", Value::Null, "`set`: no value is planned where the configuration has one"),
        ("rule", Value::Null, "`rule`: no blocks are an empty collection, not null"),
        ("rule", Value::unknown(), "`rule`: unknown is planned for configured blocks"),
        ("owner", Value::Null, "`owner`: no value is planned where"),
    ];
    for (name, value, expected) in table {
        let found = planned_rules(|planned| {
            planned.set(name, value);
        });
        assert!(found.iter().any(|text| text.starts_with(expected)), "expected `{expected}` in {found:?}");
    }
}

#[test]
fn keeping_the_prior_value_is_a_valid_plan_where_something_is_configured() {
    let prior = base().with("name", "before");
    let planned = base().with("name", "before");
    assert_eq!(check_planned(&body(), Some(&prior), Some(&base()), Some(&planned)), vec![]);
    let prior = base().with("note", "before");
    let planned = base().with("note", "before");
    assert_eq!(check_planned(&body(), Some(&prior), Some(&base()), Some(&planned)).len(), 1);
}

#[test]
fn an_object_is_planned_exactly_where_one_is_wanted() {
    assert_eq!(check_planned(&body(), Some(&base()), None, None), vec![]);
    assert_eq!(check_planned(&body(), None, None, Some(&base())).len(), 1);
    assert_eq!(check_planned(&body(), None, Some(&base()), None).len(), 1);
}

#[test]
fn each_apply_rule_is_enforced() {
    let table: [(&str, Value, &str); 11] = [
        ("name", Value::from("x"), "`name`: \"n\" was planned, but it is \"x\" now"),
        ("name", Value::Null, "`name`: \"n\" was planned, but it is null now"),
        ("note", Value::from("x"), "`note`: null was planned, but it is \"x\" now"),
        ("name", Value::unknown(), "`name`: \"n\" was planned, but it is unknown now"),
        ("token", Value::from("x"), "`token`: the value differs from the planned one (sensitive)"),
        ("list", Value::List(vec![]), "`list`: 1 elements were planned, but there are 0"),
        ("map", Value::Map([].into()), "`map`: the planned key \"k\" is gone"),
        (
            "map",
            Value::Map([("k".to_owned(), element("x")), ("l".to_owned(), element("x"))].into()),
            "`map`: the key \"l\" was not planned",
        ),
        ("tags", Value::set([Value::from("u")]), "`tags`: no element corresponds to the planned \"t\""),
        ("rule", Value::List(vec![]), "`rule`: 1 blocks were planned, but there are 0"),
        ("owner", Value::Null, "`owner`: the block was planned to be there, but is absent"),
    ];
    for (name, value, expected) in table {
        let actual = base().with(name, value);
        let found = texts(&check_compatible(&body(), Some(&base()), Some(&actual)));
        assert!(found.iter().any(|text| text == expected), "expected `{expected}` in {found:?}");
    }
}

#[test]
fn a_promise_about_an_unknown_value_must_be_kept() {
    let planned = base().with("id", Value::Unknown(Refinements::new().string_prefix("projects/")));
    let check = |id: &str| texts(&check_compatible(&body(), Some(&planned), Some(&base().with("id", id))));
    assert_eq!(check("projects/a"), Vec::<String>::new());
    assert_eq!(check("other"), ["`id`: \"other\" contradicts what was certain in the plan"]);
}

#[test]
fn unknown_values_may_become_anything_at_apply() {
    let planned = base().with("id", Value::unknown()).with("set", Value::set([element("x"), Value::unknown()]));
    let actual = base().with("id", "7").with("set", Value::set([element("x"), element("y")]));
    assert_eq!(check_compatible(&body(), Some(&planned), Some(&actual)), vec![]);
}

#[test]
fn an_object_must_be_there_exactly_if_it_was_planned() {
    assert_eq!(check_compatible(&body(), None, None), vec![]);
    assert_eq!(check_compatible(&body(), Some(&base()), None).len(), 1);
    assert_eq!(check_compatible(&body(), None, Some(&base())).len(), 1);
}

#[test]
fn a_state_is_wholly_known_and_holds_no_write_only_values() {
    assert_eq!(check_state(&body(), &base()), vec![]);
    let open = base().with("list", vec![Value::Object(Object::new().with("address", Value::unknown()))]).with("secret", "x");
    let at: Vec<String> = check_state(&body(), &open).iter().map(|v| v.path.to_string()).collect();
    assert_eq!(at, ["secret", "list[0].address"]);
}

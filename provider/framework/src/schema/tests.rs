//! Schema rules, wire form, and write-only values.

use tfplugin_proto::tfplugin6 as wire;

use super::*;
use crate::value::{Object, Value};

fn rules(schema: &Schema) -> Vec<String> {
    schema.check().iter().map(ToString::to_string).collect()
}

fn with(attribute: Attribute) -> Schema {
    Schema::new().attribute("a", attribute)
}

#[test]
fn a_sound_schema_has_no_problems() {
    let body = Body::new().attribute("host", Attribute::string().required());
    let schema = Schema::new()
        .version(1)
        .attribute("name", Attribute::string().required().replaces())
        .attribute("size", Attribute::integer().default(1))
        .attribute("count_of", Attribute::integer().computed())
        .attribute("id", Attribute::string().computed().stable())
        .attribute("peers", Attribute::list_nested(body.clone()).computed().depends_on_inputs(["size"]))
        .attribute("password", Attribute::string().optional().write_only().sensitive())
        .block("rule", Block::new(BlockNesting::List, body).items_max(3))
        .timeouts(Timeouts::new());
    assert_eq!(rules(&schema), Vec::<String>::new());
}

#[test]
fn each_broken_rule_is_named() {
    let in_set = |attribute| Attribute::set_nested(Body::new().attribute("x", attribute)).optional();
    let block = |nesting, min, max| Schema::new().block("b", Block::new(nesting, Body::new()).items_min(min).items_max(max));
    for (schema, expected) in [
        (with(Attribute::string()), "one of required, optional and computed"),
        (with(Attribute::string().required().optional()), "required and optional"),
        (with(Attribute::string().required().computed()), "required and computed"),
        (with(Attribute::string().optional().computed().write_only()), "write-only attribute cannot be computed"),
        (with(Attribute::bool().default("yes")), "default does not fit"),
        (with(Attribute::string().optional().stable()), "only computed attributes"),
        (with(Attribute::string().computed().depends_on_inputs(["b"])), "no root attribute"),
        (with(in_set(Attribute::string().optional().write_only())), "cannot hold write-only"),
        (with(in_set(Attribute::dynamic().optional())), "cannot hold dynamic"),
        (Schema::new().attribute("Name", Attribute::string().required()), "a name is made of"),
        (Schema::new().attribute("1st", Attribute::string().required()), "a name is made of"),
        (Schema::new().attribute("count", Attribute::string().required()), "reserved"),
        (Schema::new().version(-1), "version is negative"),
        (block(BlockNesting::Single, 0, 2), "do not fit the nesting"),
        (block(BlockNesting::Group, 1, 1), "do not fit the nesting"),
        (block(BlockNesting::Map, 0, 1), "do not fit the nesting"),
        (block(BlockNesting::List, 3, 2), "do not fit the nesting"),
        (with(Attribute::string().required()).block("a", Block::new(BlockNesting::List, Body::new())), "share a name"),
    ] {
        let found = rules(&schema);
        assert!(found.iter().any(|rule| rule.contains(expected)), "expected `{expected}` in {found:?}");
    }
}

#[test]
fn flags_and_types_reach_the_wire() {
    let schema = Schema::new().version(3).attribute(
        "peers",
        Attribute::map_nested(Body::new().attribute("port", Attribute::integer().required().sensitive()))
            .optional()
            .deprecated("use `nodes`")
            .description("Peers."),
    );
    let encoded = encode_schema(&schema);
    assert_eq!(encoded.version, 3);
    let peers = &encoded.block.expect("a block").attributes[0];
    assert!(peers.optional && !peers.required && peers.deprecated && peers.r#type.is_empty());
    assert_eq!((peers.deprecation_message.as_str(), peers.description.as_str()), ("use `nodes`", "Peers."));
    let nested = peers.nested_type.as_ref().expect("a nested type");
    assert_eq!(nested.nesting(), wire::schema::object::NestingMode::Map);
    let port = &nested.attributes[0];
    assert!(port.required && port.sensitive);
    assert_eq!(port.r#type.as_ref(), br#""number""#);
}

#[test]
fn a_block_with_a_dynamic_attribute_is_dynamic() {
    let body = Body::new().attribute("any", Attribute::dynamic().optional());
    assert_eq!(Block::new(BlockNesting::List, body.clone()).ty(), Type::Dynamic);
    assert_eq!(Block::new(BlockNesting::Single, body.clone()).ty(), body.object_type());
}

#[test]
fn write_only_values_are_found_and_taken_out_at_every_depth() {
    let secret = Attribute::string().optional().write_only();
    let body = Body::new()
        .attribute("plain", Attribute::string().optional())
        .attribute("secret", secret.clone())
        .attribute("users", Attribute::list_nested(Body::new().attribute("password", secret)).optional());
    let user = Value::Object(Object::from([("password", "b")]));
    let object = Object::new().with("plain", "x").with("secret", "a").with("users", vec![user]);
    let found: Vec<String> = find_write_only(&body, &object).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["secret", "users[0].password"]);
    let clean = without_write_only(&body, object);
    assert_eq!(find_write_only(&body, &clean), vec![]);
    assert_eq!(clean.value("plain"), &Value::from("x"));
}

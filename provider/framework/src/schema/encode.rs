//! Schemas on the wire.
//!
//! Called once per schema when GetProviderSchema is first answered. Invariant: names keep the order of the
//! schema's maps, so the encoded schema is the same every time.

use tfplugin_proto::tfplugin6 as wire;

use super::{Attribute, Block, BlockNesting, Body, Kind, Nesting, Schema};

/// The wire form of a schema.
pub(crate) fn encode_schema(schema: &Schema) -> wire::Schema {
    let mut block = encode_body(schema.body());
    block.description = schema.markdown().to_owned();
    block.description_kind = wire::StringKind::Markdown.into();
    block.deprecated = schema.deprecation().is_some();
    block.deprecation_message = schema.deprecation().unwrap_or_default().to_owned();
    wire::Schema { version: schema.state_version(), block: Some(block) }
}

fn encode_body(body: &Body) -> wire::schema::Block {
    wire::schema::Block {
        attributes: encode_attributes(body),
        block_types: body.blocks().iter().map(|(name, block)| encode_block(name, block)).collect(),
        ..wire::schema::Block::default()
    }
}

fn encode_attributes(body: &Body) -> Vec<wire::schema::Attribute> {
    body.attributes().iter().map(|(name, attribute)| encode_attribute(name, attribute)).collect()
}

fn encode_attribute(name: &str, attribute: &Attribute) -> wire::schema::Attribute {
    let (ty, nested_type) = match attribute.kind() {
        Kind::Plain(ty) => (ty.to_json(), None),
        Kind::Nested(nesting, body) => {
            let nesting = match nesting {
                Nesting::Single => wire::schema::object::NestingMode::Single,
                Nesting::List => wire::schema::object::NestingMode::List,
                Nesting::Set => wire::schema::object::NestingMode::Set,
                Nesting::Map => wire::schema::object::NestingMode::Map,
            };
            let object = wire::schema::Object {
                attributes: encode_attributes(body),
                nesting: nesting.into(),
                ..wire::schema::Object::default()
            };
            (Vec::new(), Some(object))
        }
    };
    wire::schema::Attribute {
        name: name.to_owned(),
        r#type: ty.into(),
        nested_type,
        description: attribute.markdown().to_owned(),
        description_kind: wire::StringKind::Markdown.into(),
        required: attribute.is_required(),
        optional: attribute.is_optional(),
        computed: attribute.is_computed(),
        sensitive: attribute.is_sensitive(),
        write_only: attribute.is_write_only(),
        deprecated: attribute.deprecation().is_some(),
        deprecation_message: attribute.deprecation().unwrap_or_default().to_owned(),
    }
}

fn encode_block(name: &str, block: &Block) -> wire::schema::NestedBlock {
    use wire::schema::nested_block::NestingMode;
    let mut body = encode_body(block.body());
    body.description = block.markdown().to_owned();
    body.description_kind = wire::StringKind::Markdown.into();
    body.deprecated = block.deprecation().is_some();
    body.deprecation_message = block.deprecation().unwrap_or_default().to_owned();
    let nesting = match block.nesting() {
        BlockNesting::Single => NestingMode::Single,
        BlockNesting::Group => NestingMode::Group,
        BlockNesting::List => NestingMode::List,
        BlockNesting::Set => NestingMode::Set,
        BlockNesting::Map => NestingMode::Map,
    };
    let (min_items, max_items) = block.limits();
    wire::schema::NestedBlock { type_name: name.to_owned(), block: Some(body), nesting: nesting.into(), min_items, max_items }
}

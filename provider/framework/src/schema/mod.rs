//! What a provider, resource or data source looks like to Terraform.
//!
//! Owns [`Schema`], [`Body`], [`Attribute`], [`Block`] and their builders. Resources declare with it; validation,
//! planning and the consistency check walk it. Invariant: a schema that passes [`Schema::check`] loads in
//! Terraform. It holds no values of a resource and does no I/O.

mod attribute;
mod block;
mod check;
mod encode;
mod write_only;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use attribute::{Attribute, Dependencies, Kind, Nesting};
pub use block::{Block, BlockNesting};
pub use check::SchemaProblem;
pub(crate) use encode::encode_schema;
pub(crate) use write_only::{elements, find_write_only, without_write_only};

use crate::timeouts::Timeouts;
use crate::value::{ObjectType, Type};

/// The schema of a provider, resource or data source.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    version: i64,
    body: Body,
    description: String,
    deprecated: Option<String>,
    timeouts: Option<Timeouts>,
}

impl Schema {
    /// An empty schema of version 0; resources raise the version when the stored state changes its shape.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same schema with a state version.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// The same schema with a description in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// The same schema marked deprecated; the message says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// The same schema with one more attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.body = self.body.attribute(name, attribute);
        self
    }

    /// The same schema with one more block type. Prefer nested attributes for new designs.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.body = self.body.block(name, block);
        self
    }

    /// The same schema with the `timeouts` attribute; each call's context then carries its deadline.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.body = self.body.attribute(crate::timeouts::ATTRIBUTE, timeouts.attribute());
        self.timeouts = Some(timeouts);
        self
    }

    /// The state version.
    #[must_use]
    pub fn state_version(&self) -> i64 {
        self.version
    }

    /// The attributes and blocks.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The deprecation message.
    #[must_use]
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecated.as_deref()
    }

    /// The description in Markdown.
    #[must_use]
    pub fn markdown(&self) -> &str {
        &self.description
    }

    pub(crate) fn declared_timeouts(&self) -> Option<&Timeouts> {
        self.timeouts.as_ref()
    }

    /// The type of the object this schema describes.
    #[must_use]
    pub fn object_type(&self) -> Type {
        self.body.object_type()
    }

    /// The rules that Terraform enforces when it loads a schema, and those of good sense.
    ///
    /// Call it in a unit test of each schema: `assert_eq!(schema().check(), vec![])`.
    #[must_use]
    pub fn check(&self) -> Vec<SchemaProblem> {
        check::check(self)
    }
}

/// Attributes and blocks of one level.
#[derive(Clone, Debug, Default)]
pub struct Body {
    attributes: BTreeMap<String, Attribute>,
    blocks: BTreeMap<String, Block>,
}

impl Body {
    /// An empty body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same body with one more attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.attributes.insert(name.into(), attribute);
        self
    }

    /// The same body with one more block type; only blocks and schemas may hold blocks.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.blocks.insert(name.into(), block);
        self
    }

    /// Attributes by name.
    #[must_use]
    pub fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.attributes
    }

    /// Blocks by type name.
    #[must_use]
    pub fn blocks(&self) -> &BTreeMap<String, Block> {
        &self.blocks
    }

    /// The type of an object with this body.
    #[must_use]
    pub fn object_type(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, a)| (name.clone(), a.ty()));
        let blocks = self.blocks.iter().map(|(name, b)| (name.clone(), b.ty()));
        let optional = self.attributes.iter().filter(|(_, a)| !a.is_required()).map(|(name, _)| name.clone()).collect();
        let ty = ObjectType { attributes: attributes.chain(blocks).collect(), optional };
        Type::Object(ty)
    }
}

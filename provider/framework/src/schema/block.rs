//! Nested blocks, for schemas that have to look like those of older providers.
//!
//! Owns [`Block`]. Schemas and blocks hold it. Invariant: a list or map block that holds a dynamic attribute
//! has the type dynamic, as Terraform sees it. New designs use nested attributes instead.

use super::Body;
use crate::value::Type;

/// How the objects of a block type are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockNesting {
    /// At most one block; null when there is none.
    Single,
    /// Exactly one object, made up when the configuration has no block.
    Group,
    /// A list of blocks.
    List,
    /// A set of blocks.
    Set,
    /// Blocks by label.
    Map,
}

/// One block type.
#[derive(Clone, Debug)]
pub struct Block {
    nesting: BlockNesting,
    body: Body,
    description: String,
    deprecated: Option<String>,
    items_min: i64,
    items_max: i64,
}

impl Block {
    /// A block type without limits on how many there are.
    #[must_use]
    pub fn new(nesting: BlockNesting, body: Body) -> Self {
        Self { nesting, body, description: String::new(), deprecated: None, items_min: 0, items_max: 0 }
    }

    /// The same block with a description in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// The same block marked deprecated.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// How many blocks there must be; 0 is the default.
    #[must_use]
    pub fn items_min(mut self, count: i64) -> Self {
        self.items_min = count;
        self
    }

    /// How many blocks there may be; 0, the default, means any number.
    #[must_use]
    pub fn items_max(mut self, count: i64) -> Self {
        self.items_max = count;
        self
    }

    /// How the objects are held.
    #[must_use]
    pub fn nesting(&self) -> BlockNesting {
        self.nesting
    }

    /// What a block holds.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The least and greatest number of blocks; a greatest of 0 means any.
    #[must_use]
    pub fn limits(&self) -> (i64, i64) {
        (self.items_min, self.items_max)
    }

    /// The description in Markdown.
    #[must_use]
    pub fn markdown(&self) -> &str {
        &self.description
    }

    /// The deprecation message.
    #[must_use]
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecated.as_deref()
    }

    /// The type of the block collection.
    #[must_use]
    pub fn ty(&self) -> Type {
        let object = self.body.object_type();
        match self.nesting {
            BlockNesting::Single | BlockNesting::Group => object,
            BlockNesting::List | BlockNesting::Map if object.has_dynamic() => Type::Dynamic,
            BlockNesting::List => Type::list(object),
            BlockNesting::Set => Type::set(object),
            BlockNesting::Map => Type::map(object),
        }
    }
}

//! The rules of schemas.
//!
//! Owns [`SchemaProblem`]. Unit tests of providers call it through [`Schema::check`]. Invariant: a schema
//! without problems here is accepted by Terraform's own check on load. It runs in tests, never in the server.

use super::{Attribute, Block, BlockNesting, Body, Dependencies, Kind, Nesting, Schema};
use crate::path::AttributePath;

/// Root names that Terraform keeps for itself.
const RESERVED: [&str; 9] =
    ["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner", "alias", "version"];

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {rule}")]
pub struct SchemaProblem {
    /// The attribute or block; the root for the schema itself.
    pub path: AttributePath,
    /// What is wrong.
    pub rule: String,
}

pub(super) fn check(schema: &Schema) -> Vec<SchemaProblem> {
    let mut checker = Checker { problems: Vec::new(), root: schema.body() };
    let root = AttributePath::root();
    if schema.state_version() < 0 {
        checker.problem(&root, "the version is negative");
    }
    for name in schema.body().attributes().keys().chain(schema.body().blocks().keys()) {
        if RESERVED.contains(&name.as_str()) {
            checker.problem(&root.clone().attribute(name), "the name is reserved by Terraform");
        }
    }
    checker.body(schema.body(), &root, Place::Free);
    checker.problems
}

/// Whether the children are elements of a set, which may hold neither dynamic nor write-only values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    InSet,
}

struct Checker<'s> {
    problems: Vec<SchemaProblem>,
    root: &'s Body,
}

impl Checker<'_> {
    fn problem(&mut self, path: &AttributePath, rule: impl Into<String>) {
        self.problems.push(SchemaProblem { path: path.clone(), rule: rule.into() });
    }

    fn body(&mut self, body: &Body, path: &AttributePath, place: Place) {
        for (name, attribute) in body.attributes() {
            let path = path.clone().attribute(name);
            self.name(name, &path);
            self.flags(attribute, &path);
            self.plan_rules(attribute, &path);
            if place == Place::InSet && attribute.is_write_only() {
                self.problem(&path, "a set cannot hold write-only attributes");
            }
            match attribute.kind() {
                Kind::Plain(ty) => {
                    if place == Place::InSet && ty.has_dynamic() {
                        self.problem(&path, "a set cannot hold dynamic values");
                    }
                }
                Kind::Nested(nesting, nested) => {
                    if !nested.blocks().is_empty() {
                        self.problem(&path, "a nested attribute cannot hold blocks");
                    }
                    let place = if *nesting == Nesting::Set { Place::InSet } else { place };
                    self.body(nested, &path, place);
                }
            }
        }
        for (name, block) in body.blocks() {
            let path = path.clone().attribute(name);
            self.name(name, &path);
            if body.attributes().contains_key(name) {
                self.problem(&path, "an attribute and a block share a name");
            }
            self.limits(block, &path);
            let place = if block.nesting() == BlockNesting::Set { Place::InSet } else { place };
            self.body(block.body(), &path, place);
        }
    }

    fn name(&mut self, name: &str, path: &AttributePath) {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(allowed) {
            self.problem(path, "a name is made of a-z, 0-9 and _, and does not start with a digit");
        }
    }

    fn flags(&mut self, attribute: &Attribute, path: &AttributePath) {
        let (required, optional, computed) = (attribute.is_required(), attribute.is_optional(), attribute.is_computed());
        if !required && !optional && !computed {
            self.problem(path, "one of required, optional and computed is needed");
        }
        if required && optional {
            self.problem(path, "required and optional exclude each other");
        }
        if required && computed {
            self.problem(path, "required and computed exclude each other (a default makes computed)");
        }
        if attribute.is_write_only() && computed {
            self.problem(path, "a write-only attribute cannot be computed");
        }
        if attribute.is_read_only() && !attribute.validators().is_empty() && !is_integer_only(attribute) {
            self.problem(path, "validators of an attribute that nobody can configure never run");
        }
        if let Some(default) = attribute.default_value()
            && let Err(mismatch) = attribute.ty().conform(default.clone())
        {
            self.problem(path, format!("the default does not fit the type: {mismatch}"));
        }
    }

    fn plan_rules(&mut self, attribute: &Attribute, path: &AttributePath) {
        let Dependencies::Inputs(inputs) = attribute.dependencies() else { return };
        if !attribute.is_computed() {
            self.problem(path, "only computed attributes depend on inputs");
        }
        for input in inputs {
            if !self.root.attributes().contains_key(input) && !self.root.blocks().contains_key(input) {
                self.problem(path, format!("depends on `{input}`, which is no root attribute"));
            }
        }
    }

    fn limits(&mut self, block: &Block, path: &AttributePath) {
        let (min, max) = block.limits();
        let fits = match block.nesting() {
            BlockNesting::Single => min == max && (0..=1).contains(&min) || (min, max) == (0, 1),
            BlockNesting::Group | BlockNesting::Map => (min, max) == (0, 0),
            BlockNesting::List | BlockNesting::Set => min >= 0 && max >= 0 && (max == 0 || min <= max),
        };
        if !fits {
            self.problem(path, format!("{min} to {max} blocks do not fit the nesting {:?}", block.nesting()));
        }
    }
}

/// `Attribute::integer()` brings its own validator, also for computed attributes, where it is harmless.
fn is_integer_only(attribute: &Attribute) -> bool {
    attribute.validators().len() == 1 && matches!(attribute.kind(), Kind::Plain(crate::value::Type::Number))
}

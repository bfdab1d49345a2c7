//! One documentation page in the layout of the Terraform registry.
//!
//! Owns the rendering of schemas; the test beside it calls it. Invariant: a page follows from the schema and the
//! example files alone, so it cannot say what the provider does not do.

use provider_framework::schema::{BlockNesting, Kind, Nesting};
use provider_framework::{Attribute, Body, Schema, Type};

/// What a page shows beside the schema.
pub(crate) struct Page<'a> {
    /// The browser's title.
    pub(crate) title: &'a str,
    /// The first heading.
    pub(crate) heading: &'a str,
    pub(crate) schema: &'a Schema,
    /// A configuration, from `examples/`.
    pub(crate) example: &'a str,
    /// Import commands, from `examples/`.
    pub(crate) import: Option<&'a str>,
}

impl Page<'_> {
    pub(crate) fn render(&self) -> String {
        let description = self.schema.markdown();
        let mut page = format!(
            "---\npage_title: \"{}\"\nsubcategory: \"\"\ndescription: |-\n  {description}\n---\n\n# {}\n\n{description}\n\n",
            self.title, self.heading
        );
        section(&mut page, "## Example Usage", "terraform", self.example);
        page.push_str("<!-- Generated from the provider's schema; UPDATE_DOCS=1 cargo test refreshes it. -->\n## Schema\n");
        let mut nested = Vec::new();
        groups(&mut page, self.schema.body(), "", &mut nested);
        while !nested.is_empty() {
            let (path, body) = nested.remove(0);
            page.push_str(&format!("\n<a id=\"nestedatt--{}\"></a>\n### Nested Schema for `{path}`\n", path.replace('.', "--")));
            let mut below = Vec::new();
            groups(&mut page, body, &path, &mut below);
            below.append(&mut nested);
            nested = below;
        }
        if let Some(import) = self.import {
            page.push_str("\n## Import\n\nEach of these commands takes an existing instance into the state:\n\n");
            page.push_str(&format!("```shell\n{}\n```\n", import.trim_end()));
        }
        page
    }
}

fn section(page: &mut String, heading: &str, language: &str, code: &str) {
    page.push_str(&format!("{heading}\n\n```{language}\n{}\n```\n\n", code.trim_end()));
}

/// A group of attributes in the registry's layout.
struct Group {
    heading: &'static str,
    holds: fn(&Attribute) -> bool,
}

const GROUPS: [Group; 3] = [
    Group { heading: "Required", holds: Attribute::is_required },
    Group { heading: "Optional", holds: Attribute::is_optional },
    Group { heading: "Read-Only", holds: Attribute::is_read_only },
];

/// The groups of the attributes at `path`, which is empty at the root; nested bodies are left to the caller.
fn groups<'s>(page: &mut String, body: &'s Body, path: &str, nested: &mut Vec<(String, &'s Body)>) {
    for Group { heading, holds } in GROUPS {
        let members: Vec<_> = body.attributes().iter().filter(|(_, attribute)| holds(attribute)).collect();
        if members.is_empty() {
            continue;
        }
        page.push_str(&if path.is_empty() { format!("\n### {heading}\n\n") } else { format!("\n{heading}:\n\n") });
        for (name, attribute) in members {
            page.push_str(&format!("- `{name}` ({}) {}", type_name(attribute), attribute.markdown()));
            if let Kind::Nested(_, body) = attribute.kind() {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                page.push_str(&format!(" (see [below for nested schema](#nestedatt--{}))", path.replace('.', "--")));
                nested.push((path, body));
            }
            page.push('\n');
        }
    }
    blocks(page, body, path, nested);
}

/// The blocks of the body at `path`.
fn blocks<'s>(page: &mut String, body: &'s Body, path: &str, nested: &mut Vec<(String, &'s Body)>) {
    if body.blocks().is_empty() {
        return;
    }
    page.push_str(if path.is_empty() { "\n### Blocks\n\n" } else { "\nBlocks:\n\n" });
    for (name, block) in body.blocks() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let anchor = path.replace('.', "--");
        let kind = match block.nesting() {
            BlockNesting::Single | BlockNesting::Group => "Block",
            BlockNesting::List => "Block List",
            BlockNesting::Set => "Block Set",
            BlockNesting::Map => "Block Map",
        };
        page.push_str(&format!(
            "- `{name}` ({kind}) {} (see [below for nested schema](#nestedatt--{anchor}))\n",
            block.markdown()
        ));
        nested.push((path, block.body()));
    }
}

fn type_name(attribute: &Attribute) -> String {
    match attribute.kind() {
        Kind::Plain(ty) => plain(ty),
        Kind::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Kind::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        Kind::Nested(Nesting::Set, _) => "Attributes Set".to_owned(),
        Kind::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    }
}

fn plain(ty: &Type) -> String {
    match ty {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", plain(element)),
        Type::Set(element) => format!("Set of {}", plain(element)),
        Type::Map(element) => format!("Map of {}", plain(element)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => "Object".to_owned(),
    }
}

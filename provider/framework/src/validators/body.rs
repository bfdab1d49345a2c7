//! Validation of a whole configuration against its schema.
//!
//! Called by the Validate RPCs. Invariant: the order is fixed (read-only, required, write-only, rules, nested,
//! deprecation), unknown values pass, and every message names the attribute. It is given decoded values, so
//! types are right already.

use super::{Shown, diagnostic};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::{AttributePath, Step};
use crate::plan::set_element;
use crate::schema::{Attribute, Body, Kind};
use crate::value::{Object, Value};

/// Whether the host can carry write-only attributes (Terraform 1.11, OpenTofu 1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOnlySupport {
    Supported,
    Unsupported,
}

/// Judges `config` by the flags and validators of `body`.
pub(crate) fn validate_config(body: &Body, config: &Object, write_only: WriteOnlySupport) -> Diagnostics {
    let mut walk = Walk { found: Diagnostics::new(), write_only };
    walk.body(body, config, &AttributePath::root(), Shown::Plainly);
    walk.found
}

struct Walk {
    found: Diagnostics,
    write_only: WriteOnlySupport,
}

impl Walk {
    fn body(&mut self, body: &Body, config: &Object, path: &AttributePath, shown: Shown) {
        for (name, attribute) in body.attributes() {
            let shown = if attribute.is_sensitive() { Shown::Hidden } else { shown };
            self.attribute(attribute, config.value(name), path.clone().attribute(name), shown);
        }
        for (name, block) in body.blocks() {
            let path = path.clone().attribute(name);
            let value = config.value(name);
            self.block_count(block.limits(), value, &path);
            if let Some(message) = block.deprecation()
                && !crate::schema::elements(value).is_empty()
            {
                self.deprecated(message, &path);
            }
            self.elements(block.body(), value, &path, shown);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, value: &Value, path: AttributePath, shown: Shown) {
        if value.is_null() {
            if attribute.is_required() {
                self.found
                    .push(Diagnostic::error("Missing required attribute").detail(format!("`{path}` must be set.")).at(path));
            }
            return;
        }
        if attribute.is_read_only() {
            self.found.push(
                Diagnostic::error("Read-only attribute in configuration")
                    .detail(format!("`{path}` is set by the provider; remove it from the configuration."))
                    .at(path),
            );
            return;
        }
        if attribute.is_write_only() && self.write_only == WriteOnlySupport::Unsupported {
            let detail = format!("`{path}` is write-only, which needs Terraform 1.11 or OpenTofu 1.11.");
            self.found.push(Diagnostic::error("Write-only attribute not supported").detail(detail).at(path));
            return;
        }
        if value.is_unknown() {
            return;
        }
        for problem in attribute.validators().iter().flat_map(|validator| validator.check(value)) {
            let at = problem.below.steps().iter().cloned().fold(path.clone(), extend);
            self.found.push(diagnostic(&problem, at, shown));
        }
        if let Kind::Nested(_, nested) = attribute.kind() {
            self.elements(nested, value, &path, shown);
        }
        if let Some(message) = attribute.deprecation() {
            self.deprecated(message, &path);
        }
    }

    fn elements(&mut self, body: &Body, value: &Value, path: &AttributePath, shown: Shown) {
        let in_set = matches!(value, Value::Set(_));
        if let Value::Set(items) = value {
            self.distinct(body, items, path);
        }
        for (step, element) in crate::schema::elements(value) {
            let below = match step {
                Some(step) if !in_set => extend(path.clone(), step),
                Some(_) | None => path.clone(),
            };
            self.body(body, element, &below, shown);
        }
    }

    /// Terraform would reject the plan if defaults made two configured elements one, in words that help nobody.
    fn distinct(&mut self, body: &Body, items: &[Value], path: &AttributePath) {
        let filled = Value::set(items.iter().map(|item| set_element(body, None, item)));
        if filled.as_elements().is_some_and(|filled| filled.len() < items.len()) {
            self.found.push(
                Diagnostic::error("Equal elements in a set")
                    .detail(format!("`{path}` has elements that are equal once defaults are filled in; remove one of them."))
                    .at(path.clone()),
            );
        }
    }

    fn block_count(&mut self, (min, max): (i64, i64), value: &Value, path: &AttributePath) {
        let Some(count) = value.as_elements().map(<[Value]>::len) else { return };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if count < min || (max > 0 && count > max) {
            let limit = if max > 0 { format!("{min} to {max}") } else { format!("at least {min}") };
            self.found.push(
                Diagnostic::error("Wrong number of blocks")
                    .detail(format!("There must be {limit} `{path}` blocks; there are {count}."))
                    .at(path.clone()),
            );
        }
    }

    fn deprecated(&mut self, message: &str, path: &AttributePath) {
        self.found.push(Diagnostic::warning("Deprecated attribute").detail(format!("`{path}`: {message}")).at(path.clone()));
    }
}

fn extend(path: AttributePath, step: Step) -> AttributePath {
    match step {
        Step::Attribute(name) => path.attribute(name),
        Step::Key(key) => path.key(key),
        Step::Index(index) => path.index(index),
    }
}

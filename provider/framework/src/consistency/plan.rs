//! What Terraform accepts as a plan.
//!
//! See the parent module. The order and the outcome follow Terraform's check of planned values; the words are
//! ours.

use super::{Violation, check_write_only, equal_unrefined};
use crate::path::{AttributePath, Step};
use crate::schema::{Attribute, Block, BlockNesting, Body, Kind};
use crate::value::{Object, Value};

/// Whether `planned` is a valid plan for `config`, given `prior`. `None` means that there is no object; a
/// destroy has neither configuration nor plan.
#[must_use]
pub fn check_planned(body: &Body, prior: Option<&Object>, config: Option<&Object>, planned: Option<&Object>) -> Vec<Violation> {
    let root = AttributePath::root();
    match (config, planned) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![Violation::new(&root, "an object is planned where none is wanted")],
        (Some(_), None) => vec![Violation::new(&root, "no object is planned where one is wanted")],
        (Some(config), Some(planned)) => {
            let mut found = check_write_only(body, planned);
            let mut checker = Checker { found: Vec::new() };
            checker.body(body, prior, config, planned, &root);
            found.extend(checker.found);
            found
        }
    }
}

struct Checker {
    found: Vec<Violation>,
}

impl Checker {
    fn broken(&mut self, path: &AttributePath, rule: impl Into<String>) {
        self.found.push(Violation::new(path, rule));
    }

    fn body(&mut self, body: &Body, prior: Option<&Object>, config: &Object, planned: &Object, path: &AttributePath) {
        static NULL: Value = Value::Null;
        for (name, attribute) in body.attributes() {
            let prior = prior.map_or(&NULL, |prior| prior.value(name));
            let path = path.clone().attribute(name);
            self.attribute(attribute, prior, config.value(name), planned.value(name), &path);
        }
        for (name, block) in body.blocks() {
            let prior = prior.map_or(&NULL, |prior| prior.value(name));
            self.block(block, prior, config.value(name), planned.value(name), &path.clone().attribute(name));
        }
    }

    fn attribute(&mut self, attribute: &Attribute, prior: &Value, config: &Value, planned: &Value, path: &AttributePath) {
        if attribute.is_write_only() || equal_unrefined(planned, config) {
            return;
        }
        if planned == prior && !prior.is_null() && !config.is_null() {
            return;
        }
        if config.is_null() && attribute.is_computed() {
            return;
        }
        if let Kind::Nested(_, body) = attribute.kind() {
            return self.nested(body, prior, config, planned, path);
        }
        let shown = |value: &Value| if attribute.is_sensitive() { "(sensitive)".to_owned() } else { value.to_string() };
        if config.is_null() {
            self.broken(path, format!("{} is planned for an attribute that is neither configured nor computed", shown(planned)));
        } else if prior.is_null() {
            self.broken(path, format!("the planned {} is not the configured {}", shown(planned), shown(config)));
        } else {
            let (planned, config, prior) = (shown(planned), shown(config), shown(prior));
            self.broken(path, format!("the planned {planned} is neither the configured {config} nor the prior {prior}"));
        }
    }

    fn nested(&mut self, body: &Body, prior: &Value, config: &Value, planned: &Value, path: &AttributePath) {
        match (config, planned) {
            (Value::Null, Value::Null) => {}
            (Value::Null, _) => self.broken(path, "a value is planned where the configuration has none"),
            (_, Value::Null) => self.broken(path, "no value is planned where the configuration has one"),
            (Value::Unknown(_), _) => {}
            (_, Value::Unknown(_)) => self.broken(path, "unknown is planned for a configured value"),
            (Value::Object(config), Value::Object(planned)) => self.body(body, prior.as_object(), config, planned, path),
            (Value::Set(config), Value::Set(planned)) => self.same_count(config.len(), planned.len(), path),
            (config, planned) => self.elements(body, prior, config, planned, path),
        }
    }

    fn same_count(&mut self, config: usize, planned: usize, path: &AttributePath) {
        if config != planned {
            self.broken(path, format!("{planned} elements are planned where {config} are configured"));
        }
    }

    /// Lists, tuples and maps.
    fn elements(&mut self, body: &Body, prior: &Value, config: &Value, planned: &Value, path: &AttributePath) {
        if let (Some(config), Some(planned)) = (config.as_elements(), planned.as_elements()) {
            self.same_count(config.len(), planned.len(), path);
            for (index, (config, planned)) in config.iter().zip(planned).enumerate() {
                let prior = crate::plan::element(prior, &Step::Index(index));
                self.nested(body, prior, config, planned, &path.clone().index(index));
            }
        } else if let (Some(config), Some(planned)) = (config.as_map(), planned.as_map()) {
            for key in config.keys().filter(|key| !planned.contains_key(*key)) {
                self.broken(path, format!("the configured key {key:?} is not planned"));
            }
            for (key, planned) in planned {
                let Some(config) = config.get(key) else {
                    self.broken(path, format!("the planned key {key:?} is not configured"));
                    continue;
                };
                let prior = crate::plan::element(prior, &Step::Key(key.clone()));
                self.nested(body, prior, config, planned, &path.clone().key(key));
            }
        }
    }

    fn block(&mut self, block: &Block, prior: &Value, config: &Value, planned: &Value, path: &AttributePath) {
        let body = block.body();
        match block.nesting() {
            BlockNesting::Single | BlockNesting::Group => self.nested(body, prior, config, planned, path),
            BlockNesting::List | BlockNesting::Set | BlockNesting::Map => match (config, planned) {
                (_, Value::Null) => self.broken(path, "no blocks are an empty collection, not null"),
                (Value::Unknown(_), Value::Unknown(_)) => {}
                (Value::Unknown(_), _) => self.broken(path, "a value is planned for blocks that are not known yet"),
                (_, Value::Unknown(_)) => self.broken(path, "unknown is planned for configured blocks"),
                (Value::Set(config), Value::Set(planned)) => {
                    self.same_count(config.len(), planned.len(), path);
                    if planned.iter().any(Value::is_unknown) {
                        self.broken(path, "a block cannot be unknown as a whole; its attributes can");
                    }
                }
                (Value::Dynamic(config), Value::Dynamic(planned)) => {
                    self.elements(body, prior, &config.value, &planned.value, path);
                }
                (config, planned) => self.elements(body, prior, config, planned, path),
            },
        }
    }
}

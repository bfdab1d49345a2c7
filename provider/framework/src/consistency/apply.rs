//! What Terraform accepts as the outcome of a plan.
//!
//! See the parent module. The same rules hold between the plan and the plan made again at apply.

use super::Violation;
use crate::path::AttributePath;
use crate::schema::{Block, BlockNesting, Body};
use crate::value::{Object, Value};

/// Whether `actual` keeps what `planned` promised: known values stay as they are, unknown ones may become
/// anything that their refinements allow. `None` means that there is no object.
#[must_use]
pub fn check_compatible(body: &Body, planned: Option<&Object>, actual: Option<&Object>) -> Vec<Violation> {
    let root = AttributePath::root();
    let mut found = Vec::new();
    match (planned, actual) {
        (None, None) => {}
        (None, Some(_)) => found.push(Violation::new(&root, "the object was planned to be absent, but is there")),
        (Some(_), None) => found.push(Violation::new(&root, "the object was planned to be there, but is absent")),
        (Some(planned), Some(actual)) => objects(body, planned, actual, &root, &mut found),
    }
    found
}

fn objects(body: &Body, planned: &Object, actual: &Object, path: &AttributePath, found: &mut Vec<Violation>) {
    for (name, attribute) in body.attributes() {
        let path = path.clone().attribute(name);
        let mut broken = Vec::new();
        values(planned.value(name), actual.value(name), &path, &mut broken);
        if attribute.is_sensitive() && !broken.is_empty() {
            broken = vec![Violation::new(&path, "the value differs from the planned one (sensitive)")];
        }
        found.extend(broken);
    }
    for (name, block) in body.blocks() {
        blocks(block, planned.value(name), actual.value(name), &path.clone().attribute(name), found);
    }
}

fn blocks(block: &Block, planned: &Value, actual: &Value, path: &AttributePath, found: &mut Vec<Violation>) {
    if planned.is_unknown() {
        return;
    }
    match block.nesting() {
        BlockNesting::Single | BlockNesting::Group => match (planned.as_object(), actual.as_object()) {
            (Some(planned), Some(actual)) => objects(block.body(), planned, actual, path, found),
            (None, None) => {}
            (None, Some(_)) => found.push(Violation::new(path, "the block was planned to be absent, but is there")),
            (Some(_), None) => found.push(Violation::new(path, "the block was planned to be there, but is absent")),
        },
        BlockNesting::List | BlockNesting::Set | BlockNesting::Map => {
            let count = |value: &Value| crate::schema::elements(value).len();
            if count(planned) == count(actual) {
                values(planned, actual, path, found);
            } else {
                let rule = format!("{} blocks were planned, but there are {}", count(planned), count(actual));
                found.push(Violation::new(path, rule));
            }
        }
    }
}

fn values(planned: &Value, actual: &Value, path: &AttributePath, found: &mut Vec<Violation>) {
    let mut broken = |rule: String| found.push(Violation::new(path, rule));
    match (planned, actual) {
        (Value::Unknown(facts), actual) => {
            if !actual.is_unknown() && !facts.allow(actual) {
                broken(format!("{actual} contradicts what was certain in the plan"));
            }
        }
        (_, Value::Unknown(_)) => broken(format!("{planned} was planned, but it is unknown now")),
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            if a.len() != b.len() {
                return broken(format!("{} elements were planned, but there are {}", a.len(), b.len()));
            }
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                values(a, b, &path.clone().index(index), found);
            }
        }
        (Value::Set(a), Value::Set(b)) => sets(a, b, path, found),
        (Value::Map(a), Value::Map(b)) => {
            for (key, a) in a {
                match b.get(key) {
                    Some(b) => values(a, b, &path.clone().key(key), found),
                    None => found.push(Violation::new(path, format!("the planned key {key:?} is gone"))),
                }
            }
            for key in b.keys().filter(|key| !a.contains_key(*key)) {
                found.push(Violation::new(path, format!("the key {key:?} was not planned")));
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            for (name, a) in a.iter() {
                values(a, b.value(name), &path.clone().attribute(name), found);
            }
        }
        (Value::Dynamic(a), Value::Dynamic(b)) => {
            if a.ty == b.ty {
                values(&a.value, &b.value, path, found);
            } else {
                broken("the type differs from the planned one".to_owned());
            }
        }
        (planned, actual) => {
            if planned != actual {
                broken(format!("{planned} was planned, but it is {actual} now"));
            }
        }
    }
}

fn sets(planned: &[Value], actual: &[Value], path: &AttributePath, found: &mut Vec<Violation>) {
    let fits = |planned: &Value, actual: &Value| {
        let mut broken = Vec::new();
        values(planned, actual, path, &mut broken);
        broken.is_empty()
    };
    for a in planned.iter().filter(|a| !actual.iter().any(|b| fits(a, b))) {
        found.push(Violation::new(path, format!("no element corresponds to the planned {a}")));
    }
    for b in actual.iter().filter(|b| !planned.iter().any(|a| fits(a, b))) {
        found.push(Violation::new(path, format!("the element {b} was not planned")));
    }
}

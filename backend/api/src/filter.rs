//! The filter of instance lists: a small part of the cloud's filter language.
//!
//! Terms joined by `AND`; a term is `FIELD = VALUE`, `FIELD != VALUE` or `FIELD : VALUE`, the latter meaning "contains" for
//! `name`, "is" for `state`, and for `labels.KEY` the value or, with `*`, that there is such a label. Values may be quoted.
//! Anything else is refused: a filter that is not understood must not pass for one that matches.

use valkyard_model::DesiredInstance;

use crate::ApiError;
use crate::convert::instance_state;

const WHAT_IS_KNOWN: &str =
    "known are name, state and labels.KEY with =, != or :, joined by AND, such as labels.team=web AND state=ACTIVE";

/// A parsed filter; all terms must hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, PartialEq, Eq)]
struct Term {
    field: Field,
    relation: Relation,
    value: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Field {
    Name,
    State,
    Label(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    IsNot,
    Has,
}

impl Filter {
    /// Reads a filter; an empty one accepts everything.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = || ApiError::invalid("filter", format!("{text:?} is not understood; {WHAT_IS_KNOWN}"));
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut terms = Vec::new();
        let mut rest = text.trim();
        loop {
            let (term, tail) = parse_term(rest).ok_or_else(refused)?;
            terms.push(term);
            if tail.is_empty() {
                return Ok(Self { terms });
            }
            rest = tail.strip_prefix("AND ").ok_or_else(refused)?.trim_start();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(crate) fn accepts(&self, instance: &DesiredInstance) -> bool {
        self.terms.iter().all(|term| term.holds(instance))
    }
}

/// A term and what follows it, both without blanks around.
fn parse_term(text: &str) -> Option<(Term, &str)> {
    let at = text.find(['=', ':', '!'])?;
    let field = match text[..at].trim_end() {
        "name" => Field::Name,
        "state" => Field::State,
        field => Field::Label(field.strip_prefix("labels.").filter(|key| !key.is_empty())?.to_owned()),
    };
    let tail = &text[at..];
    let (relation, tail) = if let Some(tail) = tail.strip_prefix("!=") {
        (Relation::IsNot, tail)
    } else if let Some(tail) = tail.strip_prefix('=') {
        (Relation::Is, tail)
    } else {
        (Relation::Has, tail.strip_prefix(':')?)
    };
    let tail = tail.trim_start();
    let (value, tail) = match tail.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => tail.split_at(tail.find(char::is_whitespace).unwrap_or(tail.len())),
    };
    let is_plain = !value.is_empty() && !value.contains(['(', ')', '=', '!', '<', '>']);
    is_plain.then(|| (Term { field, relation, value: value.to_owned() }, tail.trim_start()))
}

impl Term {
    fn holds(&self, instance: &DesiredInstance) -> bool {
        let holds = match &self.field {
            Field::Name => {
                let name = instance.name.to_string();
                match self.relation {
                    Relation::Has => name.contains(&self.value),
                    Relation::Is | Relation::IsNot => name == self.value || instance.name.instance.as_str() == self.value,
                }
            }
            Field::State => instance_state(instance).as_str_name() == self.value,
            Field::Label(key) => {
                let label = instance.spec.labels.get(key);
                let asks_presence = self.relation == Relation::Has && self.value == "*";
                label.is_some_and(|label| asks_presence || *label == self.value)
            }
        };
        holds != (self.relation == Relation::IsNot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_with_and_without_quotes_and_blanks() {
        for (text, count) in [
            ("", 0),
            ("labels.team=web", 1),
            ("labels.team = \"web\"", 1),
            ("labels.team:* AND state=ACTIVE", 2),
            ("name:cache AND state != DELETING AND labels.a=b", 3),
        ] {
            assert_eq!(Filter::parse(text).expect(text).terms.len(), count, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "cache",
            "size=3",
            "labels.=x",
            "state=ACTIVE OR state=CREATING",
            "NOT state=ACTIVE",
            "state=",
            "(state=ACTIVE)",
            "labels.a=b AND",
            "name=\"x",
            "shardCount>3",
            "state==ACTIVE",
            "state!ACTIVE",
        ] {
            assert!(Filter::parse(text).is_err(), "{text:?} was understood as {:?}", Filter::parse(text));
        }
    }
}

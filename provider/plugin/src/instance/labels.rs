//! The three label attributes, as in Google's provider.
//!
//! `labels` are those of the configuration, `terraform_labels` those and the provider's defaults, and
//! `effective_labels` all that the instance has. Planning, reading and requests call it. Invariant: labels that
//! somebody else put on the instance are shown in `effective_labels` and never changed.

use std::collections::BTreeMap;

use provider_framework::{MaybeKnown, Object, PlannedChange, Value};

pub(crate) type Labels = BTreeMap<String, String>;

/// Plans `terraform_labels` and `effective_labels`.
pub(crate) fn plan(change: &mut PlannedChange, defaults: &MaybeKnown<Labels>) {
    let own = change.planned.value("labels");
    let (MaybeKnown::Known(defaults), true) = (defaults, own.is_wholly_known()) else {
        change.planned.set("terraform_labels", Value::unknown());
        change.planned.set("effective_labels", Value::unknown());
        return;
    };
    let mut managed = defaults.clone();
    managed.extend(known(own));
    let mut effective = change.prior().map(foreign).unwrap_or_default();
    effective.extend(managed.clone());
    change.planned.set("terraform_labels", managed);
    change.planned.set("effective_labels", effective);
}

/// Labels in the state that this provider did not set.
fn foreign(prior: &Object) -> Labels {
    let managed = known(prior.value("terraform_labels"));
    let mut labels = known(prior.value("effective_labels"));
    labels.retain(|key, _| !managed.contains_key(key));
    labels
}

/// Shows the instance's labels in the three attributes of `state`; of the first two only keys that `prior` has.
pub(crate) fn show(state: &mut Object, prior: &Object, actual: &Labels) {
    let of_prior = |attribute: &str| {
        let keys = known(prior.value(attribute));
        let mut labels = actual.clone();
        labels.retain(|key, _| keys.contains_key(key));
        labels
    };
    let own = if prior.value("labels").is_null() { Value::Null } else { of_prior("labels").into() };
    state.set("labels", own);
    state.set("terraform_labels", of_prior("terraform_labels"));
    state.set("effective_labels", actual.clone());
}

fn known(value: &Value) -> Labels {
    let entries = value.as_map().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_of_others_are_shown_only_as_effective() {
        let prior = Object::new()
            .with("labels", labels(&[("team", "a")]))
            .with("terraform_labels", labels(&[("team", "a"), ("env", "ci")]));
        let mut state = Object::new();
        show(&mut state, &prior, &labels(&[("team", "b"), ("env", "ci"), ("foreign", "x")]));
        assert_eq!(state.value("labels"), &labels(&[("team", "b")]).into());
        assert_eq!(state.value("terraform_labels"), &labels(&[("team", "b"), ("env", "ci")]).into());
        assert_eq!(known(state.value("effective_labels")).len(), 3);
    }

    #[test]
    fn without_labels_in_the_state_there_are_none_after_a_read() {
        let mut state = Object::new();
        show(&mut state, &Object::new(), &labels(&[("foreign", "x")]));
        assert_eq!(state.value("labels"), &Value::Null);
        assert_eq!(state.value("terraform_labels"), &Labels::new().into());
    }
}

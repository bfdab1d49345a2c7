//! Planning: from prior state, configuration and proposed state to the planned state.
//!
//! Owns the plan order and [`PlannedChange`]. `rpc::plan_resource_change` calls it. Invariants: it is a pure
//! function of its arguments; without a change the plan is the prior state, bit by bit; an unknown is planned
//! only where the change can alter the value. What only a resource can compute is left to its `modify_plan`.

mod change;
mod defaults;
mod modifier;
mod replace;
mod unknowns;

#[cfg(test)]
mod tests;

pub use change::PlannedChange;
pub(crate) use defaults::set_element;
pub(crate) use modifier::child as element;
pub use modifier::{AttributePlan, PlanModifier, RequiresReplace, RequiresReplaceIf, requires_replace, requires_replace_if};
pub(crate) use replace::settle_replacements;

use crate::private::Private;
use crate::schema::{Body, without_write_only};
use crate::value::Object;

/// Everything the schema alone can say about the change: defaults, dependencies, attribute modifiers.
pub(crate) fn plan_by_schema(
    body: &Body,
    prior: Option<Object>,
    config: Object,
    proposed: Object,
    private: Private,
) -> PlannedChange {
    let mut planned = without_write_only(body, proposed);
    defaults::apply(body, prior.as_ref(), &config, &mut planned);
    if prior.as_ref() != Some(&planned) {
        unknowns::mark(body, prior.as_ref(), &config, &mut planned);
    }
    let mut change = PlannedChange::new(prior, config, planned, private);
    modifier::run(body, &mut change);
    change
}

/// Leaves open what depends on values that `modify_plan` changed since the plan was `before`. If there was any,
/// `modify_plan` runs once more, to fill in what it knows.
pub(crate) fn open_dependents(body: &Body, before: &Object, change: &mut PlannedChange) -> bool {
    let mut planned = std::mem::take(&mut change.planned);
    let prior = change.prior();
    let opened = prior.is_some_and(|prior| unknowns::open_dependents(body, prior, change.config(), before, &mut planned));
    change.planned = planned;
    opened
}

//! The harness itself: plan, apply, read, import and destroy as Terraform core runs them.
//!
//! Owns [`Harness`], [`Plan`], [`State`] and [`Failure`]. Invariant: a state it hands out passed every rule.

use std::fmt;

use super::calls::{self, PlanArguments, Planned};
use super::proposed::proposed_state;
use crate::consistency::{Violation, check_compatible, check_planned, check_state};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::rpc::Server;
use crate::schema::{Body, find_write_only};
use crate::transport::StopSignal;
use crate::value::{Object, Type, Value};

/// A provider in process, driven as Terraform core would.
#[derive(Debug)]
pub struct Harness<P: Provider> {
    server: Server<P>,
}

/// A stored object.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The resource type.
    pub type_name: String,
    /// The object.
    pub object: Object,
    /// What the resource remembers.
    pub private: Vec<u8>,
}

/// What a plan does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Makes the object.
    Create,
    /// Changes it.
    Update,
    /// Removes it and makes a new one.
    Replace,
    /// Removes it.
    Delete,
}

/// A plan that Terraform would accept.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it does.
    pub action: Action,
    /// The object that will be; `None` for a delete.
    pub planned: Option<Object>,
    /// The paths that force a replacement.
    pub replace: Vec<AttributePath>,
    /// Warnings shown with it.
    pub warnings: Diagnostics,
    type_name: String,
    prior: Option<State>,
    config: Option<Object>,
    private: Vec<u8>,
}

impl Plan {
    /// Root attributes that are "(known after apply)".
    #[must_use]
    pub fn unknowns(&self) -> Vec<&str> {
        let planned = self.planned.iter().flat_map(Object::iter);
        planned.filter(|(_, value)| !value.is_wholly_known()).map(|(name, _)| name).collect()
    }
}

/// Why an operation failed: the provider said so, or it broke a rule.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// What the provider said.
    pub diagnostics: Diagnostics,
    /// Rules that its answer broke.
    pub violations: Vec<Violation>,
    /// What exists nevertheless, after a failed apply.
    pub partial: Option<State>,
}

impl Failure {
    pub(super) fn rule(rule: &str) -> Self {
        Self::from(vec![Violation::new(&AttributePath::root(), rule)])
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { diagnostics, ..Self::default() }
    }
}

impl From<Vec<Violation>> for Failure {
    fn from(violations: Vec<Violation>) -> Self {
        Self { violations, ..Self::default() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Diagnostic { summary, detail, .. } in &self.diagnostics {
            writeln!(f, "{summary}: {detail}")?;
        }
        self.violations.iter().try_for_each(|violation| writeln!(f, "broken rule: {violation}"))
    }
}

impl std::error::Error for Failure {}

fn obey(violations: Vec<Violation>) -> Result<(), Failure> {
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}

impl<P: Provider> Harness<P> {
    /// Validates and configures `provider` with the provider block `config`; attributes may be left out.
    ///
    /// # Errors
    /// Fails with what the provider says against the configuration.
    pub async fn new(provider: P, config: Object) -> Result<Self, Failure> {
        let server = Server::new(provider, StopSignal::default());
        calls::configure(&server, &config).await?;
        Ok(Self { server })
    }

    /// The service, for calls that the harness has no method for.
    #[must_use]
    pub fn server(&self) -> &Server<P> {
        &self.server
    }

    fn body(&self, type_name: &str) -> Result<&Body, Failure> {
        Ok(self.server.resource(type_name)?.schema.body())
    }

    /// The object in the schema's shape; what it leaves out is null, or empty for blocks.
    fn shape(&self, type_name: &str, object: Object) -> Result<Object, Failure> {
        let entry = self.server.resource(type_name)?;
        let mut object = object;
        for (name, block) in entry.schema.body().blocks() {
            let value = object.value_mut(name);
            if value.is_null() {
                match block.ty() {
                    Type::List(_) => *value = Value::List(Vec::new()),
                    Type::Set(_) => *value = Value::Set(Vec::new()),
                    Type::Map(_) => *value = Value::Map(std::collections::BTreeMap::new()),
                    Type::Bool | Type::Number | Type::String | Type::Dynamic | Type::Tuple(_) | Type::Object(_) => {}
                }
            }
        }
        match entry.ty.conform(Value::Object(object)) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => unreachable!("an object conforms to an object type as an object"),
            Err(mismatch) => Err(Failure::rule(&format!("the test's configuration does not fit the schema: {mismatch}"))),
        }
    }

    /// Validates a resource's configuration and gives the warnings.
    ///
    /// # Errors
    /// Fails with what the provider says against it.
    pub async fn validate(&self, type_name: &str, config: Object) -> Result<Diagnostics, Failure> {
        let config = self.shape(type_name, config)?;
        calls::validate(&self.server, type_name, &config).await
    }

    /// Plans `config` for a resource that is new (`prior` is `None`) or exists.
    ///
    /// # Errors
    /// Fails with what the provider says, or with the rules that its plan breaks.
    pub async fn plan(&self, type_name: &str, prior: Option<&State>, config: Object) -> Result<Plan, Failure> {
        let config = self.shape(type_name, config)?;
        let mut warnings = calls::validate(&self.server, type_name, &config).await?;
        let private = prior.map(|state| state.private.clone()).unwrap_or_default();
        let before = prior.map(|state| &state.object);
        let mut answer = self.plan_once(type_name, before, &config, private).await?;
        warnings.extend(std::mem::take(&mut answer.warnings));
        let replace = answer.replace;
        let action = match before {
            None => Action::Create,
            Some(_) if !replace.is_empty() => Action::Replace,
            Some(before) if Some(before) == answer.planned.as_ref() => Action::NoOp,
            Some(_) => Action::Update,
        };
        if action == Action::Replace {
            answer.planned = None;
            let again = self.plan_once(type_name, None, &config, answer.private).await?;
            (answer.planned, answer.private) = (again.planned, again.private);
            warnings.extend(again.warnings);
        }
        Ok(Plan {
            action,
            planned: answer.planned,
            replace,
            warnings,
            type_name: type_name.to_owned(),
            prior: prior.cloned(),
            config: Some(config),
            private: answer.private,
        })
    }

    async fn plan_once(
        &self,
        type_name: &str,
        prior: Option<&Object>,
        config: &Object,
        private: Vec<u8>,
    ) -> Result<Planned, Failure> {
        let body = self.body(type_name)?;
        let proposed = proposed_state(body, prior, config);
        let given = PlanArguments { prior, proposed: Some(&proposed), config: Some(config), private };
        let Planned { planned, replace, private, warnings } = calls::plan(&self.server, type_name, given).await?;
        obey(check_planned(body, prior, Some(config), planned.as_ref()))?;
        for path in &replace {
            let there = |object: Option<&Object>| object.is_some_and(|o| Value::Object(o.clone()).at(path).is_some());
            if !there(prior) && !there(planned.as_ref()) {
                return Err(Failure::from(vec![Violation::new(path, "replacement is asked for at a path that does not exist")]));
            }
        }
        let replace = if prior.is_some() { replace } else { Vec::new() };
        Ok(Planned { planned, replace, private, warnings })
    }

    /// Plans the removal of a resource.
    ///
    /// # Errors
    /// Fails with what the provider says against it.
    pub async fn plan_destroy(&self, state: &State) -> Result<Plan, Failure> {
        let given = PlanArguments { prior: Some(&state.object), proposed: None, config: None, private: state.private.clone() };
        let answer = calls::plan(&self.server, &state.type_name, given).await?;
        if answer.planned.is_some() {
            return Err(Failure::rule("the plan of a destroy is null"));
        }
        Ok(Plan {
            action: Action::Delete,
            planned: None,
            replace: Vec::new(),
            warnings: answer.warnings,
            type_name: state.type_name.clone(),
            prior: Some(state.clone()),
            config: None,
            private: answer.private,
        })
    }

    /// Applies a plan; the configuration is the planned one.
    ///
    /// # Errors
    /// Fails with what the provider says, or with the rules that its outcome breaks.
    pub async fn apply(&self, plan: Plan) -> Result<Option<State>, Failure> {
        let config = plan.config.clone();
        self.apply_resolved(plan, config).await
    }

    /// Applies a plan with a configuration in which unknown values of the planned one have become known.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn apply_with(&self, plan: Plan, config: Object) -> Result<Option<State>, Failure> {
        let config = self.shape(&plan.type_name, config)?;
        self.apply_resolved(plan, Some(config)).await
    }

    async fn apply_resolved(&self, plan: Plan, config: Option<Object>) -> Result<Option<State>, Failure> {
        let type_name = plan.type_name.as_str();
        match plan.action {
            Action::NoOp => Ok(plan.prior),
            Action::Delete => {
                self.delete(type_name, plan.prior.as_ref(), plan.private).await?;
                Ok(None)
            }
            Action::Replace => {
                let private = plan.prior.as_ref().map(|state| state.private.clone()).unwrap_or_default();
                self.delete(type_name, plan.prior.as_ref(), private).await?;
                self.change(&plan, None, config.unwrap_or_default()).await.map(Some)
            }
            Action::Create | Action::Update => {
                let prior = plan.prior.as_ref().map(|state| &state.object);
                self.change(&plan, prior, config.unwrap_or_default()).await.map(Some)
            }
        }
    }

    async fn delete(&self, type_name: &str, prior: Option<&State>, private: Vec<u8>) -> Result<Diagnostics, Failure> {
        let prior = prior.map(|state| &state.object);
        let applied = calls::apply(&self.server, type_name, prior, None, None, private).await?;
        if applied.diagnostics.has_errors() {
            return Err(applied.diagnostics.into());
        }
        if applied.state.is_some() { Err(Failure::rule("the outcome of a delete is null")) } else { Ok(applied.diagnostics) }
    }

    /// Create or update: plans again with the final configuration, then applies.
    async fn change(&self, plan: &Plan, prior: Option<&Object>, config: Object) -> Result<State, Failure> {
        let type_name = plan.type_name.as_str();
        let body = self.body(type_name)?;
        let private = plan.prior.as_ref().map(|state| state.private.clone()).unwrap_or_default();
        let last = self.plan_once(type_name, prior, &config, private).await?;
        obey(check_compatible(body, plan.planned.as_ref(), last.planned.as_ref()))?;
        let planned = last.planned.as_ref();
        let applied = calls::apply(&self.server, type_name, prior, planned, Some(&config), last.private).await?;
        let state = applied.state.map(|object| State { type_name: type_name.to_owned(), object, private: applied.private });
        if applied.diagnostics.has_errors() {
            return Err(Failure { partial: state, ..Failure::from(applied.diagnostics) });
        }
        let Some(state) = state else { return Err(Failure::rule("the outcome of a create or update is not null")) };
        obey(check_state(body, &state.object))?;
        obey(check_compatible(body, planned, Some(&state.object)))?;
        Ok(state)
    }

    /// Plans and applies a new resource.
    ///
    /// # Errors
    /// As [`plan`](Self::plan) and [`apply`](Self::apply).
    pub async fn create(&self, type_name: &str, config: Object) -> Result<State, Failure> {
        let plan = self.plan(type_name, None, config).await?;
        let state = self.apply(plan).await?;
        Ok(state.expect("a create plan leads to a state"))
    }

    /// Refreshes, plans and applies a changed configuration.
    ///
    /// # Errors
    /// As [`read`](Self::read), [`plan`](Self::plan) and [`apply`](Self::apply).
    pub async fn update(&self, state: &State, config: Object) -> Result<State, Failure> {
        let refreshed = self.read(state).await?;
        let plan = self.plan(&state.type_name, refreshed.as_ref(), config).await?;
        let state = self.apply(plan).await?;
        Ok(state.expect("a plan with a configuration leads to a state"))
    }

    /// Plans and applies the removal of a resource, and gives the warnings of both.
    ///
    /// # Errors
    /// As [`plan_destroy`](Self::plan_destroy) and [`apply`](Self::apply).
    pub async fn destroy(&self, state: &State) -> Result<Diagnostics, Failure> {
        let plan = self.plan_destroy(state).await?;
        let mut warnings = plan.warnings;
        warnings.extend(self.delete(&state.type_name, plan.prior.as_ref(), plan.private).await?);
        Ok(warnings)
    }

    /// Reads a resource; `None` when it is gone.
    ///
    /// # Errors
    /// Fails with what the provider says, or with the rules that its answer breaks.
    pub async fn read(&self, state: &State) -> Result<Option<State>, Failure> {
        self.refresh(state).await.map(|(found, _)| found)
    }

    /// Reads a resource, and gives the warnings too.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn refresh(&self, state: &State) -> Result<(Option<State>, Diagnostics), Failure> {
        let (found, warnings) = calls::read(&self.server, &state.type_name, &state.object, state.private.clone()).await?;
        let Some((object, private)) = found else { return Ok((None, warnings)) };
        obey(check_state(self.body(&state.type_name)?, &object))?;
        Ok((Some(State { type_name: state.type_name.clone(), object, private }), warnings))
    }

    /// Imports a resource by id: the import and the read that follows it.
    ///
    /// # Errors
    /// Fails with what the provider says, and when there is no such object.
    pub async fn import(&self, type_name: &str, id: &str) -> Result<State, Failure> {
        let (object, private) = calls::import(&self.server, type_name, id).await?;
        let paths = find_write_only(self.body(type_name)?, &object);
        obey(paths.iter().map(|path| Violation::new(path, "a write-only attribute must be null here")).collect())?;
        let found = self.read(&State { type_name: type_name.to_owned(), object, private }).await?;
        found.ok_or_else(|| Failure::rule("the imported object does not exist"))
    }

    /// Upgrades a stored state of `version` in JSON.
    ///
    /// # Errors
    /// Fails with what the provider says, or with the rules that its answer breaks.
    pub async fn upgrade(&self, type_name: &str, version: i64, json: &str) -> Result<State, Failure> {
        let object = calls::upgrade(&self.server, type_name, version, json).await?;
        obey(check_state(self.body(type_name)?, &object))?;
        Ok(State { type_name: type_name.to_owned(), object, private: Vec::new() })
    }

    /// Reads a data source; attributes of `config` may be left out.
    ///
    /// # Errors
    /// Fails with what the provider says.
    pub async fn read_data(&self, type_name: &str, config: Object) -> Result<Object, Failure> {
        calls::read_data(&self.server, type_name, &config).await
    }

    /// Cancels all work in flight, as the host does when the user interrupts it.
    pub async fn stop(&self) {
        calls::stop(&self.server).await;
    }
}

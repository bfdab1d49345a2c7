//! Managed resources.
//!
//! Owns [`Resource`] and the requests and answers of its calls. Providers implement it; `rpc` calls it.
//! Invariant: every value it is given fits the schema, and what it answers is brought into the schema's shape
//! before it is sent (missing attributes become null). Planning rules that need no code live in the schema.

use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::PlannedChange;
use crate::private::Private;
use crate::provider::BoxFuture;
use crate::schema::Schema;
use crate::value::{Object, ReadError};

/// One kind of managed object. `C` is the provider's client.
pub trait Resource<C: Send + Sync>: Send + Sync {
    /// The full name, such as `example_server`.
    fn type_name(&self) -> &str;

    /// Attributes, rules and state version.
    fn schema(&self) -> Schema;

    /// Rules between attributes. Runs after the schema's own rules, unconfigured, and may see unknown values.
    fn validate(&self, _config: &Object) -> Diagnostics {
        Diagnostics::new()
    }

    /// Fills in what is known at plan time, warns, or asks for replacement.
    ///
    /// Runs after defaults, dependencies and attribute modifiers, for create and update, also when nothing
    /// changed. Terraform plans again at apply and insists on the same outcome, so planned values must follow
    /// from the arguments alone; asking the API is fine for warnings and errors.
    fn modify_plan<'a>(&'a self, _cx: &'a Context<C>, _change: &'a mut PlannedChange) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Objects (with an error) or warns before a destroy is planned.
    fn plan_destroy<'a>(&'a self, _cx: &'a Context<C>, _state: &'a Object) -> BoxFuture<'a, Diagnostics> {
        Box::pin(std::future::ready(Diagnostics::new()))
    }

    /// Makes the object. Every unknown of the plan must be known in the answer.
    fn create<'a>(&'a self, cx: &'a Context<C>, request: Create) -> BoxFuture<'a, Result<NewState, Failed>>;

    /// Looks at the object.
    fn read<'a>(&'a self, cx: &'a Context<C>, request: Read) -> BoxFuture<'a, Result<Found, Diagnostics>>;

    /// Changes the object. An error without partial state keeps the prior state.
    fn update<'a>(&'a self, cx: &'a Context<C>, request: Update) -> BoxFuture<'a, Result<NewState, Failed>>;

    /// Removes the object and gives the warnings to show; an object that is gone already is a success.
    fn delete<'a>(&'a self, cx: &'a Context<C>, request: Delete) -> BoxFuture<'a, Result<Diagnostics, Diagnostics>>;

    /// Turns an import id into just enough state for [`read`](Self::read) to find the object.
    fn import<'a>(&'a self, _cx: &'a Context<C>, _id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
        let name = self.type_name().to_owned();
        Box::pin(std::future::ready(Err(Diagnostic::error("Import is not supported")
            .detail(format!("`{name}` objects cannot be imported."))
            .into())))
    }

    /// One step from each older state version straight to the current one.
    fn upgrades(&self) -> Vec<StateUpgrade> {
        Vec::new()
    }
}

/// What [`Resource::create`] is given.
#[derive(Clone, Debug)]
pub struct Create {
    /// The planned object; unknown where the plan left a value open.
    pub planned: Object,
    /// The configuration; the only place where write-only values are.
    pub config: Object,
    /// What planning remembered.
    pub private: Private,
}

/// What [`Resource::read`] is given.
#[derive(Clone, Debug)]
pub struct Read {
    /// The last known state; after an import only what [`Resource::import`] gave.
    pub state: Object,
    /// What was remembered.
    pub private: Private,
}

/// What [`Resource::update`] is given.
#[derive(Clone, Debug)]
pub struct Update {
    /// The state before.
    pub prior: Object,
    /// The planned object; unknown where the plan left a value open.
    pub planned: Object,
    /// The configuration; the only place where write-only values are.
    pub config: Object,
    /// What planning remembered.
    pub private: Private,
}

impl Update {
    /// Whether the plan changes this root attribute.
    #[must_use]
    pub fn changes(&self, attribute: &str) -> bool {
        self.prior.value(attribute) != self.planned.value(attribute)
    }
}

/// What [`Resource::delete`] is given.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The state before.
    pub prior: Object,
    /// What was remembered.
    pub private: Private,
}

/// A new state, with what goes along. An [`Object`] alone converts into one.
#[derive(Clone, Debug, Default)]
pub struct NewState {
    /// The object as it is now.
    pub state: Object,
    /// What to remember; `None` keeps what was remembered before.
    pub private: Option<Private>,
    /// Warnings to show.
    pub warnings: Diagnostics,
}

impl NewState {
    /// The same with something to remember.
    #[must_use]
    pub fn private(mut self, private: Private) -> Self {
        self.private = Some(private);
        self
    }

    /// The same with one more warning.
    #[must_use]
    pub fn warn(mut self, warning: Diagnostic) -> Self {
        self.warnings.push(warning);
        self
    }
}

impl From<Object> for NewState {
    fn from(state: Object) -> Self {
        Self { state, private: None, warnings: Diagnostics::new() }
    }
}

/// What [`Resource::read`] found.
#[derive(Clone, Debug)]
pub enum Found {
    /// The object, as it is now.
    There(NewState),
    /// Nothing: Terraform forgets the object. The warnings say what a person should know of that.
    Gone(Diagnostics),
}

impl<S: Into<NewState>> From<S> for Found {
    fn from(state: S) -> Self {
        Self::There(state.into())
    }
}

/// A failed create or update; anything that converts into [`Diagnostics`] converts into one.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Why.
    pub diagnostics: Diagnostics,
    /// What exists nevertheless. After a failed create Terraform keeps it as tainted and replaces it later;
    /// without it a half-made object would be forgotten.
    pub partial: Option<NewState>,
}

impl Failed {
    /// A failure that leaves something behind.
    #[must_use]
    pub fn with_partial(diagnostics: impl Into<Diagnostics>, partial: impl Into<NewState>) -> Self {
        Self { diagnostics: diagnostics.into(), partial: Some(partial.into()) }
    }
}

impl<D: Into<Diagnostics>> From<D> for Failed {
    fn from(diagnostics: D) -> Self {
        Self { diagnostics: diagnostics.into(), partial: None }
    }
}

/// How to bring a state of an older version to the current one.
#[derive(Clone, Debug)]
pub struct StateUpgrade {
    /// The version it starts from.
    pub from_version: i64,
    /// The schema of that version; flags do not matter, names and types do.
    pub prior_schema: Schema,
    /// Turns the old object into one of the current schema; attributes it leaves out become null.
    pub upgrade: fn(Object) -> Result<Object, ReadError>,
}

//! Attributes and what can be said about them.
//!
//! Owns [`Attribute`], its kinds and its builder. Schemas are made of it. Invariant: none of its own; the rules
//! between flags are judged in one place, by [`Schema::check`](super::Schema::check).

use std::sync::Arc;

use super::Body;
use crate::plan::PlanModifier;
use crate::validators::Validator;
use crate::value::{Type, Value};

/// How the objects of a nested attribute are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// What an attribute holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value of one type.
    Plain(Type),
    /// Objects whose attributes have flags of their own.
    Nested(Nesting, Body),
}

/// Which changes alter a computed attribute that the configuration does not set.
///
/// This is what keeps plans quiet: without a change among these inputs, the value of the prior state is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dependencies {
    /// Any change of the resource, as for `update_time`. The default.
    #[default]
    AnyInput,
    /// Changes of these root attributes only. None at all: the value never changes after creation.
    Inputs(Vec<String>),
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    kind: Kind,
    required: bool,
    optional: bool,
    computed: bool,
    sensitive: bool,
    write_only: bool,
    client_only: bool,
    deprecated: Option<String>,
    description: String,
    default: Option<Value>,
    dependencies: Dependencies,
    validators: Vec<Arc<dyn Validator>>,
    modifiers: Vec<Arc<dyn PlanModifier>>,
}

/// Constructors.
impl Attribute {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            client_only: false,
            deprecated: None,
            description: String::new(),
            default: None,
            dependencies: Dependencies::default(),
            validators: Vec::new(),
            modifiers: Vec::new(),
        }
    }

    /// An attribute of any type.
    #[must_use]
    pub fn new(ty: Type) -> Self {
        Self::of(Kind::Plain(ty))
    }

    /// Text.
    #[must_use]
    pub fn string() -> Self {
        Self::new(Type::String)
    }

    /// true or false.
    #[must_use]
    pub fn bool() -> Self {
        Self::new(Type::Bool)
    }

    /// Any number.
    #[must_use]
    pub fn number() -> Self {
        Self::new(Type::Number)
    }

    /// A whole number.
    #[must_use]
    pub fn integer() -> Self {
        Self::number().validate(crate::validators::integer())
    }

    /// A list of plain values.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::new(Type::list(element))
    }

    /// A set of plain values.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::new(Type::set(element))
    }

    /// A map of plain values.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::new(Type::map(element))
    }

    /// Any type, chosen by the configuration.
    #[must_use]
    pub fn dynamic() -> Self {
        Self::new(Type::Dynamic)
    }

    /// One nested object.
    #[must_use]
    pub fn single_nested(body: Body) -> Self {
        Self::of(Kind::Nested(Nesting::Single, body))
    }

    /// A list of nested objects.
    #[must_use]
    pub fn list_nested(body: Body) -> Self {
        Self::of(Kind::Nested(Nesting::List, body))
    }

    /// A set of nested objects.
    #[must_use]
    pub fn set_nested(body: Body) -> Self {
        Self::of(Kind::Nested(Nesting::Set, body))
    }

    /// A map of nested objects.
    #[must_use]
    pub fn map_nested(body: Body) -> Self {
        Self::of(Kind::Nested(Nesting::Map, body))
    }
}

/// Flags and rules.
impl Attribute {
    /// The configuration must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The configuration may set it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The provider sets it; together with [`optional`](Self::optional) only where the configuration does not.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Terraform hides its value.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Read from the configuration only, never kept in plan or state.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Known to the provider alone (as `timeouts` is): its change alters no computed attribute.
    #[must_use]
    pub fn client_only(mut self) -> Self {
        self.client_only = true;
        self
    }

    /// Use of it warns; the message says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// What it means, in Markdown: unit, default and effect.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Optional, with this value where the configuration sets none.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self.optional = true;
        self.computed = true;
        self
    }

    /// A computed value that only changes of these root attributes alter.
    #[must_use]
    pub fn depends_on_inputs<N: Into<String>>(mut self, inputs: impl IntoIterator<Item = N>) -> Self {
        self.dependencies = Dependencies::Inputs(inputs.into_iter().map(Into::into).collect());
        self
    }

    /// A computed value that never changes after creation ("use state for unknown").
    #[must_use]
    pub fn stable(self) -> Self {
        self.depends_on_inputs(Vec::<String>::new())
    }

    /// Adds a rule for configured values.
    #[must_use]
    pub fn validate(mut self, validator: impl Validator + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// Adds a step to planning, such as [`requires_replace`](crate::plan::requires_replace).
    #[must_use]
    pub fn plan(mut self, modifier: impl PlanModifier + 'static) -> Self {
        self.modifiers.push(Arc::new(modifier));
        self
    }

    /// A change of it replaces the resource.
    #[must_use]
    pub fn replaces(self) -> Self {
        self.plan(crate::plan::requires_replace())
    }
}

/// What was declared.
impl Attribute {
    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its type.
    #[must_use]
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Plain(ty) => ty.clone(),
            Kind::Nested(Nesting::Single, body) => body.object_type(),
            Kind::Nested(Nesting::List, body) => Type::list(body.object_type()),
            Kind::Nested(Nesting::Set, body) => Type::set(body.object_type()),
            Kind::Nested(Nesting::Map, body) => Type::map(body.object_type()),
        }
    }

    /// Whether the configuration must set it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether the configuration may set it.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether the provider may set it.
    #[must_use]
    pub fn is_computed(&self) -> bool {
        self.computed
    }

    /// Whether only the provider sets it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.computed && !self.optional && !self.required
    }

    /// Whether Terraform hides it.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// Whether plan and state hold null in its place.
    #[must_use]
    pub fn is_write_only(&self) -> bool {
        self.write_only
    }

    /// Whether its change alters nothing computed.
    #[must_use]
    pub fn is_client_only(&self) -> bool {
        self.client_only
    }

    /// The deprecation message.
    #[must_use]
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecated.as_deref()
    }

    /// The description in Markdown.
    #[must_use]
    pub fn markdown(&self) -> &str {
        &self.description
    }

    /// The value used where the configuration sets none.
    #[must_use]
    pub fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Which changes alter it.
    #[must_use]
    pub fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    pub(crate) fn validators(&self) -> &[Arc<dyn Validator>] {
        &self.validators
    }

    pub(crate) fn modifiers(&self) -> &[Arc<dyn PlanModifier>] {
        &self.modifiers
    }
}

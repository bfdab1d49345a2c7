//! A framework for writing Terraform and OpenTofu providers in Rust, protocol 6.
//!
//! # Tour
//!
//! | you write | with |
//! |---|---|
//! | the provider: name, provider block, client | [`Provider`] |
//! | a managed resource | [`Resource`], one per type |
//! | a data source | [`DataSource`] |
//! | what they look like | [`Schema`], [`Attribute`], [`Body`] (nested objects), [`schema::Block`] |
//! | rules for values | [`validators`], or your own [`validators::Validator`] |
//! | what a change does | [`Attribute::depends_on_inputs`], [`Attribute::stable`], [`Attribute::replaces`], [`Resource::modify_plan`] |
//! | time limits | [`Schema::timeouts`], [`Context::run`] |
//! | messages | [`Diagnostic`] |
//! | `main` | [`serve()`] |
//! | tests | [`Schema::check`], [`testing::Harness`] |
//!
//! Values are read and written by attribute name through [`Object`]: [`Object::read`] gives any [`FromValue`] type
//! (`Option<T>` takes null, [`MaybeKnown<T>`] takes unknown) and its error carries the attribute's path;
//! [`Object::set`] takes anything that converts into a [`Value`]. A state may leave attributes out; they are null.
//!
//! # How a plan is made
//!
//! 1. The proposed state, with write-only values set to null and defaults filled in.
//! 2. If that equals the prior state, it is the plan.
//! 3. Otherwise each computed attribute that the configuration does not set becomes unknown if an input it depends
//!    on changes (any input, unless [`Attribute::depends_on_inputs`] or [`Attribute::stable`] says otherwise), and
//!    keeps its prior value if not. `timeouts` and other [client-only](Attribute::client_only) attributes are no
//!    inputs. Optional and computed attributes follow the same rule while they are not configured.
//! 4. The attributes' plan modifiers run.
//! 5. [`Resource::modify_plan`] runs: it fills in what can be known ([`PlannedChange::fill`]), warns, and may ask
//!    for replacement. If it changes a value that others depend on, those become unknown and it runs once more.
//!
//! # A complete provider
//!
//! ```
//! use provider_framework::{
//!     Attribute, BoxFuture, Configure, Configured, Context, Create, DataSource, Delete, Diagnostic, Diagnostics,
//!     Failed, Found, NewState, Object, PlannedChange, Provider, Read, Resource, Schema, Type, Update, Value,
//!     timeouts::{Operation, Timeouts}, validators,
//! };
//! use std::{collections::BTreeMap, sync::Mutex, time::Duration};
//!
//! /// What resources work with; here a cloud that lives in memory.
//! #[derive(Default)]
//! struct Cloud {
//!     project: String,
//!     buckets: Mutex<BTreeMap<String, i64>>,
//! }
//!
//! struct Example;
//!
//! impl Provider for Example {
//!     type Client = Cloud;
//!
//!     fn name(&self) -> &str { "example" }
//!     fn version(&self) -> &str { "0.1.0" }
//!     fn schema(&self) -> Schema {
//!         Schema::new().attribute("project", Attribute::string().optional().description("The project."))
//!     }
//!     fn configure<'a>(
//!         &'a self,
//!         request: Configure,
//!     ) -> BoxFuture<'a, Result<Configured<Cloud>, Diagnostics>> {
//!         Box::pin(async move {
//!             // An unknown value is possible during plan; here it counts as not set.
//!             let project = request.config.value("project").as_str().unwrap_or("demo").to_owned();
//!             Ok(Cloud { project, ..Cloud::default() }.into())
//!         })
//!     }
//!     fn resources(&self) -> Vec<Box<dyn Resource<Cloud>>> { vec![Box::new(Bucket)] }
//!     fn data_sources(&self) -> Vec<Box<dyn DataSource<Cloud>>> { vec![] }
//! }
//!
//! struct Bucket;
//!
//! /// A minute is the most the example cloud ever takes.
//! const CREATE_LIMIT: Duration = Duration::from_secs(60);
//!
//! impl Resource<Cloud> for Bucket {
//!     fn type_name(&self) -> &str { "example_bucket" }
//!
//!     fn schema(&self) -> Schema {
//!         Schema::new()
//!             .description("A bucket.")
//!             .attribute("name", Attribute::string().required().replaces()
//!                 .validate(validators::length(1..=63))
//!                 .validate(validators::pattern("lower-case letters", |s| {
//!                     s.bytes().all(|b| b.is_ascii_lowercase())
//!                 })))
//!             .attribute("size_gb", Attribute::integer().default(10)
//!                 .validate(validators::integer_between(1..=1000)))
//!             .attribute("labels", Attribute::map(Type::String).optional())
//!             .attribute("id", Attribute::string().computed().stable())
//!             .attribute("price", Attribute::number().computed().depends_on_inputs(["size_gb"]))
//!             .attribute("update_time", Attribute::string().computed())
//!             .timeouts(Timeouts::new().operation(Operation::Create, CREATE_LIMIT))
//!     }
//!
//!     fn modify_plan<'a>(&'a self, cx: &'a Context<Cloud>, change: &'a mut PlannedChange) -> BoxFuture<'a, ()> {
//!         Box::pin(async move {
//!             // Both are known before apply whenever their inputs are.
//!             if let Some(name) = change.planned.value("name").as_str() {
//!                 let id = format!("projects/{}/buckets/{name}", cx.client().project);
//!                 change.fill("id", id);
//!             }
//!             if let Ok(size_gb) = change.planned.read::<i64>("size_gb") {
//!                 change.fill("price", size_gb * 2);
//!             }
//!             if change.is_replace() {
//!                 change.diagnose(Diagnostic::warning("The bucket's content will be lost").at("name"));
//!             }
//!         })
//!     }
//!
//!     fn create<'a>(&'a self, cx: &'a Context<Cloud>, request: Create) -> BoxFuture<'a, Result<NewState, Failed>> {
//!         Box::pin(async move {
//!             let mut state = request.planned;
//!             let (name, size_gb) = (state.read::<String>("name")?, state.read::<i64>("size_gb")?);
//!             // Network calls go through `run`, which ends them at the deadline and when the user stops.
//!             cx.run(async { cx.client().buckets.lock().unwrap().insert(name, size_gb) }).await?;
//!             state.set_if_unknown("update_time", "2026-01-01T00:00:00Z");
//!             Ok(state.into())
//!         })
//!     }
//!
//!     fn read<'a>(
//!         &'a self,
//!         cx: &'a Context<Cloud>,
//!         request: Read,
//!     ) -> BoxFuture<'a, Result<Found, Diagnostics>> {
//!         Box::pin(async move {
//!             let mut state = request.state;
//!             let name: String = state.read("name")?;
//!             let Some(size_gb) = cx.client().buckets.lock().unwrap().get(&name).copied() else {
//!                 return Ok(Found::Gone(Diagnostics::new()));
//!             };
//!             state.set("size_gb", size_gb).set("price", size_gb * 2);
//!             state.set("id", format!("projects/{}/buckets/{name}", cx.client().project));
//!             Ok(state.into())
//!         })
//!     }
//!
//!     fn update<'a>(&'a self, cx: &'a Context<Cloud>, request: Update) -> BoxFuture<'a, Result<NewState, Failed>> {
//!         Box::pin(async move {
//!             let mut state = request.planned;
//!             let (name, size_gb) = (state.read::<String>("name")?, state.read::<i64>("size_gb")?);
//!             cx.client().buckets.lock().unwrap().insert(name, size_gb);
//!             state.set_if_unknown("update_time", "2026-01-02T00:00:00Z");
//!             Ok(state.into())
//!         })
//!     }
//!
//!     fn delete<'a>(&'a self, cx: &'a Context<Cloud>, request: Delete) -> BoxFuture<'a, Result<Diagnostics, Diagnostics>> {
//!         Box::pin(async move {
//!             let name: String = request.prior.read("name")?;
//!             cx.client().buckets.lock().unwrap().remove(&name);
//!             Ok(Diagnostics::new())
//!         })
//!     }
//!
//!     fn import<'a>(&'a self, _: &'a Context<Cloud>, id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
//!         Box::pin(async move { Ok(Object::from([("name", id)]).into()) })
//!     }
//! }
//!
//! // In `main`: provider_framework::serve("registry.terraform.io/example/example", "example", Example)
//!
//! // In tests:
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), provider_framework::testing::Failure> {
//! use provider_framework::testing::{Action, Harness};
//!
//! assert_eq!(Bucket.schema().check(), vec![]);
//! let terraform = Harness::new(Example, Object::new()).await?;
//! let config = Object::from([("name", "logs")]);
//! let plan = terraform.plan("example_bucket", None, config.clone()).await?;
//! assert_eq!(plan.unknowns(), ["update_time"]);
//! let state = terraform.apply(plan).await?.expect("a create leaves a state");
//! assert_eq!(state.object.value("id").as_str(), Some("projects/demo/buckets/logs"));
//! assert_eq!(terraform.plan("example_bucket", Some(&state), config).await?.action, Action::NoOp);
//!
//! let bigger = Object::from([("name", Value::from("logs")), ("size_gb", Value::from(20))]);
//! let plan = terraform.plan("example_bucket", Some(&state), bigger).await?;
//! assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec!["update_time"]));
//! let state = terraform.apply(plan).await?.expect("an update leaves a state");
//! terraform.destroy(&state).await?;
//! # Ok(())
//! # }
//! ```

mod context;
mod data_source;
mod diagnostic;
mod path;
mod private;
mod provider;
mod resource;
mod rpc;
mod serve;

pub mod consistency;
pub mod plan;
pub mod schema;
pub mod testing;
pub mod timeouts;
pub mod transport;
pub mod validators;
pub mod value;

pub use context::{Context, Interrupted};
pub use data_source::DataSource;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use path::{AttributePath, Step};
pub use plan::PlannedChange;
pub use private::{Private, PrivateError};
pub use provider::{BoxFuture, Configure, Configured, Provider};
pub use resource::{Create, Delete, Failed, Found, NewState, Read, Resource, StateUpgrade, Update};
pub use rpc::Server;
pub use schema::{Attribute, Body, Schema};
pub use serve::serve;
pub use value::{FromValue, MaybeKnown, Number, Object, Type, Value};

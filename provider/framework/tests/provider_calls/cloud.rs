//! A provider whose cloud is a map, with a resource that can be told to break rules.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use provider_framework::schema::{Attribute, Body, Schema};
use provider_framework::testing::{Failure, Harness};
use provider_framework::timeouts::{Operation, Timeouts};
use provider_framework::{
    BoxFuture, Configure, Configured, Context, Create, DataSource, Delete, Diagnostic, Diagnostics, Failed, Found, NewState,
    Object, PlannedChange, Private, Provider, Read, Resource, StateUpgrade, Type, Update, Value, validators,
};

/// Longer than any test runs.
const LIMIT: Duration = Duration::from_secs(600);

/// What the resource does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Plans another name than the configured one.
    PlansAnotherName,
    /// Plans a value that a later plan of the same change does not.
    PlansAtRandom,
    /// Answers another size than planned.
    AppliesAnotherSize,
    /// Leaves a value unknown after apply.
    LeavesUnknown,
    /// Answers an attribute that the schema does not have.
    InventsAttribute,
    /// Fails after half the work.
    CreateFailsHalfway,
    /// Fails before any work.
    UpdateFails,
    /// Waits until it is told to stop.
    CreateHangs,
}

#[derive(Debug, Default)]
pub(crate) struct Client {
    project: String,
    disks: Mutex<BTreeMap<String, i64>>,
    fault: Fault,
    plans: AtomicI64,
}

impl Client {
    fn disks(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.disks.lock().expect("nothing panics while it holds the disks")
    }

    fn size(&self, name: &str) -> Option<i64> {
        self.disks().get(name).copied()
    }
}

#[derive(Debug)]
pub(crate) struct Cloud(pub(crate) Fault);

impl Provider for Cloud {
    type Client = Client;

    fn name(&self) -> &str {
        "cloud"
    }

    fn version(&self) -> &str {
        "1.0.0"
    }

    fn schema(&self) -> Schema {
        let project = Attribute::string().optional().validate(validators::length(3..=10));
        Schema::new().attribute("project", project)
    }

    fn configure<'a>(&'a self, request: Configure) -> BoxFuture<'a, Result<Configured<Client>, Diagnostics>> {
        Box::pin(async move {
            let project = request.config.value("project").as_str().unwrap_or("demo").to_owned();
            Ok(Client { project, fault: self.0, ..Client::default() }.into())
        })
    }

    fn resources(&self) -> Vec<Box<dyn Resource<Client>>> {
        vec![Box::new(Disk)]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<Client>>> {
        vec![Box::new(DiskLookup)]
    }
}

pub(crate) struct Disk;

impl Disk {
    fn fill(client: &Client, state: &mut Object) -> Result<(), Diagnostics> {
        let name: String = state.read("name")?;
        state.set_if_unknown("path", format!("{}/{name}", client.project));
        state.set_if_unknown("revision", 8_i64);
        Ok(())
    }
}

impl Resource<Client> for Disk {
    fn type_name(&self) -> &str {
        "cloud_disk"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .version(2)
            .attribute("name", Attribute::string().required().replaces().validate(validators::length(1..=8)))
            .attribute("size", Attribute::integer().default(1).validate(validators::integer_between(1..=100)))
            .attribute("labels", Attribute::map(Type::String).optional())
            .attribute("key", Attribute::string().optional().write_only())
            .attribute("parts", Attribute::list_nested(Body::new().attribute("mount", Attribute::string().required())).optional())
            .attribute("path", Attribute::string().computed().stable())
            .attribute("bytes", Attribute::integer().computed().depends_on_inputs(["size"]))
            .attribute("revision", Attribute::integer().computed())
            .timeouts(Timeouts::new().operation(Operation::Create, LIMIT))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let huge = config.read::<i64>("size").is_ok_and(|size| size > 50);
        let warning = || Diagnostic::warning("Large disk").at("size");
        if huge { warning().into() } else { Diagnostics::new() }
    }

    fn modify_plan<'a>(&'a self, cx: &'a Context<Client>, change: &'a mut PlannedChange) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Ok(size) = change.planned.read::<i64>("size") {
                change.fill("bytes", size * 1000);
            }
            if let Some(name) = change.planned.value("name").as_str() {
                let path = format!("{}/{name}", cx.client().project);
                change.fill("path", path);
            }
            if change.is_create() {
                change.private.set("planned_by", "create");
            }
            if cx.client().fault == Fault::PlansAnotherName {
                change.planned.set("name", "other");
            }
            if cx.client().fault == Fault::PlansAtRandom {
                let plans = cx.client().plans.fetch_add(1, Ordering::Relaxed) + 1;
                change.fill("revision", plans);
            }
        })
    }

    fn plan_destroy<'a>(&'a self, _: &'a Context<Client>, state: &'a Object) -> BoxFuture<'a, Diagnostics> {
        let protected = state.value("labels").as_map().is_some_and(|labels| labels.contains_key("keep"));
        let refused = Diagnostic::error("Disk is protected").detail("Remove the label `keep` first.").at("labels");
        Box::pin(async move { if protected { refused.into() } else { Diagnostics::new() } })
    }

    fn create<'a>(&'a self, cx: &'a Context<Client>, request: Create) -> BoxFuture<'a, Result<NewState, Failed>> {
        Box::pin(async move {
            let fault = cx.client().fault;
            if fault == Fault::CreateHangs {
                cx.run(std::future::pending::<()>()).await?;
            }
            let mut state = request.planned;
            let (name, size) = (state.read::<String>("name")?, state.read::<i64>("size")?);
            cx.client().disks().insert(name, size);
            if fault == Fault::CreateFailsHalfway {
                return Err(Failed::with_partial(Diagnostic::error("The cloud went away"), state));
            }
            if fault == Fault::LeavesUnknown {
                return Ok(state.into());
            }
            Self::fill(cx.client(), &mut state)?;
            if fault == Fault::AppliesAnotherSize {
                state.set("size", size + 1);
            }
            if fault == Fault::InventsAttribute {
                state.set("colour", "blue");
            }
            let mut private = Private::new();
            private.set("seen_key", request.config.value("key").as_str().is_some());
            private.set("planned_by", request.private.value("planned_by").cloned().unwrap_or_default());
            Ok(NewState::from(state).private(private))
        })
    }

    fn read<'a>(&'a self, cx: &'a Context<Client>, request: Read) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(async move {
            let mut state = request.state;
            let name: String = state.read("name")?;
            let Some(size) = cx.client().size(&name) else {
                return Ok(Found::Gone(Diagnostic::warning("Somebody removed the disk").into()));
            };
            state.set("size", size).set("bytes", size * 1000).set("path", format!("{}/{name}", cx.client().project));
            Ok(state.into())
        })
    }

    fn update<'a>(&'a self, cx: &'a Context<Client>, request: Update) -> BoxFuture<'a, Result<NewState, Failed>> {
        Box::pin(async move {
            if cx.client().fault == Fault::UpdateFails {
                return Err(Diagnostic::error("The cloud is busy").into());
            }
            let mut state = request.planned;
            let (name, size) = (state.read::<String>("name")?, state.read::<i64>("size")?);
            cx.client().disks().insert(name, size);
            Self::fill(cx.client(), &mut state)?;
            Ok(state.into())
        })
    }

    fn delete<'a>(&'a self, cx: &'a Context<Client>, request: Delete) -> BoxFuture<'a, Result<Diagnostics, Diagnostics>> {
        Box::pin(async move {
            let name: String = request.prior.read("name")?;
            cx.client().disks().remove(&name);
            Ok(Diagnostic::warning("Its data remains on tape").into())
        })
    }

    fn import<'a>(&'a self, _: &'a Context<Client>, id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
        Box::pin(async move {
            let name = id.strip_prefix("disks/").ok_or_else(|| Diagnostic::error("An import id is `disks/NAME`"))?;
            Ok(Object::from([("name", name)]).into())
        })
    }

    fn upgrades(&self) -> Vec<StateUpgrade> {
        let prior_schema = Schema::new()
            .attribute("name", Attribute::string().required())
            .attribute("size_text", Attribute::string().required());
        let upgrade = |old: Object| {
            let size: String = old.read("size_text")?;
            Ok(Object::new().with("name", old.value("name").clone()).with("size", size.parse::<i64>().unwrap_or(1)))
        };
        vec![StateUpgrade { from_version: 1, prior_schema, upgrade }]
    }
}

struct DiskLookup;

impl DataSource<Client> for DiskLookup {
    fn type_name(&self) -> &str {
        "cloud_disk"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("name", Attribute::string().required().validate(validators::length(1..=8)))
            .attribute("size", Attribute::integer().computed())
    }

    fn read<'a>(&'a self, cx: &'a Context<Client>, config: Object) -> BoxFuture<'a, Result<Object, Diagnostics>> {
        Box::pin(async move {
            let name: String = config.read("name")?;
            let missing = || Diagnostic::error("No such disk").at("name");
            let size = cx.client().size(&name).ok_or_else(missing)?;
            Ok(config.with("size", size))
        })
    }
}

pub(crate) async fn terraform(fault: Fault) -> Harness<Cloud> {
    Harness::new(Cloud(fault), Object::new()).await.expect("the provider configures")
}

/// A disk's configuration.
pub(crate) fn disk(name: &str, size: i64) -> Object {
    Object::new().with("name", name).with("size", size)
}

pub(crate) const DISK: &str = "cloud_disk";

pub(crate) fn summaries(failure: &Failure) -> Vec<&str> {
    failure.diagnostics.iter().map(|d| d.summary.as_str()).collect()
}

pub(crate) fn labels(key: &str) -> Value {
    Value::Map(BTreeMap::from([(key.to_owned(), Value::from("yes"))]))
}

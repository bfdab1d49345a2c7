//! Serves a store with stored instances and no loops, for measuring reads: `serve_stored [COUNT]`.
//!
//! Prints its address, then serves until standard input ends. The instances have converged; nothing runs behind them.

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use valkyard_api::{ApiState, Platform, router};
use valkyard_model::{AdminSecret, Generation, OperationId, SpecDraft, Uid, validate};
use valkyard_reconciler::Supervisor;
use valkyard_store::{CreateInstance, Store, StoreLocation};

#[path = "../tests/api/world.rs"]
mod world;

use world::{ConvergingWorld, TestPlatform};

/// Instances unless told otherwise: one full page.
const COUNT_DEFAULT: u32 = 1_000;

async fn store_one(store: &Store, machine: &TestPlatform, number: u32) -> anyhow::Result<()> {
    let name: valkyard_model::InstanceName =
        format!("projects/local/locations/us-central1/instances/stored-{number:05}").parse()?;
    let draft = SpecDraft {
        shard_count: 3,
        replica_count: Some(1),
        labels: [("number".to_owned(), number.to_string()), ("team".to_owned(), "web".to_owned())].into(),
        ..SpecDraft::default()
    };
    let spec = validate(draft, &name.location, &machine.limits())
        .map_err(|violations| anyhow::anyhow!("the spec is refused: {violations:?}"))?;
    let (uid, now) = (Uid(machine.random_uuid()), machine.now());
    let accepted = CreateInstance {
        name: name.clone(),
        uid,
        maxmemory: machine.memory().maxmemory(spec.node_type, spec.node_count()),
        spec,
        secret: AdminSecret::from_random(machine.random()),
        address_plan: machine.address_plan(),
        operation_id: OperationId::new(now, machine.random_uuid()),
        request: None,
        at: now,
        now,
        follow: None,
    };
    store.create_instance(accepted, |_| true).await?;
    Ok(store.record_converged(&name, uid, Generation::FIRST, now).await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(COUNT_DEFAULT), |text| text.parse()).context("the count is a number")?;
    let (store, _threads) = Store::open(StoreLocation::Memory)?;
    let machine = TestPlatform::default();
    for number in 0..count {
        store_one(&store, &machine, number).await?;
    }
    let new_world = {
        let store = store.clone();
        move |name, _wake| ConvergingWorld { store: store.clone(), name, held: Arc::default(), data: Arc::default() }
    };
    let (loops, supervisor) = Supervisor::new(new_world, CancellationToken::new());
    drop(loops);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let (keeper, _ends) = valkyard_keeper::handle();
    let state = ApiState { store, supervisor, keeper, platform: Arc::new(machine) };
    let stdin_ends = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        result = axum::serve(listener, router(state)) => result.context("serving failed"),
        result = stdin_ends => result?.map(drop).context("standard input failed"),
    }
}

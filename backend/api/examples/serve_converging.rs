//! Serves the whole API over a world in which everything is complete at once, for trying clients: no engine is started.
//!
//! `serve_converging` prints its address, then serves until standard input ends.

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use valkyard_api::{ApiState, router};
use valkyard_reconciler::Supervisor;
use valkyard_store::{Store, StoreLocation};

#[path = "../tests/api/keeper.rs"]
mod keeper;
#[path = "../tests/api/world.rs"]
mod world;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (store, _threads) = Store::open(StoreLocation::Memory)?;
    let new_world = {
        let store = store.clone();
        move |name, _wake| world::ConvergingWorld { store: store.clone(), name, held: Arc::default(), data: Arc::default() }
    };
    let (loops, supervisor) = Supervisor::new(new_world, CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let (handle, ends) = valkyard_keeper::handle();
    let keeping = keeper::ConvergingKeeper { store: store.clone(), ends, held: Arc::default(), now: world::time(world::LATER) };
    let state = ApiState { store, supervisor, keeper: handle, platform: Arc::new(world::TestPlatform::default()) };
    let stdin_ends = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        result = axum::serve(listener, router(state)) => result.context("serving failed"),
        () = loops.run(Vec::new()) => Ok(()),
        () = keeping.run() => Ok(()),
        result = stdin_ends => result?.map(drop).context("standard input failed"),
    }
}

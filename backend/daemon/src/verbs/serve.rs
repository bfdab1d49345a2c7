//! `valkyard serve`: opens the data folder, starts the loops, answers the API, and ends in order.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::serve::ListenerExt;
use chrono::Utc;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use valkyard_api::ApiState;
use valkyard_backups::{Background, BackupStore};
use valkyard_host::{DataDir, machine_memory, own_loopback_usable, raise_descriptor_limit};
use valkyard_keeper::{Keeper, KeeperMachine};
use valkyard_model::{AddressBlock, InstanceName, MemoryPolicy};
use valkyard_reconciler::{Machine, Sources, Supervisor};
use valkyard_store::{AddressPlan, Store, StoreLocation, StoreThreads};

use crate::calendar::Calendar;
use crate::cli::ServeOptions;
use crate::config::Settings;
use crate::health::{self, Readiness};
use crate::platform::{ThisMachine, discover_engines};
use crate::surroundings::KeeperSurroundings;
use crate::verbs::down::stop_nodes;
use crate::{listen, telemetry};

/// How long open requests may take after SIGTERM: handlers answer within milliseconds, idle connections never end.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How long file work that a loop had begun may take: some synced files, on a busy disk.
const WORK_LIMIT: Duration = Duration::from_secs(10);
/// Threads for requests and loops. The work is waiting for sockets and disk; two keep a small machine free for the nodes.
const WORKER_THREADS: usize = 2;

/// Runs until SIGTERM or SIGINT, or until a part of the daemon fails.
pub(crate) fn run(options: ServeOptions) -> Result<ExitCode> {
    let mut settings = Settings::load(options)?;
    telemetry::init(&settings.log, settings.log_format)?;
    let scratch = if settings.ephemeral { Some(scratch_folder(&mut settings)?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let mut store_threads = None;
    let served = runtime.block_on(serve(&settings, &mut store_threads));
    // Cuts connections that are still open, and waits for file work that a loop had begun; with them the last handles of the
    // store go, which its threads wait for.
    runtime.shutdown_timeout(WORK_LIMIT);
    if let Some(threads) = store_threads {
        threads.join();
    }
    if let Some(scratch) = scratch {
        remove_scratch(scratch, &settings)?;
    }
    served.map(|()| ExitCode::SUCCESS)
}

fn scratch_folder(settings: &mut Settings) -> Result<TempDir> {
    let folder = TempDir::with_prefix("valkyard-").context("make a temporary data folder")?;
    settings.data_dir = folder.path().join("data");
    Ok(folder)
}

/// Ends the nodes, then removes the folder; never from under a node that lives on.
fn remove_scratch(scratch: TempDir, settings: &Settings) -> Result<()> {
    match stop_nodes(&settings.data_dir) {
        Ok(_) => scratch.close().context("remove the temporary data folder"),
        Err(error) => {
            let kept = scratch.keep();
            Err(error).with_context(|| format!("end the nodes of the temporary data folder {}, which is kept", kept.display()))
        }
    }
}

async fn serve(settings: &Settings, store_threads: &mut Option<StoreThreads>) -> Result<()> {
    let mut stop_signals = StopSignals::install(settings)?;
    survive_file_size_limit()?;
    let data_dir = Arc::new(DataDir::open(&settings.data_dir)?);
    let listener = listen::open(settings.listen).await?;
    let address = listener.local_addr().context("read the API's address")?;
    raise_descriptors();
    let catalogue = Arc::new(discover_engines(settings.engine_paths.clone()).await);
    report_engines(&catalogue);
    let (store, threads) = Store::open(StoreLocation::File(data_dir.database()))?;
    *store_threads = Some(threads);
    let known = store.all_names().await?;
    let store_options = Arc::new(settings.store_options.clone());
    let backups = open_backups(settings).await?;

    let background = Background::start().context("start the threads in the background")?;

    let stop = CancellationToken::new();
    let machine = Machine {
        store: store.clone(),
        data_dir: Arc::clone(&data_dir),
        catalogue: Arc::clone(&catalogue),
        backups: backups.clone(),
        store_options: Arc::clone(&store_options),
        background: background.clone(),
        sources: Sources::default(),
        now: Utc::now,
    };
    let (supervisor, loops) = Supervisor::new(move |name, wake| machine.world(name, wake), stop.clone());
    let instances = known.len();
    let mut supervising = tokio::spawn(supervisor.with_roster(roster_of(&store)).run(known));

    let platform = Arc::new(this_machine(catalogue, data_dir, settings)?);
    let (keeper, ends) = valkyard_keeper::handle();
    let surroundings = Arc::new(KeeperSurroundings { machine: Arc::clone(&platform), loops: loops.clone() });
    let kept = KeeperMachine::new(store.clone(), backups, store_options, background, surroundings, &ends);
    let mut keeping = tokio::spawn(valkyard_keeper::run(Keeper::new(kept, ends), stop.clone()));

    let (ready, readiness) = watch::channel(Readiness::NotReady);
    let api = valkyard_api::router(ApiState { store, supervisor: loops, keeper, platform });
    let mut serving = tokio::spawn(answer(listener, api.merge(health::router(readiness)), stop.clone()));
    listen::publish(&settings.data_dir, address)?;
    ready.send_replace(Readiness::Ready);
    info!(%address, data_dir = %settings.data_dir.display(), instances, "ready");

    let ended = tokio::select! {
        () = stop_signals.any() => Ok(()),
        ended = &mut serving => Err(anyhow!("the API has ended: {ended:?}")),
        ended = &mut supervising => Err(anyhow!("the loops of the instances have ended: {ended:?}")),
        ended = &mut keeping => Err(anyhow!("the keeper of backups has ended: {ended:?}")),
    };
    info!("stopping; nodes keep running unless --ephemeral was given");
    ready.send_replace(Readiness::NotReady);
    listen::withdraw(&settings.data_dir);
    stop.cancel();
    ended?;
    let (drained, kept) = tokio::join!(tokio::time::timeout(DRAIN_LIMIT, &mut serving), keeping);
    if drained.is_err() {
        info!("connections are still open; they are cut");
    }
    kept.context("end the keeper of backups")?;
    supervising.await.context("end the loops")
}

/// Beyond a limit of file sizes a write fails with an error, instead of ending the daemon. Nodes know nothing of it: a program
/// that is started begins with the usual manners.
fn survive_file_size_limit() -> Result<()> {
    // The handler stays with the process, whether or not anybody listens.
    let _listener = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    Ok(())
}

/// A folder is made if it is not there; a store elsewhere is not asked yet, as it may be away for a while.
async fn open_backups(settings: &Settings) -> Result<BackupStore> {
    let url = settings.backup_url()?;
    let opening = BackupStore::open(&url, settings.store_options.of(&url));
    let store = opening.await.with_context(|| format!("open the store of backups {url} (--backup-store)"))?;
    info!(url = store.url(), "backups are kept");
    Ok(store)
}

/// What ends the daemon in order. A hang-up does only with `--ephemeral`, whose folder would be left behind; otherwise it ends
/// the process as ever, or is ignored under nohup, and nothing is lost by either.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl StopSignals {
    fn install(settings: &Settings) -> Result<Self> {
        let hang_up = if settings.ephemeral { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hang_up })
    }

    async fn any(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Reads the names of all instances; an unreadable database has been reported by whoever needed it first.
fn roster_of(store: &Store) -> impl Fn() -> BoxFuture<'static, Vec<InstanceName>> + Send + Sync + 'static {
    let store = store.clone();
    move || {
        let store = store.clone();
        Box::pin(async move {
            store.all_names().await.unwrap_or_else(|error| {
                warn!(%error, "cannot read the names of the instances");
                Vec::new()
            })
        })
    }
}

fn raise_descriptors() {
    match raise_descriptor_limit() {
        Ok(limit) => info!(limit, "open files"),
        Err(error) => warn!(%error, "cannot raise the limit of open files; large instances may not fit"),
    }
}

async fn answer(listener: TcpListener, router: axum::Router, stop: CancellationToken) -> std::io::Result<()> {
    // Answers are small and written in pieces: without this each would wait 40 ms for the client's delayed ACK.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn this_machine(
    catalogue: Arc<valkyard_engine::EngineCatalogue>,
    data_dir: Arc<DataDir>,
    settings: &Settings,
) -> Result<ThisMachine> {
    let machine = machine_memory().context("read the machine's memory")?;
    let block = AddressBlock::of_data_dir(settings.data_dir.as_os_str().as_encoded_bytes());
    let addresses = if own_loopback_usable() { AddressPlan::OwnIp { block } } else { AddressPlan::SharedIp };
    let memory = MemoryPolicy { scale: settings.memory_scale, machine };
    Ok(ThisMachine { catalogue, data_dir, memory, addresses, calendar: Calendar::new(settings.clock) })
}

fn report_engines(catalogue: &valkyard_engine::EngineCatalogue) {
    for build in catalogue.builds() {
        info!(version = %build.version, program = %build.program.display(), "engine found");
    }
    for rejected in catalogue.rejected() {
        warn!(path = %rejected.path.display(), reason = %rejected.reason, "not usable as an engine");
    }
    if catalogue.builds().is_empty() {
        warn!(hint = catalogue.install_hint(), "no engine found: instances cannot be created");
    }
}

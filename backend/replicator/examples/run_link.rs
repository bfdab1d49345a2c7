//! Runs one link, for measurements and by hand, and prints a line about it every second.
//!
//! `run_link SOURCE TARGET SECRET REPLICATION_ID OFFSET IMPORTS`: two addresses, the password of both nodes' user, the point
//! that the target's data is of, and `yes` if the target runs with `import-mode yes`. SIGTERM ends it at a boundary of batches.

use std::error::Error;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::interval;
use valkyard_model::{AdminSecret, ReplicationPoint};
use valkyard_replicator::{Distance, Endpoint, Link, LinkRequest, LinkStatus, TargetAbilities};

const LINE_EVERY: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, secret, replication_id, offset, imports] = arguments.as_slice() else {
        return Err("run_link SOURCE TARGET SECRET REPLICATION_ID OFFSET IMPORTS".into());
    };
    let secret: AdminSecret = serde_json::from_value(secret.as_str().into())?;
    let endpoint = |address: &str| -> Result<Endpoint, Box<dyn Error>> {
        Ok(Endpoint { address: address.parse()?, secret: secret.clone() })
    };
    let (_heal, distance) = watch::channel(Distance::default());
    let link = Link::start(LinkRequest {
        source: endpoint(source)?,
        target: endpoint(target)?,
        start: Some(ReplicationPoint { replication_id: replication_id.clone(), offset: offset.parse()? }),
        distance,
        target_can: TargetAbilities { imports: imports == "yes" },
    });
    let (mut end, mut ticks) = (signal(SignalKind::terminate())?, interval(LINE_EVERY));
    loop {
        tokio::select! {
            _ = end.recv() => break,
            _ = ticks.tick() => print(&link.status()),
        }
    }
    print(&link.stop().await);
    Ok(())
}

fn print(status: &LinkStatus) {
    let applied = status.applied.as_ref().map_or(0, |point| point.offset);
    println!("applied={applied} lag_bytes={:?} lag={:?} state={:?}", status.lag_bytes, status.lag, status.state);
}

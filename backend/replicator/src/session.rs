//! One go of a link, from opening both ends to whatever ends it.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use valkyard_engine::handshake;

use crate::answers::Answers;
use crate::ends::{End, Ends, ask_history, open};
use crate::intake::Intake;
use crate::link::LinkRequest;
use crate::progress::Progress;
use crate::pump::{Pump, PumpParts, UNANSWERED_MAX};
use crate::status::{LinkFault, Side};

/// How often a source hears from a link, as from its replicas, and is asked where it is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// How often a source that is about to end hears how far the link is.
const FAREWELL: Duration = Duration::from_millis(20);
/// Longest wait for a boundary, and for answers to what was sent, when a link is stopped.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// Streams until something ends it. Dropping it ends it at once.
pub(crate) async fn run(request: &LinkRequest, progress: &Progress, stop: &CancellationToken) -> End {
    let opening = async {
        passable(request, progress).await;
        open(request, progress).await
    };
    let ends = tokio::select! {
        opened = opening => match opened {
            Ok(ends) => ends,
            Err(end) => return end,
        },
        () = stop.cancelled() => return End::Stopped,
    };
    let Ends { target, source, came, warden, checkpoint, is_news, slot } = ends;
    let (source_reads, source_writes) = source.into_split();
    let (target_reads, target_writes) = target.into_split();
    let (sent, answered) = mpsc::channel(UNANSWERED_MAX);
    let asked = Notify::new();
    progress.streams(checkpoint.at.clone());
    let intake = Intake::new(source_reads, &came, checkpoint.at.offset, request.distance.clone());
    let parts = PumpParts { request, progress, target: target_writes, warden, sent, asked: &asked, checkpoint, slot };
    let stopped_in_vain = async {
        stop.cancelled().await;
        sleep(STOP_TIME_MAX).await;
    };
    tokio::select! {
        end = Pump::new(parts).run(intake, is_news, stop) => end,
        end = Answers::new(&request.target, progress, answered).run(target_reads) => end,
        end = accompany(request, progress, source_writes, &asked) => end,
        () = stopped_in_vain => End::Stopped,
    }
}

/// Waits until the emulated distance lets something pass.
async fn passable(request: &LinkRequest, progress: &Progress) {
    let mut distance = request.distance.clone();
    if distance.borrow_and_update().is_cut {
        progress.is_cut();
    }
    if distance.wait_for(|distance| !distance.is_cut).await.is_err() {
        // Nobody is left who could heal it.
        std::future::pending::<()>().await;
    }
}

/// Tells the source every second that somebody listens, asks where it is, and keeps the figures current.
///
/// A link acknowledges byte 0: what it applied is safe in another instance, not in the shard, and must not count for a `WAIT` of
/// the source's clients. Only a source that is about to end, and waits for all who follow it, is told how far the link is.
async fn accompany(request: &LinkRequest, progress: &Progress, mut source: OwnedWriteHalf, asked: &Notify) -> End {
    let (mut link, mut is_ending) = (None, false);
    let mut ticks = interval(SIGN_OF_LIFE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = asked.notified() => {}
            () = sleep(FAREWELL), if is_ending => {}
        }
        progress.look();
        if request.distance.borrow().is_cut {
            continue;
        }
        let offset = progress.applied_point().filter(|_point| is_ending).map_or(0, |point| point.offset);
        let sign = handshake::command(&["REPLCONF", "ACK", &offset.to_string()]);
        if let Err(error) = source.write_all(&sign).await {
            let (side, address) = (Side::Source, request.source.address);
            return End::Fault(LinkFault::Lost { side, address, message: error.to_string() });
        }
        // What fails here shows in the stream as well, and is told there.
        if let Ok(Ok(seen)) = timeout(SIGN_OF_LIFE, ask_history(&request.source, &mut link)).await {
            progress.source_seen(seen.point.offset);
            is_ending = seen.is_ending;
        }
    }
}

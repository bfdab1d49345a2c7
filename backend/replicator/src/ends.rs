//! Opening both ends of a link: where the target is, and the source's stream from there.

use bytes::BytesMut;
use tokio::net::TcpStream;
use valkyard_engine::{Following, HistorySeen, LinkError, NodeLink};
use valkyard_model::{Slot, SlotSet};

use crate::checkpoint::{Checkpoint, CheckpointError, LIBRARY, carried_by, position};
use crate::link::{Endpoint, LinkRequest};
use crate::progress::Progress;
use crate::status::{LinkFault, SeedReason, Side};

/// Name of a link's connection at its target. Only one may have it: what an earlier link sent must not be carried out late.
pub(crate) const CONNECTION: &str = LIBRARY;

/// Why a link stops streaming.
#[derive(Debug)]
pub(crate) enum End {
    /// It was asked to.
    Stopped,
    /// Slots came to the source or left it.
    Resharding,
    /// It cannot go on from where the target is.
    Seed(SeedReason),
    /// The target carried out a transaction in which a command failed.
    Diverged {
        /// Its words.
        message: String,
    },
    /// Anything that may pass.
    Fault(LinkFault),
}

/// Both ends, open.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) target: TcpStream,
    pub(crate) source: TcpStream,
    /// What came of the stream already.
    pub(crate) came: BytesMut,
    /// For questions to the source while it streams.
    pub(crate) warden: Warden,
    /// Where the target is, under the name that the history has now.
    pub(crate) checkpoint: Checkpoint,
    /// Whether the target does not carry this checkpoint yet.
    pub(crate) is_news: bool,
    /// Some slot of the target.
    pub(crate) slot: Slot,
}

/// Opens both ends. May be dropped at any time.
pub(crate) async fn open(request: &LinkRequest, progress: &Progress) -> Result<Ends, End> {
    let (target_at, source_at) = (&request.target, &request.source);
    let target_fault = |source| End::Fault(fault_of(Side::Target, target_at, &source));
    let source_fault = |source| End::Fault(fault_of(Side::Source, source_at, &source));
    let mut target = connect(target_at).await.map_err(target_fault)?;
    target.be_the_only(CONNECTION).await.map_err(target_fault)?;
    if request.target_can.imports {
        target.act_as_import_source().await.map_err(target_fault)?;
    }
    let carried = carried_by(&mut target).await.map_err(|error| checkpoint_fault(target_at, error))?;
    let mut checkpoint = position(carried.clone(), request.start.as_ref()).map_err(End::Seed)?;
    progress.found(checkpoint.at.clone());
    let slots = target.kept_slots().await.map_err(target_fault)?;
    let slots = slots.ok_or_else(|| no_primary(Side::Target, target_at))?;
    let warden = connect(source_at).await.map_err(source_fault)?;
    let mut warden = Warden { source: source_at.clone(), link: warden, slots };
    let kept = warden.kept().await?;
    let slot = match warden.slots.ranges() {
        [range, ..] if kept == warden.slots => range.first(),
        _ => return Err(End::Resharding),
    };
    let follower = connect(source_at).await.map_err(source_fault)?;
    let (source, came) = match follower.follow(&checkpoint.at).await.map_err(source_fault)? {
        Following::Continued { stream, received, replication_id } => {
            if let Some(replication_id) = replication_id {
                checkpoint.at.replication_id = replication_id;
            }
            (stream, received)
        }
        Following::Offered(offered) => {
            return Err(End::Seed(SeedReason::HistoryGone { wanted: checkpoint.at, offered }));
        }
    };
    let is_news = carried.as_ref() != Some(&checkpoint);
    Ok(Ends { target: target.into_stream(), source, came, warden, checkpoint, is_news, slot })
}

/// Notes at a target that it is no copy any more, and ends whatever else writes there.
pub(crate) async fn note_divergence(target: &Endpoint, message: &str) -> Result<(), CheckpointError> {
    let node = |source| CheckpointError::Node { source };
    let mut link = connect(target).await.map_err(node)?;
    link.be_the_only(CONNECTION).await.map_err(node)?;
    let Some(carried) = carried_by(&mut link).await? else { return Ok(()) };
    let noted = Checkpoint { complaint: Some(message.to_owned()), ..carried };
    link.load_library(&noted.code()).await.map_err(node)
}

async fn connect(endpoint: &Endpoint) -> Result<NodeLink, LinkError> {
    NodeLink::connect(endpoint.address, &endpoint.secret).await
}

/// Asks the source which slots it keeps.
#[derive(Debug)]
pub(crate) struct Warden {
    source: Endpoint,
    link: NodeLink,
    /// The slots of the target.
    slots: SlotSet,
}

impl Warden {
    /// Whether the source keeps all slots of the target now, so that what it removed before was not removed because a slot left.
    pub(crate) async fn keeps_all_slots(&mut self) -> Result<bool, End> {
        let kept = self.kept().await?;
        Ok(self.slots.without(&kept).is_empty())
    }

    async fn kept(&mut self) -> Result<SlotSet, End> {
        let kept = self.link.kept_slots().await.map_err(|error| End::Fault(fault_of(Side::Source, &self.source, &error)))?;
        kept.ok_or_else(|| no_primary(Side::Source, &self.source))
    }
}

/// Asks the source where it is, and whether it is about to end.
pub(crate) async fn ask_history(source: &Endpoint, link: &mut Option<NodeLink>) -> Result<HistorySeen, LinkError> {
    let mut open = match link.take() {
        Some(open) => open,
        None => connect(source).await?,
    };
    let seen = open.history().await?;
    *link = Some(open);
    Ok(seen)
}

fn no_primary(side: Side, endpoint: &Endpoint) -> End {
    let message = "it is a replica, not a primary".to_owned();
    End::Fault(LinkFault::Refused { side, address: endpoint.address, message })
}

fn checkpoint_fault(target: &Endpoint, error: CheckpointError) -> End {
    End::Fault(match error {
        CheckpointError::Node { source } => fault_of(Side::Target, target, &source),
        CheckpointError::Unreadable { text } => {
            LinkFault::Malformed { side: Side::Target, address: target.address, message: format!("checkpoint {text:?}") }
        }
    })
}

fn fault_of(side: Side, endpoint: &Endpoint, error: &LinkError) -> LinkFault {
    let address = endpoint.address;
    match error {
        LinkError::Refused { .. } => LinkFault::Unreachable { side, address, message: "nobody listens".to_owned() },
        LinkError::Silent { .. } => LinkFault::Silent { side, address },
        LinkError::Denied { message, .. } | LinkError::Engine { message, .. } => {
            LinkFault::Refused { side, address, message: message.clone() }
        }
        LinkError::Protocol { source, .. } => LinkFault::Malformed { side, address, message: source.to_string() },
        LinkError::Broken { source, .. } => LinkFault::Lost { side, address, message: source.to_string() },
        LinkError::Spent { .. } => LinkFault::Lost { side, address, message: "it failed before".to_owned() },
    }
}

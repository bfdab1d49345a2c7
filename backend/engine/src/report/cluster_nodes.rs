//! One line of `CLUSTER NODES`: `id ip:port@bus[,hostname[,name=value…]] flags primary ping pong epoch link slot…`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use valkyard_model::{ConfigEpoch, NodeId, OpenSlot, PeerHealth, Slot, SlotRange, SlotSet};

/// What is read of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeLine {
    pub(super) id: NodeId,
    pub(super) myself: bool,
    /// `None` when the node does not know it.
    pub(super) address: Option<SocketAddrV4>,
    pub(super) health: PeerHealth,
    pub(super) replica_of: Option<NodeId>,
    pub(super) epoch: ConfigEpoch,
    pub(super) slots: SlotSet,
    /// Only a node's own line has any.
    pub(super) open_slots: BTreeMap<Slot, OpenSlot>,
}

/// Columns before the slots.
const FIXED_COLUMNS: usize = 8;

impl NodeLine {
    /// Reads a line; `None` when it is not one.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut columns = line.split_ascii_whitespace();
        let mut fixed = [""; FIXED_COLUMNS];
        for column in &mut fixed {
            *column = columns.next()?;
        }
        let [id, address, flags, primary, _ping, _pong, epoch, link] = fixed;
        let has = |wanted: &str| flags.split(',').any(|flag| flag == wanted);
        let replica_of = match primary {
            "-" => None,
            id => Some(id.parse().ok()?),
        };
        let (open, owned): (Vec<_>, Vec<_>) = columns.partition(|column| column.starts_with('['));
        Some(Self {
            id: id.parse().ok()?,
            myself: has("myself"),
            // In a handshake the identity is made up: the node behind the address is not known yet.
            address: if has("noaddr") || has("handshake") { None } else { parse_address(address) },
            health: match link {
                _ if has("fail") => PeerHealth::Failed,
                "connected" if !has("fail?") && !has("handshake") => PeerHealth::Ok,
                _ => PeerHealth::Doubtful,
            },
            replica_of,
            epoch: ConfigEpoch(epoch.parse().ok()?),
            // A slot on its way in or out stands in brackets after the ranges; its owner still lists it there.
            slots: owned.into_iter().map(parse_range).collect::<Option<_>>()?,
            open_slots: open.into_iter().map(parse_open_slot).collect::<Option<_>>()?,
        })
    }
}

fn parse_address(text: &str) -> Option<SocketAddrV4> {
    let (address, _bus_and_names) = text.split_once('@')?;
    let (ip, port) = address.rsplit_once(':')?;
    let (ip, port): (Ipv4Addr, u16) = (ip.parse().ok()?, port.parse().ok()?);
    (port != 0).then(|| SocketAddrV4::new(ip, port))
}

/// `[slot->-node]` for a slot on its way out, `[slot-<-node]` for one on its way in.
fn parse_open_slot(text: &str) -> Option<(Slot, OpenSlot)> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let slot = |number: &str| Slot::new(number.parse().ok()?);
    if let Some((number, node)) = inner.split_once("->-") {
        return Some((slot(number)?, OpenSlot::MigratingTo(node.parse().ok()?)));
    }
    let (number, node) = inner.split_once("-<-")?;
    Some((slot(number)?, OpenSlot::ImportingFrom(node.parse().ok()?)))
}

pub(super) fn parse_range(text: &str) -> Option<SlotRange> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    SlotRange::new(first.parse().ok()?, last.parse().ok()?)
}

//! One line of `CLUSTER NODES`: `id ip:port@bus[,hostname[,name=value…]] flags primary ping pong epoch link slot…`.

use std::net::{Ipv4Addr, SocketAddrV4};

use valkyard_model::{ConfigEpoch, NodeId, PeerHealth, SlotRange, SlotSet};

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
        Some(Self {
            id: id.parse().ok()?,
            myself: has("myself"),
            address: if has("noaddr") { None } else { parse_address(address) },
            health: match link {
                _ if has("fail") => PeerHealth::Failed,
                "connected" if !has("fail?") && !has("handshake") => PeerHealth::Ok,
                _ => PeerHealth::Doubtful,
            },
            replica_of,
            epoch: ConfigEpoch(epoch.parse().ok()?),
            // A slot on its way in or out stands in brackets after the ranges; its owner still lists it there.
            slots: columns.filter(|column| !column.starts_with('[')).map(parse_range).collect::<Option<_>>()?,
        })
    }
}

fn parse_address(text: &str) -> Option<SocketAddrV4> {
    let (address, _bus_and_names) = text.split_once('@')?;
    let (ip, port) = address.rsplit_once(':')?;
    let (ip, port): (Ipv4Addr, u16) = (ip.parse().ok()?, port.parse().ok()?);
    (port != 0).then(|| SocketAddrV4::new(ip, port))
}

fn parse_range(text: &str) -> Option<SlotRange> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    SlotRange::new(first.parse().ok()?, last.parse().ok()?)
}

//! Addresses of an instance (DESIGN D7).

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Port(pub u16);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A block of consecutive ports that belong to one instance's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBlock {
    /// The first port.
    pub first: Port,
    /// How many there are.
    pub count: u16,
}

impl PortBlock {
    /// The ports, ascending.
    pub fn ports(self) -> impl Iterator<Item = Port> {
        (self.first.0..self.first.0 + self.count).map(Port)
    }
}

/// Where clients and nodes of one instance listen. Allocated durably, for the instance's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceAddress {
    /// The loopback IP of the instance.
    pub ip: Ipv4Addr,
    /// The discovery endpoint's port.
    pub discovery: Port,
    /// Ports that clients reach nodes on.
    pub nodes: PortBlock,
    /// Ports of the cluster bus, same length as `nodes`.
    pub bus: PortBlock,
}

/// Port of the discovery endpoint (product: 6379).
const DISCOVERY_PORT: Port = Port(6379);
/// Node ports of the product: 11000 to 13047.
const NODE_PORTS: PortBlock = PortBlock { first: Port(11_000), count: 2_048 };
/// Bus ports: above every node port, below the ephemeral range of Linux (32768).
const BUS_PORTS: PortBlock = PortBlock { first: Port(21_000), count: 2_048 };
/// Second octet of the first block: away from 127.0.0.0/16, which resolvers and development tools use.
const FIRST_BLOCK_OCTET: u8 = 20;
/// Blocks of addresses, one per data folder: 127.20.0.0/16 to 127.119.0.0/16.
const BLOCK_COUNT: u8 = 100;
/// How many instances have an address of their own in a block: all of it but the address that ends in zeros.
const OWN_ADDRESS_COUNT: u32 = 65_535;
/// Ports per instance where only 127.0.0.1 is usable: 250 nodes, some spare for replacements, and discovery.
const SHARED_BLOCK: u16 = 300;
/// First port of the shared layout; 60 instances of 300 ports end at 29000, below the ephemeral range.
const SHARED_FIRST_PORT: u16 = 11_000;
/// How many instances the shared layout bears: node and bus blocks of each take 600 ports.
const SHARED_COUNT: u32 = 30;

/// A /16 of loopback addresses. Daemons with different data folders take different ones, so that several can run side by
/// side on a machine, of one user or of parallel CI jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressBlock(u8);

impl AddressBlock {
    /// The lowest block, 127.20.0.0/16.
    pub const FIRST: Self = Self(0);

    /// The block of a data folder: always the same for the same path; two paths share one with a chance of 1 %.
    #[must_use]
    pub fn of_data_dir(path: &[u8]) -> Self {
        Self(Sha256::digest(path)[0] % BLOCK_COUNT)
    }
}

impl InstanceAddress {
    /// The address with this number in a block, where every instance has a loopback IP of its own. `None` past the last.
    #[must_use]
    pub fn own_ip(block: AddressBlock, number: u32) -> Option<Self> {
        let first = u32::from_be_bytes([127, FIRST_BLOCK_OCTET + block.0, 0, 1]);
        (number < OWN_ADDRESS_COUNT).then(|| Self {
            ip: Ipv4Addr::from(first + number),
            discovery: DISCOVERY_PORT,
            nodes: NODE_PORTS,
            bus: BUS_PORTS,
        })
    }

    /// The address with this number where only 127.0.0.1 is usable (macOS): ports tell the instances apart.
    #[must_use]
    pub fn shared_ip(number: u32) -> Option<Self> {
        if number >= SHARED_COUNT {
            return None;
        }
        let number = u16::try_from(number).expect("checked against SHARED_COUNT");
        let first = SHARED_FIRST_PORT + number * SHARED_BLOCK * 2;
        Some(Self {
            ip: Ipv4Addr::LOCALHOST,
            discovery: Port(first),
            nodes: PortBlock { first: Port(first + 1), count: SHARED_BLOCK - 1 },
            bus: PortBlock { first: Port(first + SHARED_BLOCK), count: SHARED_BLOCK - 1 },
        })
    }

    /// Where clients connect first.
    #[must_use]
    pub fn discovery_endpoint(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.ip, self.discovery.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_carry_the_products_ports_and_run_out() {
        let first = InstanceAddress::own_ip(AddressBlock::FIRST, 0).expect("there is a first");
        assert_eq!(first.discovery_endpoint().to_string(), "127.20.0.1:6379");
        let last = InstanceAddress::own_ip(AddressBlock(BLOCK_COUNT - 1), OWN_ADDRESS_COUNT - 1).expect("there is a last");
        assert_eq!(last.ip.to_string(), "127.119.255.255");
        assert_eq!(first.nodes.ports().next(), Some(Port(11_000)));
        assert_eq!(first.nodes.ports().last(), Some(Port(13_047)));
        assert!(InstanceAddress::own_ip(AddressBlock::FIRST, OWN_ADDRESS_COUNT).is_none());
    }

    #[test]
    fn a_data_folder_keeps_its_block_and_folders_spread() {
        let block = |path: &str| AddressBlock::of_data_dir(path.as_bytes());
        assert_eq!(block("/a"), block("/a"));
        let blocks: std::collections::BTreeSet<u8> = (0..1_000).map(|n| block(&format!("/data/{n}")).0).collect();
        assert_eq!(blocks.len(), usize::from(BLOCK_COUNT), "every block is somebody's");
    }

    #[test]
    fn shared_blocks_never_overlap() {
        let mut taken = std::collections::BTreeSet::new();
        for number in 0..SHARED_COUNT {
            let address = InstanceAddress::shared_ip(number).expect("within the count");
            let ports = address.nodes.ports().chain(address.bus.ports()).chain([address.discovery]);
            for port in ports {
                assert!(taken.insert(port), "port {port} is given out twice");
                assert!(port.0 < 32_768, "port {port} is ephemeral");
            }
        }
        assert!(InstanceAddress::shared_ip(SHARED_COUNT).is_none());
    }
}

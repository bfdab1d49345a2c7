//! Who has a TCP port, as far as the kernel shows it: `/proc/net/tcp*` has a socket for the port, `/proc/*/fd` a process for
//! the socket. Serves messages only; sockets of other users may not be visible.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use valkyard_model::Pid;

/// A process that listens somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortOwner {
    /// Its pid.
    pub pid: Pid,
    /// Its program's name.
    pub program: String,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)
    }
}

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// One line of `/proc/net/tcp` or `tcp6`.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    local: SocketAddr,
    listens: bool,
    inode: u64,
}

/// Who has this address, itself or as part of a wildcard: a listener if there is one, else whoever uses the port.
#[must_use]
pub fn port_owner(address: impl Into<SocketAddr>) -> Option<PortOwner> {
    let address = address.into();
    let mut sockets: Vec<Socket> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(parse_socket).collect::<Vec<_>>())
        .filter(|socket| covers(socket.local, address))
        .collect();
    sockets.sort_by_key(|socket| !socket.listens);
    sockets.iter().find_map(|socket| owner_of(socket.inode))
}

fn covers(local: SocketAddr, wanted: SocketAddr) -> bool {
    local.port() == wanted.port()
        && (local.ip().to_canonical() == wanted.ip().to_canonical()
            || local.ip().is_unspecified()
            || wanted.ip().is_unspecified())
}

/// Fields: number, local address, remote address, state, queues, timer, retransmits, user, timeout, inode.
fn parse_socket(line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = parse_address(fields.get(1)?)?;
    Some(Socket { local, listens: *fields.get(3)? == LISTEN, inode: fields.get(9)?.parse().ok()? })
}

/// An address as 32-bit words in the machine's own byte order, then the port in plain hex.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (words, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for start in (0..words.len()).step_by(8) {
        let word = u32::from_str_radix(words.get(start..start + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn owner_of(inode: u64) -> Option<PortOwner> {
    let link = format!("socket:[{inode}]");
    let has_it = |pid: &Pid| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.as_os_str() == link.as_str())
    };
    let pid = processes().find(has_it)?;
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned();
    Some(PortOwner { pid, program })
}

/// Every process that can be seen; some may end before they are looked at.
pub(crate) fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::waiting::wait_for;

    fn owner(address: &str) -> Option<PortOwner> {
        port_owner(address.parse::<SocketAddr>().expect("an address"))
    }

    #[test]
    fn a_listener_is_named_also_behind_a_wildcard() {
        for bound in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            let listener = TcpListener::bind(bound).expect("binds");
            let port = listener.local_addr().expect("has an address").port();
            let found = owner(&format!("127.0.0.1:{port}")).unwrap_or_else(|| panic!("{bound} is not found"));
            assert_eq!(found.pid.0.cast_unsigned(), std::process::id(), "{bound}");
            assert!(!found.program.is_empty() && found.to_string().contains("(pid "), "{found}");
        }
    }

    #[test]
    fn a_free_port_and_another_address_have_no_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        assert_eq!(owner(&format!("127.20.0.1:{port}")), None);
        drop(listener);
        wait_for("a port without owner", || owner(&format!("127.0.0.1:{port}")).map_or(Ok(()), Err));
    }

    #[test]
    fn lines_of_the_kernels_tables_are_read() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        assert_eq!(parse_socket(head), None);
        let word = u32::from_ne_bytes([127, 20, 0, 1]);
        let line =
            format!("   0: {word:08X}:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0");
        let expected = Socket { local: "127.20.0.1:6379".parse().expect("an address"), listens: true, inode: 4_711 };
        assert_eq!(parse_socket(&line), Some(expected));
    }
}

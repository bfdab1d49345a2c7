//! Something between a link and a node that can break off after any number of bytes in either direction.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Which way bytes go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    ToNode,
    FromNode,
}

/// Bytes that may still pass in one direction over all connections; less than nothing for any number.
type Budget = Arc<AtomicI64>;

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddrV4,
    to_node: Budget,
    from_node: Budget,
    held: watch::Sender<bool>,
    /// Bytes to the node that came while it is held.
    waiting: Arc<AtomicI64>,
    open: Arc<AtomicI64>,
    _connections: JoinSet<()>,
}

const UNLIMITED: i64 = -1;

impl Proxy {
    pub(crate) async fn new(node: SocketAddrV4) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (to_node, from_node) = (Arc::new(AtomicI64::new(UNLIMITED)), Arc::new(AtomicI64::new(UNLIMITED)));
        let budgets = (Arc::clone(&to_node), Arc::clone(&from_node));
        let (held, waiting, open) = (watch::Sender::new(false), Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let (holding, counting, opening) = (held.clone(), Arc::clone(&waiting), Arc::clone(&open));
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut pairs = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(node).await else { continue };
                let ((near_reads, near_writes), (far_reads, far_writes)) = (near.into_split(), far.into_split());
                let (to, from) = (Arc::clone(&budgets.0), Arc::clone(&budgets.1));
                let gate = Gate { held: holding.subscribe(), waiting: Arc::clone(&counting) };
                let (_never, free) = watch::channel(false);
                let free = Gate { held: free, waiting: Arc::default() };
                let open = Arc::clone(&opening);
                open.fetch_add(1, Ordering::SeqCst);
                pairs.spawn(async move {
                    // When one direction ends, dropping both ends closes both connections.
                    tokio::select! {
                        () = pass(near_reads, far_writes, to, gate) => {}
                        () = pass(far_reads, near_writes, from, free) => {}
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
            to_node,
            from_node,
            held,
            waiting,
            open,
            _connections: connections,
        }
    }

    /// Breaks off whatever connection uses up so many more bytes in this direction; those after it are whole.
    pub(crate) fn break_after(&self, bytes: u32, way: Way) {
        let budget = match way {
            Way::ToNode => &self.to_node,
            Way::FromNode => &self.from_node,
        };
        budget.store(i64::from(bytes), Ordering::SeqCst);
    }

    /// Keeps what goes to the node from now on, or passes it on.
    pub(crate) fn hold(&self, is_held: bool) {
        self.held.send_replace(is_held);
    }

    /// Whether something is kept that was sent to the node.
    pub(crate) fn keeps_something(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Connections through it.
    pub(crate) fn connections(&self) -> i64 {
        self.open.load(Ordering::SeqCst)
    }

    /// Whether the last break has happened.
    pub(crate) fn has_broken(&self) -> bool {
        self.to_node.load(Ordering::SeqCst) < 0 && self.from_node.load(Ordering::SeqCst) < 0
    }
}

/// What keeps bytes.
struct Gate {
    held: watch::Receiver<bool>,
    waiting: Arc<AtomicI64>,
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, budget: Budget, mut gate: Gate) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let left = budget.load(Ordering::SeqCst);
        let count_i64 = i64::try_from(count).expect("a small buffer");
        if *gate.held.borrow() {
            gate.waiting.fetch_add(count_i64, Ordering::SeqCst);
            // Without anybody who could release them they are never passed on.
            if gate.held.wait_for(|held| !held).await.is_err() {
                return;
            }
        }
        if left >= 0 && left <= count_i64 {
            let passed = usize::try_from(left).expect("not negative");
            // The break is what is wanted; whether these bytes still arrive is the network's business.
            drop(to.write_all(&buffer[..passed]).await);
            budget.store(UNLIMITED, Ordering::SeqCst);
            return;
        }
        if left >= 0 {
            budget.fetch_sub(count_i64, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

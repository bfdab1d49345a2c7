use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::waiting::wait_for;

/// A node that greets every connection with its letter and keeps it open.
struct Node {
    address: SocketAddrV4,
    serving: JoinHandle<()>,
}

impl Node {
    async fn start(letter: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = local(&listener);
        let serving = tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut client, _) = listener.accept().await.expect("accepts");
                client.write_all(&[letter]).await.expect("writes");
                open.push(client);
            }
        });
        Self { address, serving }
    }

    /// Ends the node as a kill does: its listener and its connections are closed.
    async fn kill(self) {
        self.serving.abort();
        self.serving.await.expect_err("was aborted");
    }
}

fn local(listener: &TcpListener) -> SocketAddrV4 {
    match listener.local_addr().expect("has an address") {
        std::net::SocketAddr::V4(address) => address,
        std::net::SocketAddr::V6(address) => panic!("{address} is no IPv4 address"),
    }
}

async fn free_address() -> SocketAddrV4 {
    local(&TcpListener::bind("127.0.0.1:0").await.expect("binds"))
}

struct Client(TcpStream);

impl Client {
    async fn connect(endpoint: SocketAddrV4) -> Self {
        Self(TcpStream::connect(endpoint).await.expect("connects"))
    }

    /// The letter of the node that it was led to, or nothing if the connection was ended.
    async fn greeting(&mut self) -> Option<char> {
        let mut letter = [0];
        match self.0.read(&mut letter).await {
            Ok(1) => Some(char::from(letter[0])),
            Ok(_) | Err(_) => None,
        }
    }
}

async fn led_to(endpoint: SocketAddrV4) -> Option<char> {
    Client::connect(endpoint).await.greeting().await
}

#[tokio::test]
async fn connections_go_to_the_first_node_that_accepts() {
    let (first, second, endpoint) = (Node::start(b'a').await, Node::start(b'b').await, free_address().await);
    let forwarder = Forwarder::open(endpoint, vec![first.address, second.address]).await.expect("opens");
    assert_eq!(led_to(endpoint).await, Some('a'));
    first.kill().await;
    assert_eq!(led_to(endpoint).await, Some('b'));
    second.kill().await;
    assert_eq!(led_to(endpoint).await, None, "nobody is left");
    forwarder.close().await;
}

#[tokio::test]
async fn bytes_flow_both_ways_until_the_node_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let endpoint = free_address().await;
    let forwarder = Forwarder::open(endpoint, vec![local(&listener)]).await.expect("opens");
    let mut client = Client::connect(endpoint).await;
    let (mut node, _) = listener.accept().await.expect("accepts");
    client.0.write_all(b"PING").await.expect("writes");
    let mut asked = [0; 4];
    node.read_exact(&mut asked).await.expect("reads");
    assert_eq!(&asked, b"PING");
    node.write_all(b"P").await.expect("writes");
    assert_eq!(client.greeting().await, Some('P'));
    drop(node);
    assert_eq!(client.greeting().await, None);
    forwarder.close().await;
}

#[tokio::test]
async fn pointing_elsewhere_leads_new_connections_and_leaves_open_ones() {
    let (first, second, endpoint) = (Node::start(b'a').await, Node::start(b'b').await, free_address().await);
    let forwarder = Forwarder::open(endpoint, vec![first.address]).await.expect("opens");
    let mut open = Client::connect(endpoint).await;
    assert_eq!(open.greeting().await, Some('a'));
    forwarder.point_at(vec![second.address]);
    assert_eq!(forwarder.backends(), [second.address]);
    assert_eq!(led_to(endpoint).await, Some('b'));
    open.0.write_all(b"still here").await.expect("is open");
    first.kill().await;
    assert_eq!(open.greeting().await, None);
    forwarder.close().await;
}

#[tokio::test]
async fn closing_cuts_connections_and_frees_the_port() {
    let (node, endpoint) = (Node::start(b'a').await, free_address().await);
    let forwarder = Forwarder::open(endpoint, vec![node.address]).await.expect("opens");
    let mut client = Client::connect(endpoint).await;
    assert_eq!(client.greeting().await, Some('a'));
    forwarder.close().await;
    assert_eq!(client.greeting().await, None);
    wait_for("a free port", || std::net::TcpListener::bind(endpoint));
    let again = Forwarder::open(endpoint, vec![node.address]).await.expect("the port is free");
    assert_eq!(led_to(endpoint).await, Some('a'));
    again.close().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once() {
    let (node, endpoint) = (Node::start(b'a').await, free_address().await);
    let forwarder = Forwarder::open_bounded(endpoint, vec![node.address], 2, connections()).await.expect("opens");
    let mut open = [Client::connect(endpoint).await, Client::connect(endpoint).await];
    for client in &mut open {
        assert_eq!(client.greeting().await, Some('a'));
    }
    assert_eq!(led_to(endpoint).await, None);
    forwarder.close().await;
}

#[tokio::test]
async fn all_endpoints_share_a_bound_and_give_back_what_they_do_not_use() {
    let (node, endpoints) = (Node::start(b'a').await, [free_address().await, free_address().await]);
    let permits = Arc::new(Semaphore::new(1));
    let open = endpoints.map(|endpoint| Forwarder::open_bounded(endpoint, vec![node.address], 10, Arc::clone(&permits)));
    let [first, second] = open;
    let (first, second) = (first.await.expect("opens"), second.await.expect("opens"));
    let mut client = Client::connect(endpoints[0]).await;
    assert_eq!(client.greeting().await, Some('a'));
    assert_eq!(led_to(endpoints[1]).await, None, "the other endpoint has used up the bound");
    first.close().await;
    assert_eq!(led_to(endpoints[1]).await, Some('a'));
    second.close().await;
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test]
async fn an_address_in_use_names_its_owner() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let error = Forwarder::open(local(&taken), Vec::new()).await.expect_err("is in use");
    let ForwarderError::AddressInUse { address, owner } = &error else { panic!("{error:?}") };
    assert_eq!(*address, local(&taken));
    assert_eq!(owner.as_ref().map(|owner| owner.pid.0.cast_unsigned()), Some(std::process::id()), "{error}");
}

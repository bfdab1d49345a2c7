//! A blocking client for any command, as the tests' own view of a node.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

use valkyard_engine::render::ADMIN_USER;
use valkyard_model::AdminSecret;

/// Longest wait for an answer; the longest question is a WAIT of one second.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

pub(crate) struct RawClient(BufReader<TcpStream>);

impl RawClient {
    /// Connects as any client of the product does.
    pub(crate) fn anyone(address: SocketAddrV4) -> Self {
        let stream = TcpStream::connect(address).expect("the node listens");
        stream.set_read_timeout(Some(ANSWER_TIME_MAX)).expect("a positive duration");
        Self(BufReader::new(stream))
    }

    /// Connects as the daemon does.
    pub(crate) fn admin(address: SocketAddrV4, secret: &AdminSecret) -> Self {
        let mut client = Self::anyone(address);
        assert_eq!(client.call(&["AUTH", ADMIN_USER, secret.expose()]), "OK");
        client
    }

    /// The reply to a command: elements joined by blanks, nothing for null, errors with their words.
    pub(crate) fn call(&mut self, command: &[&str]) -> String {
        let mut request = format!("*{}\r\n", command.len());
        for word in command {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(request.as_bytes()).expect("the node reads");
        self.reply().join(" ")
    }

    /// The replies to some commands.
    pub(crate) fn calls(&mut self, commands: &[&[&str]]) -> Vec<String> {
        commands.iter().map(|command| self.call(command)).collect()
    }

    fn reply(&mut self) -> Vec<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a reply in time");
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "+" | ":" | "-" => vec![rest.to_owned()],
            "$" => match rest.parse::<i64>().expect("a length") {
                -1 => Vec::new(),
                length => {
                    let mut bytes = vec![0; usize::try_from(length).expect("a length") + 2];
                    self.0.read_exact(&mut bytes).expect("as many bytes as announced");
                    vec![String::from_utf8_lossy(&bytes).trim_end().to_owned()]
                }
            },
            "*" => (0..rest.parse::<i64>().expect("a count")).flat_map(|_| self.reply()).collect(),
            other => panic!("a reply of kind {other:?}"),
        }
    }
}

//! A blocking client for any command.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX)).expect("a positive duration");
        Some(Self(BufReader::new(stream)))
    }

    /// The reply: elements joined by blanks, errors with their words.
    pub(crate) fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> String {
        self.0.get_mut().write_all(&request(words)).expect("the node reads");
        self.reply()
    }

    /// Commands of which none may fail; their replies go unread otherwise.
    pub(crate) fn all<W: AsRef<[u8]>>(&mut self, commands: &[Vec<W>]) {
        for some in commands.chunks(256) {
            let requests: Vec<u8> = some.iter().flat_map(|words| request(words)).collect();
            self.0.get_mut().write_all(&requests).expect("the node reads");
            for words in some {
                let reply = self.reply();
                assert!(!reply.starts_with('-'), "{}: {reply}", String::from_utf8_lossy(words[0].as_ref()));
            }
        }
    }

    fn reply(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).expect("the node answers in time");
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        assert!(!line.is_empty(), "the node hung up");
        let (kind, rest) = line.split_at(1);
        match kind {
            "$" => {
                let Ok(length) = usize::try_from(rest.parse::<i64>().expect("a length")) else { return String::new() };
                let mut bytes = vec![0; length + 2];
                self.0.read_exact(&mut bytes).expect("the node answers in time");
                String::from_utf8_lossy(&bytes[..length]).into_owned()
            }
            "*" => {
                let count = rest.parse::<i64>().expect("a count");
                (0..count).map(|_| self.reply()).collect::<Vec<_>>().join(" ")
            }
            "-" => line,
            _ => rest.to_owned(),
        }
    }
}

fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend(format!("${}\r\n", word.as_ref().len()).as_bytes());
        request.extend(word.as_ref());
        request.extend(b"\r\n");
    }
    request
}

//! A blocking client for any command, as the tests' own view of a node.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

use valkyard_engine::render::ADMIN_USER;
use valkyard_model::AdminSecret;

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddrV4, secret: &AdminSecret) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_nodelay(true)?;
        let mut client = Self(BufReader::new(stream));
        client.try_call(&["AUTH", ADMIN_USER, secret.expose()])?;
        Ok(client)
    }

    /// The reply: elements joined by blanks, nothing for null, errors with their words.
    pub(crate) fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> String {
        self.try_call(words).expect("the node answers")
    }

    pub(crate) fn try_call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> io::Result<String> {
        self.send(&request(words))?;
        self.reply()
    }

    /// Commands of blank-separated words, none of which may fail.
    pub(crate) fn all(&mut self, commands: &[&str]) {
        for command in commands {
            let words: Vec<&str> = command.split(' ').collect();
            let reply = self.call(&words);
            assert!(!reply.starts_with('-'), "{command}: {reply}");
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// A reply of any bytes.
    pub(crate) fn bulk(&mut self) -> io::Result<Vec<u8>> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let length = line.trim_end().strip_prefix('$').and_then(|length| length.parse::<usize>().ok());
        let mut bytes = vec![0; length.ok_or_else(|| io::Error::other(line))? + 2];
        self.0.read_exact(&mut bytes)?;
        bytes.truncate(bytes.len() - 2);
        Ok(bytes)
    }

    pub(crate) fn reply(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (kind, rest) = line.split_at(1);
        let number = || rest.parse::<i64>().map_err(|_no_number| io::Error::other(line.clone()));
        match kind {
            "$" => {
                let Ok(length) = usize::try_from(number()?) else { return Ok(String::new()) };
                let mut bytes = vec![0; length + 2];
                self.0.read_exact(&mut bytes)?;
                Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
            }
            "*" => {
                let elements: io::Result<Vec<String>> = (0..number()?).map(|_| self.reply()).collect();
                Ok(elements?.join(" "))
            }
            "-" => Ok(line),
            _ => Ok(rest.to_owned()),
        }
    }
}

pub(crate) fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend(format!("${}\r\n", word.as_ref().len()).as_bytes());
        request.extend(word.as_ref());
        request.extend(b"\r\n");
    }
    request
}

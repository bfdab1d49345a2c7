//! The engine's wire format, version 2: requests out of words, replies out of bytes. Pure; no bytes make it panic.

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `+text`
    Status(String),
    /// `-text`
    Error(String),
    /// `:number`
    Integer(i64),
    /// `$length` and that many bytes.
    Bulk(Vec<u8>),
    /// `$-1` or `*-1`
    Null,
    /// `*count` and that many replies.
    Array(Vec<Reply>),
}

/// Bytes that are no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedReply {
    /// A reply begins with a byte that announces none.
    #[error("a reply cannot begin with byte {byte:#04x}")]
    Kind {
        /// The byte.
        byte: u8,
    },
    /// A number or a length is not one.
    #[error("not a number or length: {text:?}")]
    Number {
        /// What stands there.
        text: String,
    },
    /// A bulk reply does not end where it said.
    #[error("a bulk reply does not end with CR LF")]
    BulkEnd,
    /// Arrays within arrays beyond what any command answers.
    #[error("arrays are nested deeper than {DEPTH_MAX}")]
    Depth,
}

/// Deepest nesting accepted; `CLUSTER SLOTS`, the deepest reply of the cluster commands, has four levels.
const DEPTH_MAX: usize = 8;

/// Appends a command.
pub(super) fn encode<W: AsRef<[u8]>>(words: &[W], request: &mut Vec<u8>) {
    request.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        let word = word.as_ref();
        request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
}

/// Reads the reply at the beginning of `input` and its length; `None` when more bytes are needed.
pub(super) fn decode(input: &[u8]) -> Result<Option<(Reply, usize)>, MalformedReply> {
    let mut cursor = Cursor { input, position: 0 };
    Ok(cursor.reply(0)?.map(|reply| (reply, cursor.position)))
}

struct Cursor<'i> {
    input: &'i [u8],
    position: usize,
}

impl<'i> Cursor<'i> {
    fn reply(&mut self, depth: usize) -> Result<Option<Reply>, MalformedReply> {
        if depth > DEPTH_MAX {
            return Err(MalformedReply::Depth);
        }
        let Some(&kind) = self.input.get(self.position) else { return Ok(None) };
        if !b"+-:$*".contains(&kind) {
            return Err(MalformedReply::Kind { byte: kind });
        }
        let Some(line) = self.line() else { return Ok(None) };
        let text = || String::from_utf8_lossy(line).into_owned();
        match kind {
            b'+' => Ok(Some(Reply::Status(text()))),
            b'-' => Ok(Some(Reply::Error(text()))),
            b':' => number(line).map(|number| Some(Reply::Integer(number))),
            b'$' => match length(line)? {
                None => Ok(Some(Reply::Null)),
                Some(length) => self.bulk(length),
            },
            _ => match length(line)? {
                None => Ok(Some(Reply::Null)),
                Some(count) => self.array(count, depth),
            },
        }
    }

    /// The rest of the line after the kind byte, without CR LF.
    fn line(&mut self) -> Option<&'i [u8]> {
        let rest = &self.input[self.position..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        self.position += end + 2;
        Some(&rest[1..end])
    }

    fn bulk(&mut self, length: usize) -> Result<Option<Reply>, MalformedReply> {
        let rest = &self.input[self.position..];
        let Some(end) = length.checked_add(2).filter(|end| *end <= rest.len()) else { return Ok(None) };
        if &rest[length..end] != b"\r\n" {
            return Err(MalformedReply::BulkEnd);
        }
        self.position += end;
        Ok(Some(Reply::Bulk(rest[..length].to_vec())))
    }

    fn array(&mut self, count: usize, depth: usize) -> Result<Option<Reply>, MalformedReply> {
        // Not sized by `count`: it is only a claim until the elements are there.
        let mut elements = Vec::new();
        for _ in 0..count {
            match self.reply(depth + 1)? {
                Some(element) => elements.push(element),
                None => return Ok(None),
            }
        }
        Ok(Some(Reply::Array(elements)))
    }
}

fn number(line: &[u8]) -> Result<i64, MalformedReply> {
    let text = String::from_utf8_lossy(line);
    text.parse().map_err(|_not_a_number| MalformedReply::Number { text: text.into_owned() })
}

/// A length; `None` for -1, which stands for null.
fn length(line: &[u8]) -> Result<Option<usize>, MalformedReply> {
    match number(line)? {
        -1 => Ok(None),
        length => usize::try_from(length).map(Some).map_err(|_negative| MalformedReply::Number { text: length.to_string() }),
    }
}

#[cfg(test)]
mod tests;

//! Cuts the bytes of a source's stream into commands, with the exact place of each. Pure.
//!
//! Commands come out whole as long as they are short; longer ones come in pieces, so that memory does not depend on them.

use bytes::{Bytes, BytesMut};

use crate::kind::{Kind, kind_of};

/// From here on a command comes in pieces.
pub(crate) const LONG_BYTES_MIN: usize = 1 << 20;
/// Words that are looked at to judge a command.
const WORDS_JUDGED: usize = 4;
/// Longest line with a number; the longest real one has a dozen bytes.
const LINE_BYTES_MAX: usize = 32;

/// Bytes that no source sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedStream {
    /// A command does not begin with `*`, or a word not with `$`.
    #[error("byte {byte:#04x} begins neither a command nor a word")]
    Beginning {
        /// The byte.
        byte: u8,
    },
    /// A number of words or bytes is none.
    #[error("a number of words or bytes is none")]
    Number,
    /// A word does not end where it said.
    #[error("a word does not end with CR LF")]
    WordEnd,
}

/// A command, or its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// How it is treated.
    pub(crate) kind: Kind,
    /// Words it has.
    pub(crate) words: u64,
    /// As it came, without a beginning of its own kept apart.
    pub(crate) bytes: Bytes,
    /// Where in `bytes` the first word begins.
    pub(crate) words_at: usize,
}

/// What is cut off at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A short command.
    Whole(Command),
    /// The beginning of a long one.
    Beginning(Command),
    /// More of it.
    Middle(Bytes),
    /// The rest of it, maybe nothing.
    End(Bytes),
}

/// Cuts; remembers what is left of a long command.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    rest: Option<Rest>,
}

/// What is still to come of a long command.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// Words of which nothing came.
    words: u64,
    /// Bytes of the word that is coming, its end included.
    bytes: u64,
}

impl Cutter {
    /// Whether the next byte begins a command.
    pub(crate) fn is_between_commands(&self) -> bool {
        self.rest.is_none()
    }

    /// Cuts the next piece off; `None` when more has to come.
    pub(crate) fn next(&mut self, received: &mut BytesMut) -> Result<Option<Piece>, MalformedStream> {
        if let Some(rest) = self.rest {
            return self.go_on(rest, received);
        }
        if received.is_empty() {
            return Ok(None);
        }
        let mut walk = Walk { input: received, position: 0 };
        let Some(words) = walk.number(b'*')? else { return Ok(None) };
        let words_at = walk.position;
        let mut judged: [&[u8]; WORDS_JUDGED] = [&[]; WORDS_JUDGED];
        let mut judged_count = 0;
        let mut rest = Rest { words, bytes: 0 };
        while rest.words > 0 {
            let Some(length) = walk.number(b'$')? else { break };
            let available = walk.available();
            if let Some(slot) = judged.get_mut(judged_count) {
                let shown = usize::try_from(length).map_or(available, |length| length.min(available));
                *slot = &walk.input[walk.position..walk.position + shown];
                judged_count += 1;
            }
            rest = Rest { words: rest.words - 1, bytes: walk.word(length)? };
            if rest.bytes > 0 {
                break;
            }
        }
        let is_whole = rest.words == 0 && rest.bytes == 0;
        if !is_whole && received.len() < LONG_BYTES_MIN {
            return Ok(None);
        }
        let (kind, end) = (kind_of(&judged[..judged_count]), walk.position);
        let command = Command { kind, words, bytes: received.split_to(end).freeze(), words_at };
        if is_whole {
            return Ok(Some(Piece::Whole(command)));
        }
        self.rest = Some(rest);
        Ok(Some(Piece::Beginning(command)))
    }

    fn go_on(&mut self, mut rest: Rest, received: &mut BytesMut) -> Result<Option<Piece>, MalformedStream> {
        let mut walk = Walk { input: received, position: 0 };
        loop {
            if rest.bytes > 0 {
                rest.bytes = walk.skip(rest.bytes)?;
            }
            if rest.bytes > 0 || rest.words == 0 {
                break;
            }
            let Some(length) = walk.number(b'$')? else { break };
            rest = Rest { words: rest.words - 1, bytes: length.checked_add(2).ok_or(MalformedStream::Number)? };
        }
        let end = walk.position;
        if rest.bytes == 0 && rest.words == 0 {
            self.rest = None;
            return Ok(Some(Piece::End(received.split_to(end).freeze())));
        }
        self.rest = Some(rest);
        Ok((end > 0).then(|| Piece::Middle(received.split_to(end).freeze())))
    }
}

struct Walk<'i> {
    input: &'i [u8],
    position: usize,
}

impl Walk<'_> {
    fn available(&self) -> usize {
        self.input.len() - self.position
    }

    /// Reads a line of this kind; `None`, and not a byte read, when it is not there as a whole.
    fn number(&mut self, kind: u8) -> Result<Option<u64>, MalformedStream> {
        let rest = &self.input[self.position..];
        let Some((first, digits)) = rest.split_first() else { return Ok(None) };
        if *first != kind {
            return Err(MalformedStream::Beginning { byte: *first });
        }
        let mut number: u64 = 0;
        for (index, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' if index < LINE_BYTES_MAX => {
                    number = number
                        .checked_mul(10)
                        .and_then(|n| n.checked_add(u64::from(byte - b'0')))
                        .ok_or(MalformedStream::Number)?;
                }
                b'\r' if index > 0 => match digits.get(index + 1) {
                    None => return Ok(None),
                    Some(b'\n') => {
                        self.position += index + 3;
                        return Ok(Some(number));
                    }
                    Some(_) => return Err(MalformedStream::Number),
                },
                _ => return Err(MalformedStream::Number),
            }
        }
        Ok(None)
    }

    /// Walks over a word of this length and its end, as far as it is there; gives what is missing.
    fn word(&mut self, length: u64) -> Result<u64, MalformedStream> {
        self.skip(length.checked_add(2).ok_or(MalformedStream::Number)?)
    }

    /// Walks over so many bytes of which the last two are the end of a word.
    fn skip(&mut self, count: u64) -> Result<u64, MalformedStream> {
        let step = usize::try_from(count).map_or(self.available(), |count| count.min(self.available()));
        let missing = count - step as u64;
        let passed = &self.input[self.position..self.position + step];
        self.position += step;
        // Of the last two bytes each is compared when it comes, however they are parted.
        let ends: &[u8] = match missing {
            0 => b"\r\n",
            1 => b"\r",
            _ => b"",
        };
        let seen = ends.len().min(passed.len());
        let expected = &ends[ends.len() - seen..];
        if passed.ends_with(expected) { Ok(missing) } else { Err(MalformedStream::WordEnd) }
    }
}

#[cfg(test)]
mod tests;

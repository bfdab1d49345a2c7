//! LZF, the compression of single strings, undone as the bytes come: what it may refer back to is 8 KiB at most.

/// Farthest that a reference reaches back: 13 bits, counted from one.
const REACH: usize = 1 << 13;
/// Plain bytes are handed on in parts of about this size.
const PART_BYTES: usize = 64 << 10;

/// How far a token has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A control byte is next.
    Control,
    /// This many literal bytes are next.
    Literals(usize),
    /// The rest of a long reference's length is next; the high bits of its distance are known.
    Length { high: usize },
    /// The low bits of a distance are next; high bits and length are known.
    Distance { high: usize, length: usize },
}

/// Undoes one string. `plain` holds the last bytes, for references, and those that were not handed on yet.
#[derive(Debug)]
pub(super) struct Lzf {
    plain: Vec<u8>,
    /// Bytes of `plain` that were handed on.
    handed: usize,
    state: State,
    /// Bytes that may still come out.
    left: u64,
}

/// Compressed bytes that are none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotLzf;

impl Lzf {
    pub(super) fn new() -> Self {
        Self { plain: Vec::new(), handed: 0, state: State::Control, left: 0 }
    }

    /// Begins a string of `length` plain bytes.
    pub(super) fn begin(&mut self, length: u64) {
        self.plain.clear();
        (self.handed, self.state, self.left) = (0, State::Control, length);
    }

    /// Takes the next compressed bytes.
    pub(super) fn feed(&mut self, mut packed: &[u8], mut sink: impl FnMut(&[u8])) -> Result<(), NotLzf> {
        while let Some((&byte, rest)) = packed.split_first() {
            packed = rest;
            match self.state {
                State::Control if byte < 32 => self.state = State::Literals(usize::from(byte) + 1),
                State::Control => {
                    let (length, high) = (usize::from(byte >> 5), usize::from(byte & 31) << 8);
                    self.state = if length == 7 { State::Length { high } } else { State::Distance { high, length: length + 2 } };
                }
                State::Literals(count) => {
                    // The byte at hand is the first of them.
                    let more = (count - 1).min(packed.len());
                    self.grow(1 + more)?;
                    self.plain.push(byte);
                    self.plain.extend_from_slice(&packed[..more]);
                    packed = &packed[more..];
                    let left = count - 1 - more;
                    self.state = if left == 0 { State::Control } else { State::Literals(left) };
                }
                State::Length { high } => self.state = State::Distance { high, length: usize::from(byte) + 9 },
                State::Distance { high, length } => {
                    self.refer(high + usize::from(byte) + 1, length)?;
                    self.state = State::Control;
                }
            }
            if self.plain.len() - self.handed >= PART_BYTES {
                sink(&self.plain[self.handed..]);
                self.plain.drain(..self.plain.len() - REACH);
                self.handed = REACH;
            }
        }
        Ok(())
    }

    /// Hands on the last plain bytes of the string, which must be complete.
    pub(super) fn end(&mut self, mut sink: impl FnMut(&[u8])) -> Result<(), NotLzf> {
        sink(&self.plain[self.handed..]);
        self.handed = self.plain.len();
        if self.left == 0 && self.state == State::Control { Ok(()) } else { Err(NotLzf) }
    }

    fn grow(&mut self, length: usize) -> Result<(), NotLzf> {
        self.left = self.left.checked_sub(length as u64).ok_or(NotLzf)?;
        Ok(())
    }

    /// Repeats `length` bytes from `distance` back; they may overlap what they make.
    fn refer(&mut self, distance: usize, length: usize) -> Result<(), NotLzf> {
        self.grow(length)?;
        let from = self.plain.len().checked_sub(distance).ok_or(NotLzf)?;
        let end = self.plain.len() + length;
        // What is repeated so far may be repeated at once: the distance doubles each time.
        while self.plain.len() < end {
            let more = (self.plain.len() - from).min(end - self.plain.len());
            self.plain.extend_from_within(from..from + more);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain bytes, fed in parts of `part` bytes.
    fn undo(packed: &[u8], length: u64, part: usize) -> Result<Vec<u8>, NotLzf> {
        let (mut lzf, mut plain) = (Lzf::new(), Vec::new());
        lzf.begin(length);
        for bytes in packed.chunks(part) {
            lzf.feed(bytes, |more| plain.extend_from_slice(more))?;
        }
        lzf.end(|more| plain.extend_from_slice(more))?;
        Ok(plain)
    }

    #[test]
    fn literals_and_overlapping_references_come_out_whatever_the_parts() {
        // "ab", then 12 bytes from two back (a long reference), then "c".
        let packed = [1, b'a', b'b', 0b1110_0000, 3, 1, 0, b'c'];
        for part in 1..=packed.len() {
            assert_eq!(undo(&packed, 15, part), Ok(b"ababababababab".iter().chain(b"c").copied().collect()), "parts of {part}");
        }
    }

    #[test]
    fn a_long_string_is_handed_on_in_parts_and_remembers_its_reach() {
        // One literal, then references of 264 bytes each to one back.
        let repeats = 2 * PART_BYTES / 264;
        let mut packed = vec![0, b'x'];
        packed.extend([0b1110_0000, 255, 0].repeat(repeats));
        let length = 1 + 264 * repeats;
        assert_eq!(undo(&packed, length as u64, 7), Ok(vec![b'x'; length]));
    }

    #[test]
    fn what_no_compressor_writes_is_refused() {
        assert_eq!(undo(&[1, b'a', b'b'], 1, 9), Err(NotLzf), "more than was said");
        assert_eq!(undo(&[1, b'a', b'b'], 3, 9), Err(NotLzf), "less than was said");
        assert_eq!(undo(&[1, b'a'], 1, 9), Err(NotLzf), "ends within a token");
        assert_eq!(undo(&[0, b'a', 0b0010_0000, 1], 4, 9), Err(NotLzf), "refers to before the beginning");
    }
}

//! LZF, the compression of single strings, undone as the bytes come: what it may refer back to is 8 KiB at most.

/// Farthest that a reference reaches back: 13 bits, counted from one.
const REACH: usize = 1 << 13;
/// Plain bytes are handed on in parts of about this size.
const PART_BYTES: usize = 64 << 10;
/// Most literals of one token.
const LITERALS_MAX: usize = 32;
/// Repeated at a time, where the distance allows it: a copy of a fixed length needs no call.
const BLOCK_BYTES: usize = 16;
/// Longest string that is undone at once.
pub(super) const WHOLE_BYTES_MAX: u64 = PART_BYTES as u64;

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

    /// Undoes a string of `length` plain bytes, at most [`WHOLE_BYTES_MAX`], of which all compressed bytes are at hand. Most
    /// strings are, and this takes half the time of going bit by bit.
    pub(super) fn whole(&mut self, packed: &[u8], length: usize, mut sink: impl FnMut(&[u8])) -> Result<(), NotLzf> {
        if self.plain.len() < length + LITERALS_MAX {
            self.plain.resize(length + LITERALS_MAX, 0);
        }
        let (mut at, mut end) = (0_usize, 0_usize);
        while let Some(&control) = packed.get(at) {
            at += 1;
            let (count, from) = if control < 32 {
                (usize::from(control) + 1, None)
            } else {
                let mut count = usize::from(control >> 5) + 2;
                if count == 9 {
                    count += usize::from(*packed.get(at).ok_or(NotLzf)?);
                    at += 1;
                }
                let low = usize::from(*packed.get(at).ok_or(NotLzf)?);
                at += 1;
                let distance = (usize::from(control & 31) << 8) + low + 1;
                (count, Some(end.checked_sub(distance).ok_or(NotLzf)?))
            };
            if end + count > length {
                return Err(NotLzf);
            }
            match from {
                Some(from) => self.repeat(from, end, count),
                None => {
                    // Up to 31 bytes too many may be copied; what follows replaces them.
                    let literals = packed.get(at..at + LITERALS_MAX).or_else(|| packed.get(at..at + count)).ok_or(NotLzf)?;
                    self.plain[end..end + literals.len()].copy_from_slice(literals);
                    at += count;
                }
            }
            end += count;
        }
        if end != length {
            return Err(NotLzf);
        }
        sink(&self.plain[..length]);
        Ok(())
    }

    /// Repeats `count` bytes at `from` to `to`; they may overlap what they make. Up to 15 bytes too many may be written.
    fn repeat(&mut self, from: usize, to: usize, count: usize) {
        let distance = to - from;
        let mut done = 0;
        if distance >= BLOCK_BYTES {
            while done < count {
                let block: [u8; BLOCK_BYTES] = *self.plain[from + done..].first_chunk().expect("there is room after the string");
                self.plain[to + done..to + done + BLOCK_BYTES].copy_from_slice(&block);
                done += BLOCK_BYTES;
            }
        } else {
            // What is repeated so far may be repeated at once: the distance doubles each time.
            while done < count {
                let more = (distance + done).min(count - done);
                self.plain.copy_within(from..from + more, to + done);
                done += more;
            }
        }
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
    use proptest::collection::vec;
    use proptest::prelude::*;

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

    fn undo_whole(packed: &[u8], length: usize) -> Result<Vec<u8>, NotLzf> {
        let (mut lzf, mut plain) = (Lzf::new(), Vec::new());
        lzf.whole(packed, length, |all| plain.extend_from_slice(all))?;
        Ok(plain)
    }

    /// A token, and how many plain bytes it makes.
    fn token() -> impl Strategy<Value = (Vec<u8>, usize)> {
        let literals = vec(any::<u8>(), 1..=LITERALS_MAX);
        let reference = (3_usize..=264, 0_usize..40);
        prop_oneof![
            literals
                .prop_map(|bytes| ([&[u8::try_from(bytes.len() - 1).expect("32 at most")], &bytes[..]].concat(), bytes.len())),
            reference.prop_map(|(count, back)| {
                let (count, back) = (u8::try_from(count - 2).unwrap_or(u8::MAX), u8::try_from(back).expect("small"));
                match count {
                    0..7 => (std::vec![count << 5, back], usize::from(count) + 2),
                    7.. => (std::vec![7 << 5, count - 7, back], usize::from(count) + 2),
                }
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_string_at_hand_is_what_it_is_bit_by_bit(tokens in vec(token(), 0..60), cut in 0_usize..4, more in 0_usize..4) {
            let mut packed: Vec<u8> = tokens.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            packed.truncate(packed.len().saturating_sub(cut / 3));
            let length = tokens.iter().map(|(_, length)| length).sum::<usize>() + more / 3;
            prop_assert_eq!(undo_whole(&packed, length), undo(&packed, length as u64, 5));
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

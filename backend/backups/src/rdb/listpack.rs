//! Listpacks: elements one after the other, each followed by its own length so that one can go backwards.

use super::packed::{Cursor, Element, Malformed};

/// Total length in four bytes, number of elements in two.
const HEADER_BYTES: usize = 6;
const END: u8 = 0xff;
/// A number of elements that two bytes cannot tell.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The elements, checked as they are read.
pub(super) struct Listpack<'p> {
    cursor: Cursor<'p>,
    stated: u16,
    read: u64,
    is_over: bool,
}

impl<'p> Listpack<'p> {
    pub(super) fn new(packed: &'p [u8]) -> Result<Self, Malformed> {
        let header = Malformed("a listpack that states its own length");
        let mut cursor = Cursor { left: packed };
        let total = cursor.length_u32(header.0)?;
        let stated = u16::from_le_bytes(cursor.array(header.0)?);
        if total != packed.len() || packed.len() <= HEADER_BYTES {
            return Err(header);
        }
        Ok(Self { cursor, stated, read: 0, is_over: false })
    }

    fn element(&mut self) -> Result<Option<Element<'p>>, Malformed> {
        const WHOLE: &str = "a whole listpack element";
        let before = self.cursor.left;
        let first = self.cursor.byte("the end of a listpack")?;
        if first == END {
            let counts = self.stated == COUNT_UNKNOWN || u64::from(self.stated) == self.read;
            return if counts && self.cursor.left.is_empty() {
                Ok(None)
            } else {
                Err(Malformed("as many listpack elements as it states"))
            };
        }
        let element = match first {
            0..=0x7f => Element::Number(i64::from(first)),
            0x80..=0xbf => Element::Bytes(self.cursor.take(usize::from(first & 0x3f), WHOLE)?),
            0xc0..=0xdf => {
                let bits = u16::from(first & 0x1f) << 8 | u16::from(self.cursor.byte(WHOLE)?);
                // Thirteen bits with a sign.
                Element::Number(i64::from((bits << 3).cast_signed() >> 3))
            }
            0xe0..=0xef => {
                let length = usize::from(first & 0x0f) << 8 | usize::from(self.cursor.byte(WHOLE)?);
                Element::Bytes(self.cursor.take(length, WHOLE)?)
            }
            0xf0 => {
                let length = self.cursor.length_u32(WHOLE)?;
                Element::Bytes(self.cursor.take(length, WHOLE)?)
            }
            0xf1 => Element::Number(self.cursor.signed::<2>(WHOLE)?),
            0xf2 => Element::Number(self.cursor.signed::<3>(WHOLE)?),
            0xf3 => Element::Number(self.cursor.signed::<4>(WHOLE)?),
            0xf4 => Element::Number(self.cursor.signed::<8>(WHOLE)?),
            0xf5..=0xff => return Err(Malformed("a listpack element of a known encoding")),
        };
        self.skip_back_length(before.len() - self.cursor.left.len())?;
        self.read += 1;
        Ok(Some(element))
    }

    /// The length of an element, written so that it can be read backwards: seven bits a byte, most significant first.
    fn skip_back_length(&mut self, length: usize) -> Result<(), Malformed> {
        const EXPECTED: &str = "the length of a listpack element after it";
        let bytes = match length {
            0..=127 => 1,
            128..=16_383 => 2,
            16_384..=2_097_151 => 3,
            2_097_152..=268_435_455 => 4,
            _ => 5,
        };
        let written = self.cursor.take(bytes, EXPECTED)?;
        let mut stated = 0_usize;
        for (index, byte) in written.iter().enumerate() {
            if (byte & 0x80 == 0) != (index == 0) {
                return Err(Malformed(EXPECTED));
            }
            stated = stated << 7 | usize::from(byte & 0x7f);
        }
        if stated == length { Ok(()) } else { Err(Malformed(EXPECTED)) }
    }
}

impl<'p> Iterator for Listpack<'p> {
    type Item = Result<Element<'p>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.element().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(elements: &[&[u8]]) -> Vec<u8> {
        let body: Vec<u8> = elements.concat();
        let mut packed = u32::try_from(body.len() + 7).unwrap().to_le_bytes().to_vec();
        packed.extend(u16::try_from(elements.len()).unwrap().to_le_bytes());
        packed.extend(body);
        packed.push(END);
        packed
    }

    fn all(packed: &[u8]) -> Result<Vec<Element<'_>>, Malformed> {
        Listpack::new(packed)?.collect()
    }

    #[test]
    fn every_encoding_of_an_element_is_read() {
        let bytes = packed(&[
            &[0x05, 1],
            &[0x82, b'a', b'b', 3],
            &[0xdf, 0xff, 2],
            &[0xe0, 1, b'c', 3],
            &[0xf0, 1, 0, 0, 0, b'd', 6],
            &[0xf1, 0xfe, 0xff, 3],
            &[0xf2, 0xff, 0xff, 0x7f, 4],
            &[0xf3, 0, 0, 0, 0x80, 5],
            &[0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 9],
        ]);
        let expected = [
            Element::Number(5),
            Element::Bytes(b"ab"),
            Element::Number(-1),
            Element::Bytes(b"c"),
            Element::Bytes(b"d"),
            Element::Number(-2),
            Element::Number(8_388_607),
            Element::Number(-2_147_483_648),
            Element::Number(i64::MAX),
        ];
        assert_eq!(all(&bytes), Ok(expected.to_vec()));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let good = packed(&[&[0x05, 1]]);
        for (index, change) in [(0, 1), (4, 1), (6, 0x90), (7, 1), (8, 0x80)] {
            let mut bad = good.clone();
            bad[index] ^= change;
            assert!(all(&bad).is_err(), "byte {index}");
        }
        assert!(all(&[]).is_err());
        assert_eq!(all(&packed(&[])), Ok(Vec::new()));
    }
}

//! The forerunners of listpacks: ziplists (until Redis 6.2) and zipmaps (until 2.4).

use super::packed::{Cursor, Element, Malformed};

const END: u8 = 0xff;
/// Announces a length that follows in four bytes.
const LONG: u8 = 0xfe;
/// Total length and offset of the last element in four bytes each, number of elements in two.
const HEADER_BYTES: usize = 10;
/// A number of elements that two bytes cannot tell.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The elements, checked as they are read.
pub(super) struct Ziplist<'p> {
    cursor: Cursor<'p>,
    stated: u16,
    read: u64,
    length_before: usize,
    is_over: bool,
}

impl<'p> Ziplist<'p> {
    pub(super) fn new(packed: &'p [u8]) -> Result<Self, Malformed> {
        let header = Malformed("a ziplist that states its own length");
        let mut cursor = Cursor { left: packed };
        let total = cursor.length_u32(header.0)?;
        let last = cursor.length_u32(header.0)?;
        let stated = u16::from_le_bytes(cursor.array(header.0)?);
        if total != packed.len() || last < HEADER_BYTES || last >= total {
            return Err(header);
        }
        Ok(Self { cursor, stated, read: 0, length_before: 0, is_over: false })
    }

    fn element(&mut self) -> Result<Option<Element<'p>>, Malformed> {
        const WHOLE: &str = "a whole ziplist element";
        let before = self.cursor.left.len();
        let length_before = match self.cursor.byte("the end of a ziplist")? {
            END => {
                let counts = self.stated == COUNT_UNKNOWN || u64::from(self.stated) == self.read;
                let is_right = counts && self.cursor.left.is_empty();
                return if is_right { Ok(None) } else { Err(Malformed("as many ziplist elements as it states")) };
            }
            LONG => self.cursor.length_u32(WHOLE)?,
            short => usize::from(short),
        };
        if length_before != self.length_before {
            return Err(Malformed("the length of the ziplist element before"));
        }
        let first = self.cursor.byte(WHOLE)?;
        let element = match first {
            0..=0x3f => Element::Bytes(self.cursor.take(usize::from(first), WHOLE)?),
            0x40..=0x7f => {
                let length = usize::from(first & 0x3f) << 8 | usize::from(self.cursor.byte(WHOLE)?);
                Element::Bytes(self.cursor.take(length, WHOLE)?)
            }
            0x80 => {
                let length = u32::from_be_bytes(self.cursor.array(WHOLE)?);
                Element::Bytes(self.cursor.take(usize::try_from(length).map_err(|_too_large| Malformed(WHOLE))?, WHOLE)?)
            }
            0xc0 => Element::Number(self.cursor.signed::<2>(WHOLE)?),
            0xd0 => Element::Number(self.cursor.signed::<4>(WHOLE)?),
            0xe0 => Element::Number(self.cursor.signed::<8>(WHOLE)?),
            0xf0 => Element::Number(self.cursor.signed::<3>(WHOLE)?),
            0xfe => Element::Number(self.cursor.signed::<1>(WHOLE)?),
            0xf1..=0xfd => Element::Number(i64::from(first & 0x0f) - 1),
            _ => return Err(Malformed("a ziplist element of a known encoding")),
        };
        self.length_before = before - self.cursor.left.len();
        self.read += 1;
        Ok(Some(element))
    }
}

impl<'p> Iterator for Ziplist<'p> {
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

/// Fields and values in turn.
pub(super) struct Zipmap<'p> {
    cursor: Cursor<'p>,
    is_value: bool,
    is_over: bool,
}

impl<'p> Zipmap<'p> {
    pub(super) fn new(packed: &'p [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor { left: packed };
        // The number of pairs, when it is below 254; the end mark decides.
        cursor.byte("a zipmap")?;
        Ok(Self { cursor, is_value: false, is_over: false })
    }

    fn element(&mut self) -> Result<Option<Element<'p>>, Malformed> {
        const WHOLE: &str = "a whole zipmap entry";
        let length = match self.cursor.byte("the end of a zipmap")? {
            END if !self.is_value && self.cursor.left.is_empty() => return Ok(None),
            END => return Err(Malformed(WHOLE)),
            LONG => self.cursor.length_u32(WHOLE)?,
            short => usize::from(short),
        };
        let unused = if self.is_value { usize::from(self.cursor.byte(WHOLE)?) } else { 0 };
        let bytes = self.cursor.take(length, WHOLE)?;
        self.cursor.take(unused, WHOLE)?;
        self.is_value = !self.is_value;
        Ok(Some(Element::Bytes(bytes)))
    }
}

impl<'p> Iterator for Zipmap<'p> {
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

    #[test]
    fn every_encoding_of_a_ziplist_element_is_read() {
        let entries: [(&[u8], Element<'_>); 8] = [
            (&[2, b'a', b'b'], Element::Bytes(b"ab")),
            (&[0x40, 1, b'c'], Element::Bytes(b"c")),
            (&[0x80, 0, 0, 0, 1, b'd'], Element::Bytes(b"d")),
            (&[0xc0, 0xfe, 0xff], Element::Number(-2)),
            (&[0xf0, 0, 0, 0x80], Element::Number(-8_388_608)),
            (&[0xd0, 1, 0, 0, 0], Element::Number(1)),
            (&[0xfe, 0x80], Element::Number(-128)),
            (&[0xfd], Element::Number(12)),
        ];
        let (mut body, mut before, mut last) = (Vec::new(), 0, 0);
        for (entry, _) in entries {
            last = HEADER_BYTES + body.len();
            body.push(before);
            body.extend_from_slice(entry);
            before = u8::try_from(entry.len() + 1).unwrap();
        }
        let mut packed = u32::try_from(HEADER_BYTES + body.len() + 1).unwrap().to_le_bytes().to_vec();
        packed.extend(u32::try_from(last).unwrap().to_le_bytes());
        packed.extend(8_u16.to_le_bytes());
        packed.extend(body);
        packed.push(END);
        let read: Result<Vec<_>, _> = Ziplist::new(&packed).unwrap().collect();
        assert_eq!(read, Ok(entries.map(|(_, element)| element).to_vec()));
        packed[HEADER_BYTES + 4] = 9;
        assert!(Ziplist::new(&packed).unwrap().any(|element| element.is_err()), "a wrong length before");
    }

    #[test]
    fn a_zipmap_is_pairs_with_room_after_the_values() {
        let packed = [1, 1, b'k', 2, 1, b'v', b'w', 0, END];
        let read: Result<Vec<_>, _> = Zipmap::new(&packed).unwrap().collect();
        assert_eq!(read, Ok(vec![Element::Bytes(b"k"), Element::Bytes(b"vw")]));
        assert!(Zipmap::new(&packed[..8]).unwrap().any(|element| element.is_err()), "no end");
        assert!(Zipmap::new(&[1, 1, b'k', END]).unwrap().any(|element| element.is_err()), "no value");
    }
}

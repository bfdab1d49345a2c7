//! Writing RDB files by hand, for forms that today's engines only read.

use crc_fast::{CrcAlgorithm, checksum};

pub(crate) struct File(Vec<u8>);

/// A length as the engine writes it.
pub(crate) fn length(number: u64) -> Vec<u8> {
    match number {
        0..64 => vec![u8::try_from(number).expect("fits")],
        64..16_384 => u16::try_from(number | 0x4000).expect("fits").to_be_bytes().to_vec(),
        16_384..=0xffff_ffff => [vec![0x80], u32::try_from(number).expect("fits").to_be_bytes().to_vec()].concat(),
        _ => [vec![0x81], number.to_be_bytes().to_vec()].concat(),
    }
}

/// A string as the engine writes it, neither packed as a number nor compressed.
pub(crate) fn text(bytes: &[u8]) -> Vec<u8> {
    [length(bytes.len() as u64), bytes.to_vec()].concat()
}

impl File {
    pub(crate) fn new(header: &str) -> Self {
        Self(header.as_bytes().to_vec())
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn key(self, code: u8, name: &str, value: &[u8]) -> Self {
        self.raw(&[code]).raw(&text(name.as_bytes())).raw(value)
    }

    pub(crate) fn string(self, name: &[u8], value: &[u8]) -> Self {
        self.raw(&[0]).raw(&text(name)).raw(&text(value))
    }

    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.0
    }

    /// With the end mark and the checksum.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.push(255);
        let sum = checksum(CrcAlgorithm::Crc64Redis, &self.0);
        self.0.extend(sum.to_le_bytes());
        self.0
    }

    /// With the end mark only, as versions before 5.
    pub(crate) fn end_without_checksum(mut self) -> Vec<u8> {
        self.0.push(255);
        self.0
    }
}

/// A ziplist of short texts.
pub(crate) fn ziplist(elements: &[&str]) -> Vec<u8> {
    let (mut body, mut before, mut last) = (Vec::new(), 0, 10);
    for element in elements {
        last = 10 + body.len();
        body.push(before);
        body.push(u8::try_from(element.len()).expect("fits"));
        body.extend(element.as_bytes());
        before = u8::try_from(element.len() + 2).expect("fits");
    }
    let mut packed = u32::try_from(body.len() + 11).expect("fits").to_le_bytes().to_vec();
    packed.extend(u32::try_from(last).expect("fits").to_le_bytes());
    packed.extend(u16::try_from(elements.len()).expect("fits").to_le_bytes());
    packed.extend(body);
    packed.push(255);
    packed
}

/// A listpack of short texts.
pub(crate) fn listpack(elements: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for element in elements {
        let length = u8::try_from(element.len()).expect("fits");
        body.push(0x80 | length);
        body.extend(element.as_bytes());
        body.push(length + 1);
    }
    let mut packed = u32::try_from(body.len() + 7).expect("fits").to_le_bytes().to_vec();
    packed.extend(u16::try_from(elements.len()).expect("fits").to_le_bytes());
    packed.extend(body);
    packed.push(255);
    packed
}

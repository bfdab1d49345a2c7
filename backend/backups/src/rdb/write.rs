//! The beginning and the end of a file that is written here; what is in between comes from other files as it is.

use crc_fast::{CrcAlgorithm, Digest, checksum, checksum_combine};

use super::summary::Format;

/// Length of what a file begins with: magic and version, the database, and how many keys follow.
pub(crate) const HEADER_BYTES: usize = 9 + 2 + 1 + 9 + 9;

const AUX: u8 = 250;
const RESIZE_DATABASE: u8 = 251;
const SELECT_DATABASE: u8 = 254;
const END: u8 = 255;
/// A length that follows in eight bytes.
const IN_64_BITS: u8 = 0x81;

/// What every engine reads that runs here. No older form has records that this one lacks, nor has version 12, which engines
/// refuse.
const REDIS_11: Format = Format { magic: "REDIS", version: 11 };
const VALKEY_80: Format = Format { magic: "VALKEY", version: 80 };

/// The form of a file that takes the records of files of these forms.
pub(crate) fn format_for(formats: impl Iterator<Item = Format>) -> Format {
    let mut of_valkey = formats.filter(|format| format.magic == VALKEY_80.magic);
    if of_valkey.next().is_some() { VALKEY_80 } else { REDIS_11 }
}

/// What a file begins with. The numbers let an engine make room for all keys at once.
pub(crate) fn header(format: Format, keys: u64, keys_expiring: u64) -> [u8; HEADER_BYTES] {
    let Format { magic, version } = format;
    let digits = 9 - magic.len();
    let mut bytes = format!("{magic}{version:0digits$}").into_bytes();
    bytes.extend([SELECT_DATABASE, 0, RESIZE_DATABASE]);
    for count in [keys, keys_expiring] {
        bytes.push(IN_64_BITS);
        bytes.extend(count.to_be_bytes());
    }
    bytes.try_into().expect("as long as its parts")
}

/// What comes after the last record.
pub(crate) struct Ending {
    bytes: Vec<u8>,
}

impl Ending {
    /// With the engine that wrote the records, such as `valkey 8.0.1`.
    pub(crate) fn of(engine: Option<&str>) -> Self {
        let mut bytes = Vec::new();
        if let Some((family, version)) = engine.and_then(|engine| engine.split_once(' ')) {
            bytes.push(AUX);
            for text in [format!("{family}-ver").as_bytes(), version.as_bytes()] {
                bytes.push(IN_64_BITS);
                bytes.extend((text.len() as u64).to_be_bytes());
                bytes.extend(text);
            }
        }
        bytes.push(END);
        Self { bytes }
    }

    /// Its bytes with the checksum over header, records and itself.
    pub(crate) fn close(mut self, header: &[u8], mut records: Digest, records_bytes: u64) -> Vec<u8> {
        records.update(&self.bytes);
        let after_header = records_bytes + self.bytes.len() as u64;
        let of_header = checksum(CrcAlgorithm::Crc64Redis, header);
        let sum = checksum_combine(CrcAlgorithm::Crc64Redis, of_header, records.finalize(), after_header);
        self.bytes.extend(sum.to_le_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Checksum, ContentDigest, RdbReader};
    use super::*;

    #[test]
    fn a_file_of_header_records_and_ending_is_valid() {
        for format in [REDIS_11, VALKEY_80] {
            let header = header(format, 1, 0);
            let records = b"\x00\x01k\x01v";
            let mut sum = Digest::new(CrcAlgorithm::Crc64Redis);
            sum.update(records);
            let ending = Ending::of(Some("valkey 8.0.1")).close(&header, sum, records.len() as u64);
            let mut reader = RdbReader::new();
            reader.feed(Bytes::from([&header[..], records, &ending].concat())).expect("it is an RDB file");
            let summary = reader.finish().expect("complete");
            assert_eq!((summary.format, summary.checksum, summary.keys), (format, Checksum::Right, 1));
            assert_eq!(summary.engine.as_deref(), Some("valkey 8.0.1"));
            assert_ne!(summary.digest, ContentDigest::default());
        }
    }

    #[test]
    fn the_form_is_the_newest_that_is_needed() {
        let old = Format { magic: "REDIS", version: 6 };
        let foreign = Format { magic: "REDIS", version: 12 };
        assert_eq!(format_for([old, foreign].into_iter()), REDIS_11);
        assert_eq!(format_for([VALKEY_80, old].into_iter()), VALKEY_80);
    }
}

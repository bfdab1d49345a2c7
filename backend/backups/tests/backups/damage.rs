//! Files that are cut, flipped or made up: always told, never a panic.

use bytes::Bytes;
use proptest::prelude::*;
use valkyard_backups::{Checksum, RdbError, RdbReader, RdbSummary, TapFormat};

use crate::data::{Amount, fill};
use crate::engine::engines;
use crate::random::Random;
use crate::writer::{File, length};

/// Prime, so that cuts fall everywhere within the pattern of keys.
const CUT_EVERY: usize = 211;
const FLIPS: usize = 400;

fn read(file: &[u8], chunk: usize) -> Result<RdbSummary, RdbError> {
    let mut reader = RdbReader::new();
    for part in file.chunks(chunk) {
        reader.feed(Bytes::copy_from_slice(part))?;
    }
    reader.finish()
}

#[tokio::test]
async fn a_cut_or_a_flipped_bit_is_always_told() {
    for engine in engines() {
        let node = engine.start(&[]);
        fill(&engine, &node, Amount::Little);
        let file = node.file(TapFormat::Newest).await;
        let whole = read(&file, file.len()).expect("a valid file");
        for end in (0..file.len()).step_by(CUT_EVERY).chain(file.len() - 10..file.len()) {
            let error = read(&file[..end], 4_096).expect_err("a cut file");
            assert!(matches!(error, RdbError::Truncated { offset, .. } if offset <= end as u64), "cut at {end}: {error:?}");
        }
        let mut random = Random::seeded(11);
        for _ in 0..FLIPS {
            let (byte, bit) = (random.below(file.len()), random.below(8));
            let mut flipped = file.clone();
            flipped[byte] ^= 1 << bit;
            if let Ok(summary) = read(&flipped, 4_096) {
                panic!("bit {bit} of byte {byte} went unnoticed: {summary:?}");
            }
        }
        for chunk in [1, 2, 3, 7, 40, 4_095] {
            assert_eq!(read(&file, chunk).as_ref(), Ok(&whole), "chunks of {chunk}");
        }
    }
}

#[tokio::test]
async fn without_a_checksum_damage_is_no_panic_and_no_endless_work() {
    for engine in engines() {
        let node = engine.start(&["--rdbchecksum", "no"]);
        fill(&engine, &node, Amount::Little);
        let file = node.file(TapFormat::Newest).await;
        assert_eq!(read(&file, 4_096).expect("a valid file").checksum, Checksum::Absent);
        let mut random = Random::seeded(13);
        let (mut refused, mut changed) = (0, 0);
        for _ in 0..FLIPS {
            let mut damaged = file.clone();
            // The trailer stays: with anything in it, there would be a checksum.
            let at = random.below(file.len() - 12);
            damaged[at..at + 4].copy_from_slice(&random.bytes(4));
            match read(&damaged, 4_096) {
                Ok(_) => changed += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0 && changed > 0, "{refused} refused, {changed} taken for other content");
    }
}

#[test]
fn what_was_refused_stays_refused() {
    let mut reader = RdbReader::new();
    let error = reader.feed(Bytes::from_static(b"no RDB file at all")).expect_err("it is none");
    assert_eq!(reader.feed(Bytes::from_static(b"REDIS0011")), Err(error.clone()));
    assert_eq!(reader.finish(), Err(error));
}

#[test]
fn what_is_wrong_is_told_apart() {
    let good = File::new("REDIS0011").string(b"key", b"value").end();
    read(&good, 3).expect("a valid file");
    let error = |file: &[u8]| read(file, 5).expect_err("a bad file");
    assert!(matches!(error(b""), RdbError::Truncated { offset: 0, .. }));
    assert!(matches!(error(b"PK\x03\x04 a zip file"), RdbError::NotRdb { .. }));
    assert!(matches!(error(b"REDISxyz1 not a version"), RdbError::NotRdb { .. }));
    let newer = RdbError::Unknown { magic: "VALKEY", version: 81, newest: 80 };
    assert_eq!(error(&File::new("VALKEY081").end()), newer);
    assert!(newer.to_string().contains("81"), "{newer}");
    assert!(matches!(error(&File::new("REDIS0013").end()), RdbError::Unknown { magic: "REDIS", version: 13, .. }));
    let mut flipped = good.clone();
    flipped[16] ^= 1;
    assert!(matches!(error(&flipped), RdbError::Checksum { .. }), "{:?}", error(&flipped));
    let mut longer = good.clone();
    longer.push(0);
    assert!(matches!(error(&longer), RdbError::Corrupt { expected: "nothing after the end mark", .. }));
    let module = File::new("REDIS0011").raw(&[247]).raw(&length(0x1234_5678_9abc_def0)).end();
    assert!(matches!(error(&module), RdbError::Module { offset: 9, .. }), "{:?}", error(&module));
    let unknown = File::new("REDIS0012").raw(&[24]).end();
    assert_eq!(error(&unknown), RdbError::UnknownCode { offset: 9, code: 24, version: 12 });
    let of_valkey = File::new("REDIS0011").raw(&[22]).end();
    assert!(matches!(error(&of_valkey), RdbError::UnknownCode { code: 22, .. }), "it means something else elsewhere");
}

#[test]
fn claimed_lengths_take_no_memory() {
    for code in [0, 1, 2, 4, 5, 11, 16, 18, 20, 21] {
        let file = File::new("REDIS0011").raw(&[code]).raw(&length(1)).raw(b"k").raw(&length(u64::MAX - 7)).raw(&length(1 << 60));
        let error = read(&file.unfinished(), 64).expect_err("it claims more than there is");
        assert!(matches!(error, RdbError::Truncated { .. } | RdbError::Corrupt { .. }), "{code}: {error:?}");
    }
}

proptest! {
    // Long strings: more cases than these add seconds and no new paths.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lengths_are_read_as_they_are_written(lengths in prop::collection::vec(any::<u64>(), 1..20), shift in 0..64_u32) {
        // Size hints hold two lengths each; whatever they say, the file is valid.
        let mut file = File::new("REDIS0011");
        for number in lengths {
            file = file.raw(&[251]).raw(&length(number >> shift)).raw(&length(number));
        }
        prop_assert!(read(&file.end(), 3).is_ok());
    }

    #[test]
    fn strings_of_any_length_are_read_whole(bytes in prop::collection::vec(any::<u8>(), 0..70_000), chunk in 1..5_000_usize) {
        let file = File::new("REDIS0011").string(b"k", &bytes).end();
        let summary = read(&file, chunk).expect("fits");
        prop_assert_eq!(summary.largest.expect("fits").payload_bytes, bytes.len() as u64 + 1);
        prop_assert_eq!(summary.keys, 1);
    }

    #[test]
    fn no_bytes_make_it_panic(header in 0..2_usize, bytes in prop::collection::vec(any::<u8>(), 0..400), chunk in 1..50_usize) {
        let mut file = [&b"REDIS0011"[..], &b"VALKEY080"[..]][header].to_vec();
        file.extend(bytes);
        prop_assert!(read(&file, chunk).is_err(), "the checksum of random bytes is wrong");
    }
}

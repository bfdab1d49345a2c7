//! However a file comes, each owner gets the bytes of its keys as they are.

use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use proptest::prelude::*;
use valkyard_model::{SLOT_COUNT, SlotRange, SlotSet, slot_of_key};

use super::*;

/// A key of the file: its name, what comes before it, and its value.
#[derive(Clone, Debug)]
struct Key {
    name: Vec<u8>,
    attributes: Vec<u8>,
    value: Vec<u8>,
    /// What stands between the one before and it, and belongs to nobody.
    hint: Vec<u8>,
}

fn short_text(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn key() -> impl Strategy<Value = Key> {
    let attributes = prop_oneof![
        Just(Vec::new()),
        Just([&[252][..], &[9; 8]].concat()),
        Just(vec![248, 5]),
        Just([&[253][..], &[9; 4], &[249, 7]].concat())
    ];
    let hint = prop_oneof![Just(Vec::new()), Just(vec![251, 1, 1]), Just(vec![244, 1, 1, 0]), Just(vec![250, 1, b'a', 1, b'b'])];
    let bytes = || prop::collection::vec(any::<u8>(), 0..60);
    (bytes(), attributes, bytes(), hint).prop_map(|(name, attributes, value, hint)| Key { name, attributes, value, hint })
}

/// The sets of three owners, in ranges of 100 slots by turns.
fn owners() -> Owners {
    let set = |owner: u16| -> SlotSet {
        let firsts = (0..SLOT_COUNT).step_by(100).filter(|first| first / 100 % 3 == owner);
        firsts.filter_map(|first| SlotRange::new(first, (first + 99).min(SLOT_COUNT - 1))).collect()
    };
    Owners::new([set(0), set(1), set(2)].iter()).unwrap()
}

proptest! {
    #[test]
    fn records_are_recorded_byte_for_byte(
        keys in prop::collection::vec(key(), 0..40),
        cuts in prop::collection::vec(1..50_usize, 1..20),
    ) {
        let owners = Arc::new(owners());
        let (mut file, mut expected) = (b"REDIS0011".to_vec(), vec![Vec::new(); 3]);
        let library = [&[245][..], &short_text(b"#!lua name=x")].concat();
        file.extend(&library);
        for key in &keys {
            let record = [&key.attributes[..], &[0], &short_text(&key.name), &short_text(&key.value)].concat();
            file.extend(&key.hint);
            file.extend(&record);
            expected[owners.of(slot_of_key(&key.name)).unwrap()].extend(record);
        }
        file.push(255);
        file.extend(checksum(CrcAlgorithm::Crc64Redis, &file).to_le_bytes());

        let (mut splitter, mut recorded) = (RdbSplitter::new(Arc::clone(&owners)), Recorded::of(3));
        let (mut rest, mut collected) = (&file[..], vec![Vec::new(); 3]);
        for (turn, cut) in cuts.iter().cycle().enumerate() {
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            splitter.feed(Bytes::copy_from_slice(chunk), &mut recorded).unwrap();
            rest = after;
            // Collected at one time or another.
            for (owner, part) in recorded.parts.iter_mut().enumerate() {
                if part.whole() > 0 && (turn + owner) % 3 == 0 {
                    collected[owner].extend(part.take_whole());
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        for (collected, part) in collected.iter_mut().zip(&mut recorded.parts) {
            prop_assert!(!part.is_open());
            collected.extend(part.take_all());
        }
        prop_assert_eq!(collected, expected);
        prop_assert_eq!(recorded.keys, keys.len() as u64);
        let contents = splitter.finish().unwrap();
        prop_assert_eq!(&recorded.libraries, &[(contents.summary.libraries[0].clone(), library)]);
        prop_assert_eq!(contents.summary.keys, keys.len() as u64);
        prop_assert_eq!(contents.of_owners.iter().map(|totals| totals.keys).sum::<u64>(), keys.len() as u64);
    }
}

//! Forms of values that older engines wrote: the same content has the same digest in all of them, and once an engine of today
//! has loaded them.

use valkyard_backups::{Checksum, TapFormat};

use crate::engine::{engines, read};
use crate::writer::{File, length, listpack, text, ziplist};

const PAIRS: [&str; 4] = ["f1", "v1", "f2", "22"];
const MEMBERS: [&str; 4] = ["m1", "1.5", "m2", "-3"];
const ITEMS: [&str; 3] = ["a", "-7", "c"];

fn texts(count: u64, elements: &[&str]) -> Vec<u8> {
    elements.iter().fold(length(count), |value, element| [value, text(element.as_bytes())].concat())
}

fn zipmap() -> Vec<u8> {
    let mut packed = vec![2];
    for pair in PAIRS.chunks(2) {
        packed.push(2);
        packed.extend(pair[0].as_bytes());
        packed.extend([2, 1]);
        packed.extend(pair[1].as_bytes());
        packed.push(0);
    }
    packed.push(255);
    packed
}

fn scored(is_binary: bool) -> Vec<u8> {
    MEMBERS.chunks(2).fold(length(2), |value, pair| {
        let score = pair[1].parse::<f64>().expect("fits");
        let score = if is_binary {
            score.to_le_bytes().to_vec()
        } else {
            [&[u8::try_from(pair[1].len()).expect("fits")], pair[1].as_bytes()].concat()
        };
        [value, text(pair[0].as_bytes()), score].concat()
    })
}

/// The same six keys; `form` is how old.
fn file(form: usize) -> Vec<u8> {
    let set: [(u8, Vec<u8>); 3] = [
        (2, texts(2, &["5", "-600"])),
        (11, text(&[&[2, 0, 0, 0, 2, 0, 0, 0][..], &(-600_i16).to_le_bytes(), &5_i16.to_le_bytes()].concat())),
        (20, text(&listpack(&["5", "-600"]))),
    ];
    let hash = [(4, texts(2, &PAIRS)), (9, text(&zipmap())), (13, text(&ziplist(&PAIRS)))];
    let sorted = [(3, scored(false)), (5, scored(true)), (12, text(&ziplist(&MEMBERS)))];
    let list = [(1, texts(3, &ITEMS)), (10, text(&ziplist(&ITEMS))), (14, [length(1), text(&ziplist(&ITEMS))].concat())];
    let newest = [
        (18, [length(2), length(2), text(&listpack(&ITEMS[..2])), length(1), text(b"c")].concat()),
        (16, text(&listpack(&PAIRS))),
        (17, text(&listpack(&MEMBERS))),
    ];
    let header = ["REDIS0002", "REDIS0009", "REDIS0010", "REDIS0011"][form];
    let file = File::new(header).raw(&[254, 0]);
    let old = form.min(2);
    let file = file.key(set[old].0, "set", &set[old].1);
    let file = if form == 3 {
        newest.iter().zip(["list", "hash", "sorted"]).fold(file, |file, ((code, value), name)| file.key(*code, name, value))
    } else {
        file.key(list[form].0, "list", &list[form].1).key(hash[form].0, "hash", &hash[form].1).key(
            sorted[form].0,
            "sorted",
            &sorted[form].1,
        )
    };
    // A number written as such, and the same text compressed: one literal and a reference.
    let file = file.raw(&[0]).raw(&text(b"number")).raw(&[0xc1, 0x39, 0x30]);
    let file = match form {
        0 => file.string(b"repeating", &[b'x'; 30]),
        _ => file.raw(&[0]).raw(&text(b"repeating")).raw(&[0xc3, 5, 30]).raw(&[0, b'x', 0b1110_0000, 20, 0]),
    };
    if form == 0 { file.end_without_checksum() } else { file.end() }
}

#[test]
fn old_and_new_forms_of_the_same_content_have_one_digest() {
    let summaries = [0, 1, 2, 3].map(|form| read(&file(form)));
    for summary in &summaries {
        assert_eq!((summary.keys, summary.digest), (6, summaries[3].digest), "{:?}", summary.format);
    }
    assert_eq!(summaries.map(|summary| summary.checksum), [Checksum::Absent, Checksum::Right, Checksum::Right, Checksum::Right]);
}

#[tokio::test]
async fn engines_read_old_forms_the_same_way() {
    let expected = read(&file(3)).digest;
    for engine in engines() {
        for form in 0..4 {
            let node = engine.start_on(&file(form), &[]);
            assert_eq!((node.keys(), node.summary().await.digest), (6, expected), "form {form}");
            assert_eq!(read(&node.file(TapFormat::Version11).await).digest, expected);
        }
    }
}

#[test]
fn an_expiry_in_seconds_is_one_in_milliseconds() {
    let in_seconds = File::new("REDIS0011").raw(&[253]).raw(&2_000_000_000_i32.to_le_bytes()).string(b"k", b"v").end();
    let in_ms = File::new("REDIS0011").raw(&[252]).raw(&2_000_000_000_000_i64.to_le_bytes()).string(b"k", b"v").end();
    let never = File::new("REDIS0011").string(b"k", b"v").end();
    assert_eq!(read(&in_seconds).digest, read(&in_ms).digest);
    assert_ne!(read(&in_ms).digest, read(&never).digest);
    assert_eq!(read(&in_ms).first_expiry_ms, Some(2_000_000_000_000));
}

#[test]
fn collections_without_elements_are_no_keys() {
    let empty = File::new("REDIS0011").key(2, "set", &length(0)).key(16, "hash", &text(&listpack(&[]))).string(b"k", b"").end();
    let only = File::new("REDIS0011").string(b"k", b"").end();
    assert_eq!((read(&empty).keys, read(&empty).digest), (1, read(&only).digest));
}

#[test]
fn slots_that_were_being_moved_are_told() {
    let file = File::new("VALKEY080").raw(&[243]).raw(&text(&[b'j'; 40])).raw(&length(2));
    let file = file.raw(&length(0)).raw(&length(9)).raw(&length(16_383)).raw(&length(16_383)).end();
    assert_eq!(read(&file).slots_importing.to_string(), "0-9 16383");
}

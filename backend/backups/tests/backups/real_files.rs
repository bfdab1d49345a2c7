//! Files of real engines: everything is counted, and the digest is that of the content alone.

use valkyard_backups::{Checksum, ContentDigest, Format, TapFormat};

use crate::data::{Amount, fill};
use crate::engine::{engine_8, engine_9, engines, read};

/// Settings under which an engine encodes almost everything in its other way.
const OTHER_ENCODINGS: [&str; 20] = [
    "--hash-max-listpack-entries",
    "1",
    "--hash-max-listpack-value",
    "1",
    "--set-max-intset-entries",
    "1",
    "--set-max-listpack-entries",
    "1",
    "--zset-max-listpack-entries",
    "1",
    "--list-max-listpack-size",
    "2",
    "--list-compress-depth",
    "1",
    "--rdbcompression",
    "no",
    "--set-max-listpack-value",
    "1",
    "--zset-max-listpack-value",
    "1",
];

#[tokio::test]
async fn every_key_is_counted_and_nothing_else() {
    for engine in engines() {
        let node = engine.start(&[]);
        let libraries = fill(&engine, &node, Amount::Much);
        let file = node.file(TapFormat::Newest).await;
        let summary = read(&file);
        assert_eq!(summary.keys, node.keys());
        assert_eq!(summary.bytes, file.len() as u64);
        let expiring = node.client().call(&["INFO", "keyspace"]);
        assert!(expiring.contains(&format!("expires={},", summary.keys_expiring)), "{expiring}");
        assert_eq!(summary.libraries.len(), libraries);
        assert_eq!(summary.libraries[0].first_line, "#!lua name=mine");
        assert_eq!(summary.first_expiry_ms, Some(4_102_444_800_000));
        assert_eq!(summary.largest.expect("there are keys").payload_bytes, 5_000_000 + "large:repeating".len() as u64);
        assert_eq!(summary.checksum, Checksum::Right);
        let (magic, version) = if engine.is_9 { ("VALKEY", 80) } else { ("REDIS", 11) };
        assert_eq!(summary.format, Format { magic, version });
        assert!(summary.slots.count() > 10_000 && summary.slots_importing.is_empty());
    }
}

#[tokio::test]
async fn an_empty_node_gives_a_valid_file() {
    for engine in engines() {
        let summary = engine.start(&[]).summary().await;
        assert_eq!((summary.keys, summary.digest), (0, ContentDigest::default()));
        assert!(summary.slots.is_empty() && summary.largest.is_none());
    }
}

#[tokio::test]
async fn the_encoding_does_not_matter() {
    for engine in engines() {
        let node = engine.start(&[]);
        fill(&engine, &node, Amount::Much);
        let file = node.file(TapFormat::Newest).await;
        let first = read(&file);
        let other = engine.start_on(&file, &OTHER_ENCODINGS);
        let other_file = other.file(TapFormat::Newest).await;
        assert_ne!(file.len(), other_file.len(), "the settings had an effect");
        let second = read(&other_file);
        assert_eq!((first.digest, first.keys, first.libraries), (second.digest, second.keys, second.libraries));
    }
}

#[tokio::test]
async fn what_8_wrote_is_the_same_after_9_loaded_it() {
    let node = engine_8().start(&[]);
    fill(&engine_8(), &node, Amount::Much);
    let file = node.file(TapFormat::Newest).await;
    let upgraded = engine_9().start_on(&file, &[]);
    let newest = upgraded.file(TapFormat::Newest).await;
    let version_11 = upgraded.file(TapFormat::Version11).await;
    assert!(newest.starts_with(b"VALKEY080") && version_11.starts_with(b"REDIS0011"));
    let digests = [&file, &newest, &version_11].map(|file| read(file).digest);
    assert_eq!(digests, [digests[0]; 3]);
    let back = engine_8().start_on(&version_11, &[]);
    assert_eq!(back.summary().await.digest, digests[0]);
}

#[tokio::test]
async fn one_node_is_the_sum_of_the_shards_it_was_divided_into() {
    for engine in engines() {
        let node = engine.start(&[]);
        fill(&engine, &node, Amount::Much);
        let file = node.file(TapFormat::Newest).await;
        let whole = read(&file);
        for shards in [3, 5] {
            let nodes = engine.start_cluster_on(&file, shards);
            let (mut keys, mut digest, mut slots) = (0, ContentDigest::default(), Vec::new());
            for node in &nodes {
                let part = node.summary().await;
                keys += part.keys;
                digest += part.digest;
                slots.extend(part.slots.ranges().to_vec());
                assert!(part.keys < whole.keys);
            }
            assert_eq!((keys, digest), (whole.keys, whole.digest), "{shards} shards");
            assert_eq!(slots.into_iter().collect::<valkyard_model::SlotSet>(), whole.slots);
        }
    }
}

#[tokio::test]
async fn any_change_changes_the_digest() {
    let engine = engine_9();
    let node = engine.start(&[]);
    fill(&engine, &node, Amount::Little);
    let mut client = node.client();
    let mut seen = vec![node.summary().await.digest];
    for change in [
        "SET number:0 1",
        "RENAME random renamed",
        "EXPIRE renamed 1000000",
        "LSET list:texts 3 changed",
        "LMOVE list:short list:short LEFT RIGHT",
        "SADD set:numbers 4",
        "SREM set:many-texts text-4",
        "ZINCRBY sorted:many 0.001 member-7",
        "HSET hash:many field-9 changed",
        "HPERSIST hash:expiring FIELDS 1 a",
        "XACK stream:long first 8-2",
        "XDEL stream:long 9-0",
        "XGROUP CREATE stream:long third 0",
        "XGROUP DELCONSUMER stream:long second idle",
        "XADD stream:long 900001-1 a b",
        "DEL empty",
    ] {
        let reply = client.call(&change.split(' ').collect::<Vec<_>>());
        assert!(!reply.starts_with("-ERR") && !reply.starts_with("-WRONG"), "{change}: {reply}");
        let digest = node.summary().await.digest;
        assert!(!seen.contains(&digest), "{change} went unnoticed");
        seen.push(digest);
    }
}

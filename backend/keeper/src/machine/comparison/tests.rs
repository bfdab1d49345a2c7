//! What counts as equal.

use super::*;

fn digest(number: u64) -> ContentDigest {
    format!("{number:032x}").parse().expect("a digest")
}

/// `keys` keys of which `expiring` expire; the digests are sums, as the real ones are.
fn content(keys: u64, expiring: u64) -> Content {
    let keys_lasting = keys - expiring;
    Content {
        keys,
        digest: digest(10 * keys_lasting + expiring),
        keys_lasting,
        digest_lasting: digest(10 * keys_lasting),
        expires: expiring > 0,
    }
}

fn share(index: usize, shards: u16) -> SlotSet {
    [even_shares(shards)[index]].into_iter().collect()
}

fn is_equal(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Equal { .. } => true,
        Verdict::Different { .. } => false,
    }
}

#[test]
fn the_same_keys_are_equal_and_said_in_numbers() {
    let recorded = [(share(0, 2), content(3, 0)), (share(1, 2), content(4, 0))];
    let found = [(ShardIndex(0), content(3, 0)), (ShardIndex(1), content(4, 0))];
    let expected = format!("2 shards, 7 keys, digest {}", digest(70));
    assert_eq!(compare(&recorded, &found), Verdict::Equal { detail: expected });
}

#[test]
fn keys_may_have_been_in_other_shards_only_if_the_slots_were_others() {
    let found = [(ShardIndex(0), content(3, 0)), (ShardIndex(1), content(4, 0))];
    let even = [(share(0, 2), content(4, 0)), (share(1, 2), content(3, 0))];
    assert!(!is_equal(&compare(&even, &found)));
    let uneven = [(share(0, 3), content(4, 0)), (share(1, 3).union(&share(2, 3)), content(3, 0))];
    assert!(is_equal(&compare(&uneven, &found)));
}

#[test]
fn keys_that_expire_are_not_compared_whether_they_are_still_there_or_not() {
    let recorded = [(share(0, 1), content(10, 4))];
    for left in [4, 1, 0] {
        let verdict = compare(&recorded, &[(ShardIndex(0), content(6 + left, left))]);
        let Verdict::Equal { detail } = verdict else { panic!("{left} left: {verdict:?}") };
        assert!(detail.contains("6 lasting keys") && detail.contains("4 keys that expire"), "{detail}");
    }
    assert!(!is_equal(&compare(&recorded, &[(ShardIndex(0), content(5, 0))])), "a lasting one is missing");
}

#[test]
fn one_key_or_one_byte_less_is_different() {
    let recorded = [(share(0, 1), content(10, 0))];
    assert!(!is_equal(&compare(&recorded, &[(ShardIndex(0), content(9, 0))])));
    let changed = Content { digest: digest(7), ..content(10, 0) };
    assert!(!is_equal(&compare(&recorded, &[(ShardIndex(0), changed)])));
    assert!(!is_equal(&compare(&recorded, &[])), "nobody was asked");
}

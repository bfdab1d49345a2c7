use proptest::prelude::*;

use super::*;

fn whole(bytes: &[u8]) -> Result<Option<Reply>, MalformedReply> {
    decode(bytes).map(|read| {
        read.map(|(reply, length)| {
            assert_eq!(length, bytes.len(), "{reply:?} does not end where the bytes end");
            reply
        })
    })
}

#[test]
fn commands_are_written_as_bulk_arrays() {
    let mut request = Vec::new();
    encode(&["AUTH", "", "pässword"], &mut request);
    assert_eq!(request, "*3\r\n$4\r\nAUTH\r\n$0\r\n\r\n$9\r\npässword\r\n".as_bytes());
}

#[test]
fn each_kind_of_reply_is_read() {
    let cases: [(&str, Reply); 9] = [
        ("+OK\r\n", Reply::Status("OK".to_owned())),
        ("-NOPERM no\r\n", Reply::Error("NOPERM no".to_owned())),
        (":-7\r\n", Reply::Integer(-7)),
        ("$5\r\na\r\nbc\r\n", Reply::Bulk(b"a\r\nbc".to_vec())),
        ("$0\r\n\r\n", Reply::Bulk(Vec::new())),
        ("$-1\r\n", Reply::Null),
        ("*-1\r\n", Reply::Null),
        ("*0\r\n", Reply::Array(Vec::new())),
        ("*2\r\n:1\r\n*1\r\n+x\r\n", Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![Reply::Status("x".to_owned())])])),
    ];
    for (bytes, reply) in cases {
        assert_eq!(whole(bytes.as_bytes()), Ok(Some(reply)), "{bytes:?}");
    }
}

#[test]
fn what_is_no_reply_is_refused() {
    let refused = |bytes: &str| decode(bytes.as_bytes()).expect_err(bytes);
    assert_eq!(refused("HTTP/1.1 400 Bad Request\r\n"), MalformedReply::Kind { byte: b'H' });
    assert!(matches!(refused("$x\r\n"), MalformedReply::Number { .. }));
    assert!(matches!(refused("$-2\r\n"), MalformedReply::Number { .. }));
    assert_eq!(refused("$1\r\nabc\r\n"), MalformedReply::BulkEnd);
    assert_eq!(refused(&"*1\r\n".repeat(1_000)), MalformedReply::Depth);
}

#[test]
fn a_claimed_length_beyond_memory_only_waits_for_more() {
    assert_eq!(decode(b"$9223372036854775807\r\nab"), Ok(None));
    assert_eq!(decode(b"*9223372036854775807\r\n:1\r\n"), Ok(None));
}

fn replies() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        "[a-z ]{0,9}".prop_map(|text| format!("+{text}\r\n").into_bytes()),
        any::<i64>().prop_map(|number| format!(":{number}\r\n").into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| {
            let mut reply = format!("${}\r\n", bytes.len()).into_bytes();
            reply.extend(bytes);
            reply.extend(b"\r\n");
            reply
        }),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        proptest::collection::vec(inner, 0..5).prop_map(|elements| {
            let mut reply = format!("*{}\r\n", elements.len()).into_bytes();
            reply.extend(elements.concat());
            reply
        })
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some((_, length))) = decode(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }

    #[test]
    fn a_reply_is_read_once_all_of_it_is_there_and_not_before(reply in replies(), rest in proptest::collection::vec(any::<u8>(), 0..9)) {
        for cut in 0..reply.len() {
            prop_assert_eq!(decode(&reply[..cut]), Ok(None));
        }
        let mut more = reply.clone();
        more.extend(rest);
        let (_, length) = decode(&more).expect("well formed").expect("complete");
        prop_assert_eq!(length, reply.len());
    }
}

use proptest::prelude::*;

use super::*;

/// What a stream is made of, put together again from its pieces.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Kind, words and bytes of each command, and the offset after it.
    commands: Vec<(Kind, u64, Vec<u8>, u64)>,
    left: usize,
}

fn cut(stream: &[u8], cuts: impl IntoIterator<Item = usize>) -> Result<Seen, MalformedStream> {
    let (mut cutter, mut received, mut seen) = (Cutter::default(), BytesMut::new(), Seen::default());
    let (mut begun, mut offset, mut from) = (None::<(Kind, u64, Vec<u8>)>, 0_u64, 0);
    let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
    cuts.push(stream.len());
    cuts.sort_unstable();
    for to in cuts {
        received.extend_from_slice(&stream[from..to]);
        from = to;
        while let Some(piece) = cutter.next(&mut received)? {
            let (bytes, is_end) = match piece {
                Piece::Whole(Command { kind, words, bytes, .. }) => {
                    assert!(begun.is_none());
                    begun = Some((kind, words, Vec::new()));
                    (bytes, true)
                }
                Piece::Beginning(Command { kind, words, bytes, .. }) => {
                    assert!(begun.is_none());
                    begun = Some((kind, words, Vec::new()));
                    (bytes, false)
                }
                Piece::Middle(bytes) => (bytes, false),
                Piece::End(bytes) => (bytes, true),
            };
            offset += bytes.len() as u64;
            begun.as_mut().expect("a command").2.extend_from_slice(&bytes);
            assert_eq!(cutter.is_between_commands(), is_end);
            if is_end {
                let (kind, words, bytes) = begun.take().expect("a command");
                seen.commands.push((kind, words, bytes, offset));
            }
        }
    }
    seen.left = received.len();
    Ok(seen)
}

fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let name = prop::sample::select(vec!["SET", "MULTI", "EXEC", "unlink", "SELECT", "CLUSTER", "FUNCTION", "PING", "XADD"]);
    // Words that look like the protocol itself must not matter.
    let word = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        Just(b"\r\n*3\r\n$3\r\n".to_vec()),
        Just(b"1".to_vec()),
        Just(vec![b'x'; LONG_BYTES_MIN - 30]),
        Just(vec![b'\r'; LONG_BYTES_MIN + 30]),
    ];
    (name, proptest::collection::vec(word, 0..5)).prop_map(|(name, rest)| {
        let mut words = vec![name.as_bytes().to_vec()];
        words.extend(rest);
        words
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_commands_and_offsets(
        commands in proptest::collection::vec(words(), 1..8),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let stream: Vec<u8> = commands.iter().flat_map(|words| encode(words)).collect();
        let expected: Vec<_> = commands.iter().scan(0, |offset, words| {
            let bytes = encode(words);
            *offset += bytes.len() as u64;
            let judged: Vec<&[u8]> = words.iter().take(WORDS_JUDGED).map(Vec::as_slice).collect();
            Some((kind_of(&judged), words.len() as u64, bytes, *offset))
        }).collect();
        let seen = cut(&stream, cuts.iter().map(|cut| cut.index(stream.len()))).expect("a stream");
        let is_same = seen == Seen { commands: expected, left: 0 };
        prop_assert!(is_same);
    }

    #[test]
    fn no_bytes_whatever_are_a_panic(stream in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..200) {
        let stream = [b"*2\r\n$3\r\nSET\r\n".as_slice(), &stream].concat();
        let apart = cut(&stream, [at]);
        let together = cut(&stream, []);
        prop_assert_eq!(apart, together);
    }
}

#[test]
fn every_single_cut_of_small_commands_gives_the_same() {
    let stream =
        [encode(&[b"SELECT".to_vec(), b"0".to_vec()]), encode(&[b"SET".to_vec(), Vec::new(), b"\r\n".to_vec()])].concat();
    let whole = cut(&stream, []).expect("a stream");
    assert_eq!(whole.commands.len(), 2);
    for at in 0..stream.len() {
        assert_eq!(cut(&stream, [at]).expect("a stream"), whole);
    }
    assert_eq!(cut(&stream, 0..stream.len()).expect("a stream"), whole);
}

#[test]
fn what_no_source_sends_is_refused() {
    for (stream, expected) in [
        ("+OK\r\n", MalformedStream::Beginning { byte: b'+' }),
        ("*1\r\n:1\r\n", MalformedStream::Beginning { byte: b':' }),
        ("*x\r\n", MalformedStream::Number),
        ("*-1\r\n", MalformedStream::Number),
        ("*\r\n", MalformedStream::Number),
        ("*1\rx", MalformedStream::Number),
        ("*99999999999999999999\r\n", MalformedStream::Number),
        ("*1\r\n$1\r\nab\r\n", MalformedStream::WordEnd),
        ("*1\r\n$18446744073709551615\r\n", MalformedStream::Number),
    ] {
        assert_eq!(cut(stream.as_bytes(), []), Err(expected), "{stream:?}");
    }
}

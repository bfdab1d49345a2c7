//! Reads a target's replies as far as a link needs them: where each ends, and whether it is or holds a complaint. Pure.
//!
//! Memory is one line, whatever is replied.

/// What is kept of a line. Complaints are cut off here, numbers never come near.
const LINE_BYTES_MAX: usize = 300;
/// The reply to a command within a transaction.
const QUEUED: &[u8] = b"+QUEUED\r\n";

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The complaint that the reply is.
    pub(crate) refusal: Option<String>,
    /// The first complaint among the elements of the reply.
    pub(crate) inner: Option<String>,
}

/// Bytes that are no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reply cannot go on with {line:?}")]
pub(crate) struct MalformedReplies {
    line: String,
}

/// Reads on from wherever the last bytes ended.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    line: Vec<u8>,
    /// Bytes of a bulk that are passed over, its end included.
    skip: u64,
    /// Elements still to come of each array that is open.
    open: Vec<u64>,
    verdict: Verdict,
}

impl Replies {
    /// Takes bytes; gives the verdict on each reply that ends in them.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Verdict)) -> Result<(), MalformedReplies> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let step = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
                self.skip -= step as u64;
                bytes = &bytes[step..];
                if self.skip == 0 {
                    self.value_ended(&mut each);
                }
                continue;
            }
            if self.line.is_empty() && self.open.is_empty() && bytes.starts_with(QUEUED) {
                each(Verdict::default());
                bytes = &bytes[QUEUED.len()..];
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = end.map_or(bytes, |end| &bytes[..end]);
            let room = LINE_BYTES_MAX - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let Some(end) = end else { return Ok(()) };
            bytes = &bytes[end + 1..];
            self.line_ended(&mut each)?;
        }
        Ok(())
    }

    fn line_ended(&mut self, each: &mut impl FnMut(Verdict)) -> Result<(), MalformedReplies> {
        let line = String::from_utf8_lossy(&self.line).trim_end_matches('\r').to_owned();
        self.line.clear();
        let malformed = || MalformedReplies { line: line.clone() };
        let (kind, rest) = line.split_at_checked(1).ok_or_else(malformed)?;
        let count = || rest.parse::<i64>().map_err(|_not_a_number| malformed()).map(|count| u64::try_from(count).ok());
        match kind {
            "+" | ":" => {}
            "-" => match self.open.len() {
                0 => self.verdict.refusal = Some(rest.to_owned()),
                _ => self.verdict.inner = self.verdict.inner.take().or_else(|| Some(rest.to_owned())),
            },
            "$" => {
                if let Some(length) = count()? {
                    self.skip = length.saturating_add(2);
                    return Ok(());
                }
            }
            "*" => match count()? {
                None | Some(0) => {}
                Some(count) => {
                    self.open.push(count);
                    return Ok(());
                }
            },
            _ => return Err(malformed()),
        }
        self.value_ended(each);
        Ok(())
    }

    fn value_ended(&mut self, each: &mut impl FnMut(Verdict)) {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.open.pop();
        }
        each(std::mem::take(&mut self.verdict));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Verdict>, MalformedReplies> {
        let (mut replies, mut seen, mut from) = (Replies::default(), Vec::new(), 0);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
        cuts.sort_unstable();
        for to in cuts {
            replies.feed(&bytes[from..to], |verdict| seen.push(verdict))?;
            from = to;
        }
        Ok(seen)
    }

    #[test]
    fn complaints_are_found_at_both_levels() {
        let fine = Verdict::default();
        let refusal = |text: &str| Verdict { refusal: Some(text.to_owned()), inner: None };
        let inner = |text: &str| Verdict { refusal: None, inner: Some(text.to_owned()) };
        let bytes = b"+OK\r\n+QUEUED\r\n*3\r\n:0\r\n$-1\r\n$4\r\n-ERR\r\n-OOM no\r\n*2\r\n-A a\r\n-B b\r\n*0\r\n*-1\r\n";
        let expected = [fine.clone(), fine.clone(), fine.clone(), refusal("OOM no"), inner("A a"), fine.clone(), fine.clone()];
        assert_eq!(read(bytes, &[]), Ok(expected.to_vec()));
        assert_eq!(read(b"*1\r\n*2\r\n$0\r\n\r\n-C c\r\n:1\r\n", &[]), Ok(vec![inner("C c"), fine]));
        let long = format!("-{}\r\n+OK\r\n", "x".repeat(5_000));
        let verdicts = read(long.as_bytes(), &[]).expect("replies");
        assert_eq!((verdicts.len(), verdicts[0].refusal.as_ref().map(String::len)), (2, Some(LINE_BYTES_MAX - 1)));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in ["HTTP/1.1 400\r\n", "\r\n", "*x\r\n", "$\r\n"] {
            assert!(read(bytes.as_bytes(), &[]).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_verdicts(
            parts in proptest::collection::vec(prop::sample::select(vec![
                "+OK\r\n", "+QUEUED\r\n", ":12\r\n", "$5\r\n\r\n-*$\r\n", "$-1\r\n", "-ERR x\r\n", "*2\r\n:1\r\n-ERR y\r\n", "*1\r\n*1\r\n$1\r\n-\r\n",
            ]), 0..20),
            cuts in proptest::collection::vec(any::<usize>(), 0..20),
        ) {
            let bytes = parts.concat().into_bytes();
            let together = read(&bytes, &[]).expect("replies");
            prop_assert_eq!(together.len(), parts.len());
            prop_assert_eq!(read(&bytes, &cuts), Ok(together));
        }
    }
}

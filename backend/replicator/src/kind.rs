//! What a link does with a command of the stream, judged by its first words. Pure.

use crate::checkpoint::LIBRARY;

/// Most words of a command that a script can pass on; Lua's stack holds eight thousand (measured: 7,990 pass, 8,000 do not).
pub(crate) const WORDS_MAX: u64 = 7_000;

/// How a command is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A write like any other.
    Write,
    /// A removal of keys: by a client, of expired ones, or of slots that leave.
    Removal,
    /// Something that scripts cannot do, and that needs no slot.
    Direct,
    /// A database is chosen.
    Select(u32),
    /// Functions are put back of which one may have the checkpoint's name.
    FunctionRestore,
    /// A transaction begins.
    Multi,
    /// A transaction ends.
    Exec,
    /// The source asks where the link is.
    GetAck,
    /// Nothing to carry out: a sign of life, or what is done to a library of the checkpoint's name.
    Nothing,
    /// Slots come here or go.
    Resharding,
}

/// Judges a command by its first four words, as many as it has. The last one may be cut short.
pub(crate) fn kind_of(words: &[&[u8]]) -> Kind {
    let Some((name, rest)) = words.split_first() else { return Kind::Nothing };
    let is = |word: &[u8], wanted: &str| word.eq_ignore_ascii_case(wanted.as_bytes());
    // One look at the length spares most commands all comparisons.
    match name.len() {
        3 if is(name, "DEL") => Kind::Removal,
        4 if is(name, "EXEC") => Kind::Exec,
        4 if is(name, "PING") => Kind::Nothing,
        5 if is(name, "MULTI") => Kind::Multi,
        6 if is(name, "UNLINK") => Kind::Removal,
        6 if is(name, "SELECT") => rest.first().and_then(|number| database(number)).map_or(Kind::Direct, Kind::Select),
        6 if is(name, "SCRIPT") => Kind::Direct,
        7 if is(name, "CLUSTER") => Kind::Resharding,
        8 if is(name, "REPLCONF") => {
            if rest.first().is_some_and(|word| is(word, "GETACK")) {
                Kind::GetAck
            } else {
                Kind::Nothing
            }
        }
        8 if is(name, "FUNCTION") => function(rest),
        14 if is(name, "RESTORE-ASKING") => Kind::Resharding,
        _ => Kind::Write,
    }
}

fn database(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn function(rest: &[&[u8]]) -> Kind {
    let Some((verb, rest)) = rest.split_first() else { return Kind::Direct };
    let is = |word: &[u8], wanted: &str| word.eq_ignore_ascii_case(wanted.as_bytes());
    if is(verb, "RESTORE") {
        return Kind::FunctionRestore;
    }
    // The end of the batch replaces the library in any case, so what was done to it before changes nothing; and doing it could
    // fail, because here it exists when it does not at the source.
    let is_own = match rest.last() {
        Some(code) if is(verb, "LOAD") => library_of(code) == Some(LIBRARY.as_bytes()),
        Some(name) if is(verb, "DELETE") => *name == LIBRARY.as_bytes(),
        Some(_) | None => false,
    };
    if is_own { Kind::Nothing } else { Kind::Direct }
}

/// The name in `#!lua name=…`, the first line of a library.
fn library_of(code: &[u8]) -> Option<&[u8]> {
    let first = code.split(|byte| *byte == b'\n').next()?;
    first.split(u8::is_ascii_whitespace).find_map(|word| word.strip_prefix(b"name="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        let words: Vec<&[u8]> = text.split('|').map(str::as_bytes).collect();
        kind_of(&words)
    }

    #[test]
    fn commands_are_told_apart_in_any_case() {
        for (text, expected) in [
            ("SET|a|1", Kind::Write),
            ("del|a", Kind::Removal),
            ("DEL|a|b", Kind::Removal),
            ("UNLINK|a", Kind::Removal),
            ("unlink|a|b", Kind::Removal),
            ("SELECT|3", Kind::Select(3)),
            ("MULTI", Kind::Multi),
            ("exec", Kind::Exec),
            ("ping", Kind::Nothing),
            ("REPLCONF|GETACK|*", Kind::GetAck),
            ("CLUSTER|SYNCSLOTS|ESTABLISH", Kind::Resharding),
            ("cluster|setslot|1|MIGRATING", Kind::Resharding),
            ("RESTORE-ASKING|a|0", Kind::Resharding),
            ("FUNCTION|FLUSH", Kind::Direct),
            ("FUNCTION|RESTORE|x", Kind::FunctionRestore),
            ("FUNCTION|LOAD|#!lua name=mine\nx", Kind::Direct),
            ("FLUSHALL", Kind::Write),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn what_happens_to_a_library_of_the_reserved_name_stays_at_the_source() {
        assert_eq!(kind("FUNCTION|LOAD|#!lua name=valkyard_replication\nx"), Kind::Nothing);
        assert_eq!(kind("function|load|REPLACE|#!lua  name=valkyard_replication"), Kind::Nothing);
        assert_eq!(kind("FUNCTION|LOAD|REPLACE|#!lua name=valkyard_replication2\n"), Kind::Direct);
        assert_eq!(kind("FUNCTION|DELETE|valkyard_replication"), Kind::Nothing);
        assert_eq!(kind("FUNCTION|DELETE|valkyard"), Kind::Direct);
    }
}

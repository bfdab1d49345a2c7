//! What an engine's log tells of the data it began with: unreadable files, which end it, and a torn end of its log of writes.
//!
//! The reconciler's world reads the end of a node's log and asks here. Pure. The phrases are those of 7.2 to 9.1; an engine
//! that fails for another reason than its data is not taken for damaged.

/// How an engine says that its files cannot be read; it ends then.
const UNREADABLE: [&str; 11] = [
    "Bad file format reading the append only file",
    "Unrecoverable error reading the append only file",
    "Unexpected end of file reading the append only file",
    "Invalid AOF manifest file format",
    "Unable to obtain the AOF file",
    "Wrong signature trying to load DB from file",
    "Can't handle RDB format version",
    "Wrong RDB checksum",
    "Short read or OOM loading DB",
    "Internal error in RDB reading",
    "Fatal error loading the DB",
];
/// How an engine says that it dropped the end of its log of writes.
const TORN: &str = "Truncating the AOF";
/// How each start of an engine begins in its log.
const START: &str = " just started";

/// Why the engine whose log ends like this could not read its data, in its own words.
#[must_use]
pub fn unreadable_data(log_tail: &str) -> Option<String> {
    let line = last_start(log_tail).find(|line| UNREADABLE.iter().any(|phrase| line.contains(phrase)))?;
    Some(words(line))
}

/// Where the engine whose log ends like this dropped the torn end of its log of writes, in its own words.
#[must_use]
pub fn torn_log(log_tail: &str) -> Option<String> {
    last_start(log_tail).find(|line| line.contains(TORN)).map(words)
}

fn last_start(log_tail: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = log_tail.lines().collect();
    let begin = lines.iter().rposition(|line| line.contains(START)).unwrap_or(0);
    lines.into_iter().skip(begin)
}

/// A line without process id, time and decoration.
fn words(line: &str) -> String {
    let text = line.split_once(" # ").map_or(line, |(_, text)| text);
    text.trim_matches(|c: char| c == '!' || c.is_whitespace()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_cannot_be_read_is_told_in_the_engines_words() {
        let log = "1:M 22 Nov 2026 21:35:12.365 * Valkey version=9.1.2, bits=64, pid=1, just started\n\
            1:M 22 Nov 2026 21:35:12.366 # Short read or OOM loading DB. Unrecoverable error, aborting now.\n\
            1:M 22 Nov 2026 21:35:12.366 # Internal error in RDB reading offset 0, function at rdb.c:3632 -> Unexpected EOF";
        assert_eq!(unreadable_data(log).as_deref(), Some("Short read or OOM loading DB. Unrecoverable error, aborting now."));
        let manifest = "1:M 22 Nov 2026 21:35:20.869 # Invalid AOF manifest file format";
        assert_eq!(unreadable_data(manifest).as_deref(), Some("Invalid AOF manifest file format"));
    }

    #[test]
    fn other_failures_and_earlier_starts_are_no_damage() {
        assert_eq!(unreadable_data("1:M 22 Nov 2026 21:35:12.366 # Failed listening on port 11000 (tcp), aborting."), None);
        let mended = "1:M * pid=1, just started\n1:M 1 # Fatal error loading the DB, check server logs. Exiting.\n\
            2:M * pid=2, just started\n2:M 1 # Failed listening on port 11000 (tcp), aborting.";
        assert_eq!(unreadable_data(mended), None);
    }

    #[test]
    fn a_torn_end_is_told_with_its_place() {
        let log = "1:M 22 Nov 2026 21:35:11.994 # !!! Truncating the AOF appendonly.aof.2.incr.aof at offset 110 !!!";
        assert_eq!(torn_log(log).as_deref(), Some("Truncating the AOF appendonly.aof.2.incr.aof at offset 110"));
        assert_eq!(torn_log("1:M 1 * DB loaded from append only file: 0.000 seconds"), None);
    }
}

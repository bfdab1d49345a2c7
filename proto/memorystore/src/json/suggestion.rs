//! Finds the name a mistyped one was meant to be. Used for field and enum names. Pure; suggests nothing
//! rather than something far-fetched.

/// A slip of two letters is still recognisable in a name of six; shorter names allow less.
const LETTERS_PER_SLIP: usize = 3;

/// The candidate with the fewest edits, if they are few for a name of this length.
pub(super) fn closest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = typed.chars().count() / LETTERS_PER_SLIP;
    candidates
        .map(|candidate| (edits(typed, candidate), candidate))
        .filter(|(count, _)| *count <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements that make one text the other, letter case left aside.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_counts_each_slip_once() {
        assert_eq!(edits("shardCount", "shardcount"), 0);
        assert_eq!(edits("shardCuont", "shardCount"), 2);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("labels", "label"), 1);
    }

    #[test]
    fn far_fetched_names_are_not_suggested() {
        let names = ["shardCount", "replicaCount", "mode"];
        assert_eq!(closest("shards", names.into_iter()), None);
        assert_eq!(closest("shardCuont", names.into_iter()), Some("shardCount"));
        assert_eq!(closest("mod", names.into_iter()), Some("mode"));
    }
}

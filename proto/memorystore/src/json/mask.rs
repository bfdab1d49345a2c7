//! The text form of a field mask, as it comes in a query parameter. Invariant: whatever the client's
//! spelling, the paths of the result are snake_case. Whether a path exists or may be changed is not decided
//! here.

use prost_types::FieldMask;

/// Reads `shardCount,replica_count` as the paths `shard_count` and `replica_count`, in that order, each
/// once. Blanks around a path and empty paths are dropped.
pub fn field_mask(text: &str) -> FieldMask {
    let mut paths: Vec<String> = Vec::new();
    for path in text.split(',').map(str::trim).filter(|path| !path.is_empty()) {
        let path = snake_case(path);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    FieldMask { paths }
}

fn snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
            snake.push(letter.to_ascii_lowercase());
        } else {
            snake.push(letter);
        }
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_become_snake_case_and_repeats_are_dropped() {
        let mask = field_mask("shardCount, replica_count,,shard_count,persistenceConfig.rdbConfig");
        assert_eq!(mask.paths, ["shard_count", "replica_count", "persistence_config.rdb_config"]);
    }

    #[test]
    fn an_empty_text_is_an_empty_mask() {
        assert!(field_mask(" ").paths.is_empty());
    }
}

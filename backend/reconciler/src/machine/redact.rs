//! Taking secrets out of what an engine logged: the end of a node's log is quoted in errors of operations, which whoever may
//! ask for an instance can read.
//!
//! An engine that stumbles over its configuration quotes the line, and lines carry the daemon's password or its hash: 64
//! hexadecimal digits each. Identities of nodes have 40, which say what the log is about.

/// Longest word of hexadecimal digits that is kept.
const HEX_DIGITS_MAX: usize = 40;
/// What stands in for longer ones.
const HIDDEN: &str = "(hidden)";

/// The text without words of hexadecimal digits that could be a password, its hash, or most of one.
pub(super) fn redact(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let length = rest[start..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - start);
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(length);
        kept.push_str(before);
        kept.push_str(if length > HEX_DIGITS_MAX { HIDDEN } else { word });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use valkyard_engine::render::acl;
    use valkyard_model::{Access, AdminSecret, Admission};

    use super::*;

    #[test]
    fn neither_the_password_nor_its_hash_is_told() {
        let secret = AdminSecret::from_random([0xab; 32]);
        let acl = acl(&secret, Access::ReadWrite, Admission::Clients);
        let (_, hash) = acl.split_once('#').expect("the hash is in the file");
        let hash = &hash[..64];
        let log = format!("Bad directive\n>>> 'primaryauth \"{0}\"'\nusers.acl:2: #{hash}\n{0}", secret.expose());
        let told = redact(&log);
        assert_eq!(told, "Bad directive\n>>> 'primaryauth \"(hidden)\"'\nusers.acl:2: #(hidden)\n(hidden)");
    }

    #[test]
    fn a_password_that_the_engine_cut_short_is_not_told() {
        let cut = &AdminSecret::from_random([0x5c; 32]).expose()[..41].to_owned();
        assert_eq!(redact(&format!("requirepass {cut}…")), "requirepass (hidden)…");
    }

    #[test]
    fn what_explains_the_end_is_kept() {
        let log = "Cluster node 89a8b3b574f4487dfac1e3e129b66d47d4b7ea2c fails: bad fd 12, “café”, dead beef\n";
        assert_eq!(redact(log), log);
        assert_eq!(redact(""), "");
    }
}

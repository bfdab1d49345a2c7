//! A node's ACL file: the product's command surface for clients, everything for the daemon (DESIGN D9).

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use valkyard_model::{Access, AdminSecret, Admission};

/// The daemon's own user on every node; replicas log in to their primary as this user too.
pub const ADMIN_USER: &str = "valkyard-admin";

/// What clients may do. Data commands are granted by category, so that those of newer engines are included; then whatever
/// administers the server is taken away and the product's exceptions are given back. A name that one engine version does
/// not know would keep it from starting: every word here exists in each version from 7.2.
const CLIENT_RULES: &[&str] = &[
    "-@all",
    // Data types, keyspace, messages, transactions, scripts.
    "+@read +@write +@keyspace +@pubsub +@transaction +@scripting",
    "-@admin -@dangerous",
    // Dangerous by the engine's classification, offered by the product.
    "+flushall +flushdb +keys +restore +sort +sort_ro",
    "+info +monitor +role +latency +memory",
    // Whole containers: their HELP is in none of the categories.
    "+object +pubsub +xgroup +xinfo",
    // Connections. CLIENT SETINFO is not on the product's list, but client libraries send it when they connect.
    "+auth +hello +echo +ping +quit +reset +select +wait +time +lolwut +command",
    "+client|caching +client|getname +client|getredir +client|help +client|id +client|info +client|kill +client|list",
    "+client|reply +client|setinfo +client|setname +client|tracking +client|trackinginfo",
    "+config|help +module|help +slowlog|help",
    // Cluster, to read.
    "+asking +readonly +readwrite",
    "+cluster|count-failure-reports +cluster|countkeysinslot +cluster|getkeysinslot +cluster|help +cluster|info",
    "+cluster|keyslot +cluster|links +cluster|myid +cluster|nodes +cluster|replicas +cluster|shards +cluster|slots",
];

/// What clients of an instance that only reads may not do on top of that. Last of all rules, so that no exception above gives
/// it back; scripts are not in the category, and each command in them is asked about.
const READ_ONLY_RULE: &str = "-@write";

/// Everything that clients may and may not do, as one user's rules.
pub(crate) fn client_rules(access: Access) -> String {
    let rules = CLIENT_RULES.join(" ");
    match access {
        Access::ReadWrite => rules,
        Access::ReadOnly => format!("{rules} {READ_ONLY_RULE}"),
    }
}

/// The ACL file. It carries the hash of the daemon's password: mode 0600.
#[must_use]
pub fn acl(secret: &AdminSecret, access: Access, admission: Admission) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(secret.expose()) {
        write!(hash, "{byte:02x}").expect("writing to a string does not fail");
    }
    let state = match admission {
        Admission::Clients => "on",
        Admission::DaemonOnly => "off",
    };
    let rules = client_rules(access);
    format!("user default {state} nopass ~* &* {rules}\nuser {ADMIN_USER} on #{hash} ~* &* +@all\n")
}

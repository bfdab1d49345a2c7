//! One verb of the command line per file.

mod ask;
pub(crate) mod backups;
pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod instances;
mod node_table;
pub(crate) mod nodes;
pub(crate) mod operations;
mod patience;
pub(crate) mod replication;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod version;
pub(crate) mod zones;

//! One verb of the command line per file.

pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod version;

//! Backups and their collections, one file per request. gRPC and REST both end here.
//!
//! A request only notes what is wanted and wakes whoever does it: the loop of the instance makes a backup, the keeper deletes,
//! exports and verifies those that are there.

mod back_up;
mod delete;
mod error;
mod export;
mod get;
mod get_collection;
mod list;
mod list_collections;

pub(crate) use back_up::back_up;
pub(crate) use delete::delete;
pub use error::BackupRefusal;
pub(crate) use export::export;
pub(crate) use get::{find, get};
pub(crate) use get_collection::get_collection;
pub(crate) use list::list;
pub(crate) use list_collections::list_collections;

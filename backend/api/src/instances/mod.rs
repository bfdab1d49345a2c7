//! Instances, one file per request. gRPC and REST both end here.

mod create;
mod delete;
mod fit;
mod get;
mod list;
mod memory;
mod restore;
mod roles;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use fit::DataDoesNotFit;
pub(crate) use get::get;
pub(crate) use list::list;
use memory::maxmemory;
pub(crate) use update::update;

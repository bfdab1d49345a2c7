//! Between the wire's messages and the model's nouns. Requests go in field by field ([`fields`]) and through the table of
//! what this version refuses ([`refused`]); instances, backups and operations come out whole. Nothing here reads the store.

mod automated_backups;
mod backup;
mod connections;
mod duration;
pub(crate) mod fields;
mod import;
mod instance;
mod node_type;
mod operation;
pub(crate) mod persistence;
pub(crate) mod refused;
mod replication;
mod request;
mod store_url;
mod time;

pub(crate) use automated_backups::changed as changed_automated_backups;
pub(crate) use backup::{backup_message, collection_message};
pub(crate) use duration::{duration_message, whole_seconds};
pub(crate) use instance::{instance_message, instance_state};
pub(crate) use operation::operation_message;
pub(crate) use replication::{AskedRole, asked_role, message as replication_message, violation as replication_violation};
pub(crate) use request::{CollectionScope, Parent, backup_name, collection_name, instance_name, request_key};
pub(crate) use store_url::destination;
pub(crate) use time::timestamp_message;

//! Between the wire's messages and the model's nouns. Requests go in field by field ([`fields`]) and through the table of
//! what this version refuses ([`refused`]); instances and operations come out whole. Nothing here reads the store.

mod connections;
pub(crate) mod fields;
mod instance;
mod node_type;
mod operation;
pub(crate) mod persistence;
pub(crate) mod refused;
mod request;
mod time;

pub(crate) use instance::{instance_message, instance_state};
pub(crate) use operation::operation_message;
pub(crate) use request::{Parent, instance_name, request_key};
pub(crate) use time::timestamp_message;

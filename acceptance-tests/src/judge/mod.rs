//! The judge: clients that write while an instance is changed, and a verdict on what became of their writes.
//!
//! [`Load`] runs Rust and Python cluster clients with the settings their libraries have by default. Each owns its keys, so
//! that what a key must hold follows from one client's own record. [`Record::verify`] compares the record with what the
//! instance holds at the end. [`HotKeys`] lets several clients meet on few keys, and [`check_register`] tells whether one
//! register could have answered as they saw it. The judge takes no part in what it judges: it knows the discovery endpoint
//! and nothing else.

mod data_set;
mod hot_keys;
mod key;
mod linearizability;
mod load;
mod loss;
mod moment;
mod python_client;
mod record;
mod report;
mod rust_client;
mod verify;

pub use data_set::DataSet;
pub use hot_keys::HotKeys;
pub use key::{Key, Kind, slot_of};
pub use linearizability::{Access, Operation, Violation, check_register};
pub use load::{Load, LoadOptions};
pub use loss::{Incident, LossOutOfBounds, check_losses};
pub use moment::Moment;
pub use record::{Action, ClientKind, Event, Outcome, Record};
pub use report::{ClientError, LostWrite, Report};

//! A stand-in for Terraform core, in process and without a socket.
//!
//! Owns [`Harness`]. Tests of providers drive it. It computes proposed states, plans again before apply, and holds
//! every answer against the [`consistency`](crate::consistency) rules, as core does. Invariant: what it accepts,
//! Terraform accepts. It parses no configuration language: configurations are [`Object`](crate::Object)s.

mod calls;
mod harness;
mod proposed;

pub use harness::{Action, Failure, Harness, Plan, State};
pub use proposed::proposed_state;

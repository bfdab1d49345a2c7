//! The protocol's calls, driven as Terraform core drives them, against a small provider in memory.
//!
//! `cloud` is the provider; the other modules are one theme each. Its resource can be told to misbehave, so that
//! every rule is seen to catch somebody.

mod absent;
mod cloud;
mod lifecycle;
mod misbehaviour;
mod wire;

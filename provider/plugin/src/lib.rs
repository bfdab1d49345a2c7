//! The Terraform provider `valkyard/valkyard`: caches as code on a Valkyard daemon.
//!
//! Owns what users see of it in Terraform: the provider block ([`Valkyard`]), the resource and the data source
//! `valkyard_instance`. The binary serves it; the documentation test renders it. Invariant: attributes are named
//! as in `google_memorystore_instance` wherever the thing is the same, and the daemon is spoken to only through
//! the public Memorystore API. How Terraform's protocol works is the framework's business.

mod client;
mod instance;
mod instance_data_source;
mod provider;

pub use client::Client;
pub use instance::InstanceResource;
pub use instance_data_source::InstanceDataSource;
pub use provider::Valkyard;

/// Source address of the provider in full.
pub const PROVIDER_ADDRESS: &str = "registry.terraform.io/valkyard/valkyard";

//! The Terraform provider `valkyard/valkyard`: caches as code on a Valkyard daemon.
//!
//! Owns what users see of it in Terraform: the provider block ([`Valkyard`]), the resources for instances, backups and
//! backup policies, and the data sources for instances and backups. The binary serves it; the documentation test renders
//! it. Invariants: attributes are named as in `google_memorystore_instance` wherever the thing is the same; the daemon is
//! spoken to through the public Memorystore API, and through the administration API only for what that has no words for.
//! How Terraform's protocol works is the framework's business.

mod backup;
mod backup_data_source;
mod backup_lookup;
mod backup_policy;
mod backups_data_source;
mod client;
mod duration_text;
mod instance;
mod instance_data_source;
mod instance_reference;
mod operations_by_file;
mod provider;

pub use backup::BackupResource;
pub use backup_data_source::BackupDataSource;
pub use backup_policy::BackupPolicyResource;
pub use backups_data_source::BackupsDataSource;
pub use client::Client;
pub use instance::InstanceResource;
pub use instance_data_source::InstanceDataSource;
pub use provider::Valkyard;

/// Source address of the provider in full.
pub const PROVIDER_ADDRESS: &str = "registry.terraform.io/valkyard/valkyard";

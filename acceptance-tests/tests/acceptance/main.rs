//! Acceptance tests: the real daemon, real valkey-server, real Terraform; and the rules of the repository.

mod backups;
mod bad_input;
mod changes;
mod chaos;
mod crash;
mod crash_change;
mod damage;
mod examples;
mod failover;
mod gcloud;
mod healing;
mod judge;
mod lifecycle;
mod persistence;
mod provider;
mod replication;
mod shutdown;
mod switchover;
mod tidy;

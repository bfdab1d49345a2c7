//! Acceptance tests: the real daemon, real valkey-server, real Terraform; and the rules of the repository.

mod bad_input;
mod crash;
mod damage;
mod examples;
mod gcloud;
mod healing;
mod judge;
mod lifecycle;
mod provider;
mod shutdown;
mod tidy;

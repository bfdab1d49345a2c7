//! Acceptance tests: the real daemon, real valkey-server, real Terraform; and the rules of the repository.

mod tidy;

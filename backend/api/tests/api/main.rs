//! The API as its clients meet it: over HTTP and gRPC on a loopback port, with a store in memory and a world in which
//! every instance is complete at once.

mod admin;
mod admin_backups;
mod answers;
mod backup_sources;
mod backups;
mod change;
mod create;
mod delete;
mod grpc;
mod hang_up;
mod keeper;
mod list;
mod local_only;
mod locations;
mod operations;
mod persistence;
mod replication;
mod schedule;
mod server;
mod transport;
mod update;
mod world;

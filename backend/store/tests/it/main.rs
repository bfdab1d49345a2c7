//! The rules of the store, through its public API.

mod abandon;
mod backup_scene;
mod backups;
mod cancel;
mod crash;
mod create;
mod data_loss;
mod delete;
mod file;
mod full_disk;
mod kept_backups;
mod leaving;
mod list;
mod migration;
mod progress;
mod replication;
mod scene;
mod switchover;
mod update;
mod zone_outage;

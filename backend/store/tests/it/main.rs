//! The rules of the store, through its public API.

mod cancel;
mod crash;
mod create;
mod delete;
mod file;
mod full_disk;
mod list;
mod progress;
mod scene;
mod update;

//! The transport against a host written for these tests: real sockets, real certificates, real processes.

mod host;
mod mutual_tls;
mod process;
mod serving;
mod stub;

//! Records and clocks in, steps out.

mod due;
mod expiry;
mod exports;
mod scene;
mod verifications;

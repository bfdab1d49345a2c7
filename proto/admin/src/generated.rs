//! What the build script made of `protos/`: a module tree that follows the protobuf packages, because the
//! generated code refers to itself by that path. `lib.rs` gives the package its public name; nothing is written here by
//! hand.
#![expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "the generators write their own attributes, one dispatch function per server, and public modules"
)]

include!(concat!(env!("OUT_DIR"), "/modules.rs"));

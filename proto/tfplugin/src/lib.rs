//! Wire types of Terraform's plugin protocol 6 and of the services go-plugin hosts expect beside it.
//!
//! Generated at build time from the two .proto files of this crate, with clients and servers. Only
//! `provider-framework` and its tests use it. Fields of type `bytes` are [`bytes::Bytes`](prost::bytes::Bytes),
//! so decoding a value does not copy it. Nothing here interprets a message.

/// `tfplugin6`: the provider service and its messages.
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated code is not written by hand"
)]
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// `plugin`: broker, controller and stdio, called by the host beside the provider service.
#[expect(clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated code is not written by hand")]
pub mod go_plugin {
    tonic::include_proto!("plugin");
}

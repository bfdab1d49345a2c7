//! The compiled protocol against its table: every call, field number, type and enum value.

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::Label,
};

const PROTOCOL_6_11: &str = include_str!("protocol_6_11.txt");

fn file(package: &str) -> FileDescriptorProto {
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    FileDescriptorSet::decode(bytes.as_slice())
        .expect("build.rs wrote a descriptor set")
        .file
        .into_iter()
        .find(|file| file.package() == package)
        .expect("build.rs compiles the package")
}

/// Every RPC, field and enum value of a file, one line each, in the notation of `protocol_6_11.txt`.
fn describe(file: &FileDescriptorProto) -> Vec<String> {
    let package = format!(".{}.", file.package());
    let mut lines = Vec::new();
    for service in &file.service {
        for method in &service.method {
            let side = |streams: bool, name: &str| {
                let stream = if streams { "stream:" } else { "" };
                format!("{stream}{}", name.trim_start_matches(&package))
            };
            lines.push(format!(
                "rpc {} {} {}",
                method.name(),
                side(method.client_streaming(), method.input_type()),
                side(method.server_streaming(), method.output_type()),
            ));
        }
    }
    for message in &file.message_type {
        describe_message(&package, message.name(), message, &mut lines);
    }
    for enumeration in &file.enum_type {
        describe_enum(enumeration.name(), enumeration, &mut lines);
    }
    lines.sort();
    lines
}

fn describe_message(package: &str, path: &str, message: &DescriptorProto, lines: &mut Vec<String>) {
    for field in &message.field {
        lines.push(format!("field {path}.{} {} {}", field.name(), field.number(), describe_type(package, message, field),));
    }
    if message.field.is_empty() && message.nested_type.is_empty() && message.enum_type.is_empty() {
        lines.push(format!("message {path} empty"));
    }
    for nested in &message.nested_type {
        let is_map_entry = nested.options.as_ref().is_some_and(|o| o.map_entry());
        if !is_map_entry {
            describe_message(package, &format!("{path}.{}", nested.name()), nested, lines);
        }
    }
    for enumeration in &message.enum_type {
        describe_enum(&format!("{path}.{}", enumeration.name()), enumeration, lines);
    }
}

fn describe_enum(path: &str, enumeration: &EnumDescriptorProto, lines: &mut Vec<String>) {
    for value in &enumeration.value {
        lines.push(format!("value {path}.{} {}", value.name(), value.number()));
    }
}

fn describe_type(package: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let base = match &field.type_name {
        Some(name) => name.trim_start_matches(package).trim_start_matches('.').to_owned(),
        None => field.r#type().as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    };
    let map_entry = message
        .nested_type
        .iter()
        .find(|nested| nested.options.as_ref().is_some_and(|o| o.map_entry()) && base.ends_with(&format!(".{}", nested.name())));
    if let Some(entry) = map_entry {
        let [key, value] = &entry.field[..] else { panic!("a map entry has two fields") };
        return format!("map<{},{}>", describe_type(package, entry, key), describe_type(package, entry, value),);
    }
    if field.label() == Label::Repeated {
        format!("repeated {base}")
    } else if field.proto3_optional() {
        format!("optional {base}")
    } else if let Some(index) = field.oneof_index {
        let oneof = &message.oneof_decl[usize::try_from(index).expect("indexes are not negative")];
        format!("oneof:{} {base}", oneof.name())
    } else {
        base
    }
}

#[test]
fn provider_service_is_protocol_6_11_to_the_letter() {
    let expected: Vec<&str> = PROTOCOL_6_11.lines().filter(|line| !line.starts_with('#')).collect();
    let actual = describe(&file("tfplugin6"));
    let missing: Vec<_> = expected.iter().filter(|line| !actual.iter().any(|have| have == *line)).collect();
    let extra: Vec<_> = actual.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:#?}\nextra: {extra:#?}");
}

#[test]
fn provider_service_has_its_36_calls_under_the_protocol_path() {
    let file = file("tfplugin6");
    let [service] = &file.service[..] else { panic!("one service") };
    assert_eq!(service.name(), "Provider");
    assert_eq!(service.method.len(), 36);
    assert_eq!(tfplugin_proto::tfplugin6::provider_server::SERVICE_NAME, "tfplugin6.Provider");
}

#[test]
fn go_plugin_services_are_those_the_host_calls() {
    assert_eq!(
        describe(&file("plugin")),
        [
            "field ConnInfo.address 3 string",
            "field ConnInfo.knock 4 Knock",
            "field ConnInfo.network 2 string",
            "field ConnInfo.service_id 1 uint32",
            "field Knock.ack 2 bool",
            "field Knock.error 3 string",
            "field Knock.knock 1 bool",
            "field StdioData.channel 1 StdioData.Channel",
            "field StdioData.data 2 bytes",
            "message Empty empty",
            "rpc Shutdown Empty Empty",
            "rpc StartStream stream:ConnInfo stream:ConnInfo",
            "rpc StreamStdio .google.protobuf.Empty stream:StdioData",
            "value StdioData.Channel.INVALID 0",
            "value StdioData.Channel.STDERR 2",
            "value StdioData.Channel.STDOUT 1",
        ]
    );
    use tfplugin_proto::go_plugin;
    assert_eq!(
        [
            go_plugin::grpc_broker_server::SERVICE_NAME,
            go_plugin::grpc_controller_server::SERVICE_NAME,
            go_plugin::grpc_stdio_server::SERVICE_NAME,
        ],
        ["plugin.GRPCBroker", "plugin.GRPCController", "plugin.GRPCStdio"]
    );
}

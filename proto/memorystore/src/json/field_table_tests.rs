//! Compares every message, field and enum value with `field_table.txt`, which was written down from the
//! public field tables, not from `protos/`.

use prost_reflect::{EnumDescriptor, FieldDescriptor, MessageDescriptor};

use super::DESCRIPTORS;

const TABLE: &str = include_str!("field_table.txt");

#[test]
fn every_field_has_the_name_number_and_type_of_the_public_api() {
    let mut messages: Vec<String> = DESCRIPTORS
        .all_messages()
        .filter(|message| is_ours(message.package_name()) && !message.is_map_entry())
        .map(|message| message_entry(&message))
        .collect();
    messages.sort();
    let mut enums: Vec<String> =
        DESCRIPTORS.all_enums().filter(|names| is_ours(names.package_name())).map(|names| enum_entry(&names)).collect();
    enums.sort();
    messages.extend(enums);

    let actual = messages.concat();
    for (ours, table) in actual.lines().zip(TABLE.lines()) {
        assert_eq!(ours, table, "first line that differs (left: protos)");
    }
    assert_eq!(actual.lines().count(), TABLE.lines().count());
}

#[test]
fn the_service_has_every_method_and_no_other() {
    let service =
        DESCRIPTORS.get_service_by_name("google.cloud.memorystore.v1.Memorystore").expect("defined in memorystore.proto");
    let methods: Vec<String> = service.methods().map(|method| format!("{} {}", method.name(), method.output().name())).collect();
    assert_eq!(
        methods.join("\n"),
        "ListInstances ListInstancesResponse
GetInstance Instance
CreateInstance Operation
UpdateInstance Operation
DeleteInstance Operation
GetCertificateAuthority CertificateAuthority
GetSharedRegionalCertificateAuthority SharedRegionalCertificateAuthority
RescheduleMaintenance Operation
ListBackupCollections ListBackupCollectionsResponse
GetBackupCollection BackupCollection
ListBackups ListBackupsResponse
GetBackup Backup
DeleteBackup Operation
ExportBackup Operation
BackupInstance Operation
StartMigration Operation
FinishMigration Operation
ListTokenAuthUsers ListTokenAuthUsersResponse
GetTokenAuthUser TokenAuthUser
ListAuthTokens ListAuthTokensResponse
GetAuthToken AuthToken
AddTokenAuthUser Operation
DeleteTokenAuthUser Operation
AddAuthToken Operation
DeleteAuthToken Operation"
    );
}

fn is_ours(package: &str) -> bool {
    package != "google.protobuf"
}

fn message_entry(message: &MessageDescriptor) -> String {
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    let mut entry = format!("{}\n", message.full_name());
    for field in fields {
        let (number, name, json_name) = (field.number(), field.name(), field.json_name());
        entry.push_str(&format!("  {number} {name} {json_name} {}\n", type_of(&field)));
    }
    entry
}

fn type_of(field: &FieldDescriptor) -> String {
    if field.is_map() {
        return "map<string, string>".to_owned();
    }
    let kind = field.kind();
    let message = kind.as_message().map(|message| message.name().to_owned());
    let names = kind.as_enum().map(|names| names.name().to_owned());
    let kind = message.or(names).unwrap_or_else(|| format!("{kind:?}"));
    match field.containing_oneof() {
        Some(oneof) if oneof.is_synthetic() => format!("optional {kind}"),
        Some(oneof) => format!("{kind} oneof {}", oneof.name()),
        None if field.is_list() => format!("repeated {kind}"),
        None => kind,
    }
}

fn enum_entry(names: &EnumDescriptor) -> String {
    let mut values: Vec<(i32, String)> = names.values().map(|value| (value.number(), value.name().to_owned())).collect();
    values.sort();
    let mut entry = format!("enum {}\n", names.full_name());
    for (number, name) in values {
        entry.push_str(&format!("  {number} {name}\n"));
    }
    entry
}

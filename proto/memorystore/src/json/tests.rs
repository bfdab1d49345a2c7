//! The JSON form against recorded shapes of the real service, and its refusals against a table.

use prost_types::{Duration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    google_type::{DayOfWeek, TimeOfDay},
    longrunning::{Operation, operation},
    pack,
    rpc::{BadRequest, Status, bad_request::FieldViolation},
    v1::{self, instance},
};

const NAME: &str = "projects/p/locations/us-central1/instances/cache";

fn instance() -> v1::Instance {
    v1::Instance {
        name: NAME.into(),
        create_time: Some(Timestamp { seconds: 1_767_225_600, nanos: 123_456_000 }),
        state: instance::State::Active.into(),
        replica_count: Some(0),
        shard_count: 3,
        node_type: instance::NodeType::StandardSmall.into(),
        node_config: Some(v1::NodeConfig { size_gb: 6.5 }),
        engine_configs: [("maxmemory-policy".to_owned(), "volatile-ttl".to_owned())].into(),
        server_ca_mode: Some(instance::ServerCaMode::GoogleManagedPerInstanceCa.into()),
        automated_backup_config: Some(v1::AutomatedBackupConfig {
            retention: Some(Duration { seconds: 345_600, nanos: 0 }),
            ..v1::AutomatedBackupConfig::default()
        }),
        maintenance_policy: Some(v1::MaintenancePolicy {
            weekly_maintenance_window: vec![v1::WeeklyMaintenanceWindow {
                day: DayOfWeek::Monday.into(),
                start_time: Some(TimeOfDay { hours: 5, ..TimeOfDay::default() }),
            }],
            ..v1::MaintenancePolicy::default()
        }),
        endpoints: vec![instance::InstanceEndpoint {
            connections: vec![instance::ConnectionDetail {
                connection: Some(instance::connection_detail::Connection::PscAutoConnection(v1::PscAutoConnection {
                    ports: Some(v1::psc_auto_connection::Ports::Port(6379)),
                    connection_type: v1::ConnectionType::Discovery.into(),
                    ..v1::PscAutoConnection::default()
                })),
            }],
        }],
        ..v1::Instance::default()
    }
}

fn instance_json() -> Value {
    json!({
        "name": NAME,
        "createTime": "2026-01-01T00:00:00.123456Z",
        "state": "ACTIVE",
        "replicaCount": 0,
        "shardCount": 3,
        "nodeType": "STANDARD_SMALL",
        "nodeConfig": {"sizeGb": 6.5},
        "engineConfigs": {"maxmemory-policy": "volatile-ttl"},
        "serverCaMode": "GOOGLE_MANAGED_PER_INSTANCE_CA",
        "automatedBackupConfig": {"retention": "345600s"},
        "maintenancePolicy": {
            "weeklyMaintenanceWindow": [{"day": "MONDAY", "startTime": {"hours": 5}}],
        },
        "endpoints": [{"connections": [{"pscAutoConnection": {
            "port": 6379, "connectionType": "CONNECTION_TYPE_DISCOVERY",
        }}]}],
    })
}

fn operation(result: Option<operation::Result>) -> Operation {
    Operation {
        name: "projects/p/locations/us-central1/operations/operation-1".into(),
        metadata: Some(pack(&v1::OperationMetadata {
            target: NAME.into(),
            verb: "create".into(),
            api_version: "v1".into(),
            ..v1::OperationMetadata::default()
        })),
        done: result.is_some(),
        result,
    }
}

#[track_caller]
fn rendered<M: Message + Name>(message: &M, style: EnumStyle) -> Value {
    let text = to_json(message, style).expect("all types are known");
    let value: Value = serde_json::from_slice(&text).expect("the output is JSON");
    assert_eq!(to_value(message, style).expect("as above"), value);
    value
}

#[test]
fn an_instance_leaves_out_defaults_but_not_a_set_replica_count() {
    assert_eq!(rendered(&instance(), EnumStyle::Names), instance_json());
}

#[test]
fn enums_are_numbers_when_the_client_asked_for_them() {
    let mut expected = instance_json();
    expected["state"] = json!(2);
    expected["nodeType"] = json!(4);
    expected["serverCaMode"] = json!(1);
    expected["maintenancePolicy"]["weeklyMaintenanceWindow"][0]["day"] = json!(1);
    expected["endpoints"][0]["connections"][0]["pscAutoConnection"]["connectionType"] = json!(1);
    assert_eq!(rendered(&instance(), EnumStyle::Numbers), expected);
}

#[test]
fn a_running_operation_has_no_done_key() {
    assert_eq!(
        rendered(&operation(None), EnumStyle::Names),
        json!({
            "name": "projects/p/locations/us-central1/operations/operation-1",
            "metadata": {
                "@type": "type.googleapis.com/google.cloud.memorystore.v1.OperationMetadata",
                "apiVersion": "v1",
                "target": NAME,
                "verb": "create",
            },
        })
    );
}

#[test]
fn enums_inside_a_response_are_names_in_both_styles() {
    let done = operation(Some(operation::Result::Response(pack(&instance()))));
    for style in [EnumStyle::Names, EnumStyle::Numbers] {
        let value = rendered(&done, style);
        let mut expected = instance_json();
        expected["@type"] = json!("type.googleapis.com/google.cloud.memorystore.v1.Instance");
        assert_eq!(value["response"], expected, "{style:?}");
        assert_eq!(value["done"], json!(true));
    }
}

#[test]
fn a_finished_deletion_responds_with_empty() {
    let done = operation(Some(operation::Result::Response(pack(&()))));
    assert_eq!(rendered(&done, EnumStyle::Numbers)["response"], json!({"@type": "type.googleapis.com/google.protobuf.Empty"}));
}

#[test]
fn a_finished_deletion_reads_back_with_and_without_a_value() {
    let done = operation(Some(operation::Result::Response(pack(&()))));
    let mut text = rendered(&done, EnumStyle::Names);
    assert_eq!(from_value::<Operation>(text.clone()).expect("as written"), done);
    text["response"]["value"] = json!({});
    assert_eq!(from_value::<Operation>(text).expect("as other writers do"), done);
}

#[test]
fn a_failed_operation_carries_code_message_and_details() {
    let failed = operation(Some(operation::Result::Error(Status {
        code: 9,
        message: "no".into(),
        details: vec![pack(&BadRequest {
            field_violations: vec![FieldViolation { field: "update_mask".into(), ..FieldViolation::default() }],
        })],
    })));
    assert_eq!(
        rendered(&failed, EnumStyle::Names)["error"],
        json!({"code": 9, "message": "no", "details": [{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "update_mask"}],
        }]})
    );
}

#[test]
fn an_any_of_a_foreign_type_cannot_be_written() {
    let mut foreign = operation(None);
    foreign.metadata = Some(prost_types::Any { type_url: "type.googleapis.com/no.such.Type".into(), value: Vec::new() });
    let error = to_json(&foreign, EnumStyle::Names).expect_err("the type is unknown");
    assert_eq!(
        error.to_string(),
        "failed to write the type \"type.googleapis.com/no.such.Type\" as JSON: it is not part of this API"
    );
}

#[test]
fn broken_bytes_in_an_any_cannot_be_written() {
    for (bytes, expected) in [
        (&[0x1a][..], "failed to decode the bytes of a google.cloud.memorystore.v1.OperationMetadata"),
        (&[0x18, 1], "failed to decode field target of a google.cloud.memorystore.v1.OperationMetadata"),
        (&[0x1a, 1, 0xff], "failed to decode field target of a google.cloud.memorystore.v1.OperationMetadata"),
    ] {
        let mut broken = operation(None);
        broken.metadata.as_mut().expect("set above").value = bytes.to_vec();
        let error = to_json(&broken, EnumStyle::Names).expect_err("the bytes are broken");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_writer_agrees_with_the_canonical_mapping() {
    let dynamic =
        DynamicMessage::decode(descriptor::<v1::Instance>(), instance().encode_to_vec().as_slice()).expect("a valid message");
    let canonical = serde_json::to_value(dynamic).expect("no Any inside");
    assert_eq!(rendered(&instance(), EnumStyle::Names), canonical);
}

#[test]
fn whole_sizes_are_written_without_a_fraction() {
    let config = v1::NodeConfig { size_gb: 13.0 };
    assert_eq!(to_json(&config, EnumStyle::Names).expect("no Any inside"), br#"{"sizeGb":13}"#);
}

#[test]
fn what_was_written_in_either_style_reads_back() {
    for style in [EnumStyle::Names, EnumStyle::Numbers] {
        let text = to_json(&instance(), style).expect("all types are known");
        assert_eq!(from_json::<v1::Instance>(&text).expect("own output"), instance());
        let done = operation(Some(operation::Result::Response(pack(&instance()))));
        let text = to_json(&done, style).expect("all types are known");
        assert_eq!(from_json::<Operation>(&text).expect("own output"), done);
    }
}

#[test]
fn both_key_spellings_and_all_number_spellings_are_read() {
    let read: v1::Instance = from_json(
        br#"{"shard_count": 3.0, "replicaCount": "2", "node_type": 4, "labels": {},
             "async_instance_endpoints_deletion_enabled": true, "serverCaMode":
             "SERVER_CA_MODE_GOOGLE_MANAGED_SHARED_CA", "endpoints": null}"#,
    )
    .expect("all of these are allowed");
    assert_eq!(
        read,
        v1::Instance {
            shard_count: 3,
            replica_count: Some(2),
            node_type: instance::NodeType::StandardSmall.into(),
            async_instance_endpoints_deletion_enabled: Some(true),
            server_ca_mode: Some(instance::ServerCaMode::GoogleManagedSharedCa.into()),
            ..v1::Instance::default()
        }
    );
}

#[test]
fn long_integers_are_strings_on_output_and_either_on_input() {
    let collection = v1::BackupCollection { total_backup_size_bytes: 9_007_199_254_740_993, ..v1::BackupCollection::default() };
    assert_eq!(rendered(&collection, EnumStyle::Names), json!({"totalBackupSizeBytes": "9007199254740993"}));
    for text in [r#"{"totalBackupSizeBytes": "9007199254740993"}"#, r#"{"totalBackupSizeBytes": 9007199254740993}"#] {
        let read: v1::BackupCollection = from_json(text.as_bytes()).expect("both are allowed");
        assert_eq!(read, collection);
    }
}

#[track_caller]
fn refusal<M: Message + Name + Default + std::fmt::Debug>(text: &str) -> String {
    from_json::<M>(text.as_bytes()).expect_err("the text is not acceptable").to_string()
}

#[test]
fn malformed_text_is_refused_with_line_and_column() {
    for (text, expected) in [
        ("", "malformed JSON at line 1, column 0: EOF while parsing a value"),
        ("{\n  \"shardCount\": 3,\n}", "malformed JSON at line 3, column 1: trailing comma"),
        ("{} {}", "malformed JSON at line 1, column 4: trailing characters"),
        ("{\"a\": nul}", "malformed JSON at line 1, column 10: expected ident"),
    ] {
        assert_eq!(refusal::<v1::Instance>(text), expected, "{text:?}");
    }
}

#[test]
fn an_ill_fitting_field_is_refused_with_its_path() {
    for (text, expected) in [
        ("[]", "expected an object, found a list"),
        (r#"{"shardCuont": 3}"#, "shardCuont: there is no field of this name; did you mean \"shardCount\"?"),
        (r#"{"colour": "red"}"#, "colour: there is no field of this name"),
        (
            r#"{"persistenceConfig": {"rdbConfig": {"period": 1}}}"#,
            "persistenceConfig.rdbConfig.period: there is no field of this name",
        ),
        (
            r#"{"shardCount": "three"}"#,
            "shardCount: expected a whole number from -2147483648 to 2147483647, \
          found the string \"three\"",
        ),
        (r#"{"shardCount": 2.5}"#, "shardCount: expected a whole number from -2147483648 to 2147483647, found 2.5"),
        (
            r#"{"replicaCount": 2147483648}"#,
            "replicaCount: expected a whole number from -2147483648 to 2147483647, found 2147483648",
        ),
        (
            r#"{"mode": "CLUSTERED"}"#,
            "mode: expected one of MODE_UNSPECIFIED, STANDALONE, CLUSTER, CLUSTER_DISABLED, \
          found the string \"CLUSTERED\"",
        ),
        (r#"{"mode": 3}"#, "mode: expected one of MODE_UNSPECIFIED, STANDALONE, CLUSTER, CLUSTER_DISABLED, found 3"),
        (r#"{"labels": ["a"]}"#, "labels: expected an object, found a list"),
        (r#"{"labels": {"team": 1}}"#, "labels[\"team\"]: expected a string, found 1"),
        (r#"{"endpoints": {}}"#, "endpoints: expected a list, found an object"),
        (
            r#"{"endpoints": [{"connections": [{}, {"pscAutoConnection": {"port": true}}]}]}"#,
            "endpoints[0].connections[1].pscAutoConnection.port: \
          expected a whole number from -2147483648 to 2147483647, found true",
        ),
        (
            r#"{"deletionProtectionEnabled": "yes"}"#,
            "deletionProtectionEnabled: expected true or false, found the string \"yes\"",
        ),
        (r#"{"engineVersion": 8}"#, "engineVersion: expected a string, found 8"),
        (
            r#"{"automatedBackupConfig": {"retention": "4 days"}}"#,
            "automatedBackupConfig.retention: expected a duration in seconds like \"86400s\", \
          found the string \"4 days\"",
        ),
        (r#"{"createTime": 5}"#, "createTime: expected a time like \"2026-01-31T15:00:00Z\", found 5"),
        (r#"{"shardCount": 1, "shard_count": 2}"#, "shard_count: the field is sent twice"),
        (
            r#"{"gcsSource": {}, "managedBackupSource": {}}"#,
            "managedBackupSource: only one of this field and \"gcsSource\" may be sent",
        ),
        (r#"{"nodeConfig": {"sizeGb": "big"}}"#, "nodeConfig.sizeGb: expected a number, found the string \"big\""),
    ] {
        assert_eq!(refusal::<v1::Instance>(text), expected, "{text}");
    }
}

#[test]
fn all_problems_of_a_text_are_told_at_once_up_to_a_limit() {
    assert_eq!(
        refusal::<v1::Instance>(r#"{"name": 1, "uid": 2}"#),
        "name: expected a string, found 1; uid: expected a string, found 2"
    );
    let nonsense: serde_json::Map<String, Value> = (0..1000).map(|key| (format!("x{key}"), json!(0))).collect();
    let Err(JsonError::Fields(problems)) = from_value::<v1::Instance>(Value::Object(nonsense)) else {
        panic!("unknown names were accepted");
    };
    assert_eq!(problems.len(), 20);
}

#[test]
fn an_any_is_read_by_the_type_it_names() {
    for (text, expected) in [
        (r#"{"metadata": {}}"#, "metadata: expected an object with a type URL in \"@type\", found an object"),
        (
            r#"{"metadata": {"@type": "type.googleapis.com/no.such.Type"}}"#,
            "metadata.@type: expected the URL of a type of this API, \
          found the string \"type.googleapis.com/no.such.Type\"",
        ),
        (
            r#"{"metadata": {"@type": "type.googleapis.com/google.rpc.Status", "code": "x"}}"#,
            "metadata.code: expected a whole number from -2147483648 to 2147483647, \
          found the string \"x\"",
        ),
    ] {
        assert_eq!(refusal::<Operation>(text), expected, "{text}");
    }
}

#[test]
fn a_quoted_value_is_cut_to_a_readable_length() {
    let message = refusal::<v1::Instance>(&format!(r#"{{"shardCount": "{}"}}"#, "9".repeat(5000)));
    assert!(message.len() < 200, "{message}");
}

#[test]
fn a_field_mask_is_written_in_camel_case() {
    let request = v1::UpdateInstanceRequest {
        update_mask: Some(field_mask("shard_count,persistence_config.rdb_config")),
        ..v1::UpdateInstanceRequest::default()
    };
    assert_eq!(rendered(&request, EnumStyle::Names), json!({"updateMask": "shardCount,persistenceConfig.rdbConfig"}));
}

//! Single calls of the harness: encode, call, decode, and turn error diagnostics into failures.
//!
//! Called by the harness. Invariant: each call goes through the same service code as over a socket.

use tfplugin_proto::tfplugin6::{self as wire, provider_server::Provider as _};
use tonic::Request;

use super::harness::Failure;
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::rpc::{Server, decode_diagnostics, decode_path, decode_value, encode_value};
use crate::value::{Object, Type, Value};

const IN_PROCESS: &str = "the service answers mistakes with diagnostics, never with a status";

pub(super) fn encode(object: Option<&Object>, ty: &Type) -> Result<Option<wire::DynamicValue>, Failure> {
    let value = object.map_or(Value::Null, |object| Value::Object(object.clone()));
    Ok(Some(encode_value(value, ty)?))
}

pub(super) fn decode(value: Option<&wire::DynamicValue>, ty: &Type) -> Result<Option<Object>, Failure> {
    Ok(decode_value(value, ty)?.as_object().cloned())
}

/// Warnings, or a failure if there is an error among the diagnostics.
pub(super) fn judge(diagnostics: &[wire::Diagnostic]) -> Result<Diagnostics, Failure> {
    let diagnostics = decode_diagnostics(diagnostics);
    if diagnostics.has_errors() { Err(diagnostics.into()) } else { Ok(diagnostics) }
}

fn capabilities() -> wire::ClientCapabilities {
    wire::ClientCapabilities { write_only_attributes_allowed: true, ..wire::ClientCapabilities::default() }
}

pub(super) async fn configure<P: Provider>(server: &Server<P>, config: &Object) -> Result<Diagnostics, Failure> {
    let config = encode(Some(config), server.provider_type())?;
    let validate = wire::validate_provider_config::Request { config: config.clone() };
    let judged = server.validate_provider_config(Request::new(validate)).await.expect(IN_PROCESS).into_inner();
    let mut warnings = judge(&judged.diagnostics)?;
    let configure = wire::configure_provider::Request {
        terraform_version: "1.15.5".to_owned(),
        config,
        client_capabilities: Some(capabilities()),
    };
    let configured = server.configure_provider(Request::new(configure)).await.expect(IN_PROCESS).into_inner();
    warnings.extend(judge(&configured.diagnostics)?);
    Ok(warnings)
}

pub(super) async fn validate<P: Provider>(server: &Server<P>, type_name: &str, config: &Object) -> Result<Diagnostics, Failure> {
    let request = wire::validate_resource_config::Request {
        type_name: type_name.to_owned(),
        config: encode(Some(config), &server.resource(type_name)?.ty)?,
        client_capabilities: Some(capabilities()),
    };
    let response = server.validate_resource_config(Request::new(request)).await.expect(IN_PROCESS).into_inner();
    judge(&response.diagnostics)
}

/// What a plan call is given.
pub(super) struct PlanArguments<'a> {
    pub(super) prior: Option<&'a Object>,
    pub(super) proposed: Option<&'a Object>,
    pub(super) config: Option<&'a Object>,
    pub(super) private: Vec<u8>,
}

/// What a plan call answers.
pub(super) struct Planned {
    pub(super) planned: Option<Object>,
    pub(super) replace: Vec<AttributePath>,
    pub(super) private: Vec<u8>,
    pub(super) warnings: Diagnostics,
}

pub(super) async fn plan<P: Provider>(server: &Server<P>, type_name: &str, given: PlanArguments<'_>) -> Result<Planned, Failure> {
    let ty = &server.resource(type_name)?.ty;
    let request = wire::plan_resource_change::Request {
        type_name: type_name.to_owned(),
        prior_state: encode(given.prior, ty)?,
        proposed_new_state: encode(given.proposed, ty)?,
        config: encode(given.config, ty)?,
        prior_private: given.private.into(),
        client_capabilities: Some(capabilities()),
        ..wire::plan_resource_change::Request::default()
    };
    let response = server.plan_resource_change(Request::new(request)).await.expect(IN_PROCESS).into_inner();
    let warnings = judge(&response.diagnostics)?;
    Ok(Planned {
        planned: decode(response.planned_state.as_ref(), ty)?,
        replace: response.requires_replace.iter().map(decode_path).collect(),
        private: response.planned_private.to_vec(),
        warnings,
    })
}

/// What an apply call answers; errors are left in the diagnostics, since a state may come along with them.
pub(super) struct Applied {
    pub(super) state: Option<Object>,
    pub(super) private: Vec<u8>,
    pub(super) diagnostics: Diagnostics,
}

pub(super) async fn apply<P: Provider>(
    server: &Server<P>,
    type_name: &str,
    prior: Option<&Object>,
    planned: Option<&Object>,
    config: Option<&Object>,
    private: Vec<u8>,
) -> Result<Applied, Failure> {
    let ty = &server.resource(type_name)?.ty;
    let request = wire::apply_resource_change::Request {
        type_name: type_name.to_owned(),
        prior_state: encode(prior, ty)?,
        planned_state: encode(planned, ty)?,
        config: encode(config, ty)?,
        planned_private: private.into(),
        ..wire::apply_resource_change::Request::default()
    };
    let response = server.apply_resource_change(Request::new(request)).await.expect(IN_PROCESS).into_inner();
    Ok(Applied {
        state: decode(response.new_state.as_ref(), ty)?,
        private: response.private.to_vec(),
        diagnostics: decode_diagnostics(&response.diagnostics),
    })
}

pub(super) async fn read<P: Provider>(
    server: &Server<P>,
    type_name: &str,
    state: &Object,
    private: Vec<u8>,
) -> Result<(Option<(Object, Vec<u8>)>, Diagnostics), Failure> {
    let ty = &server.resource(type_name)?.ty;
    let request = wire::read_resource::Request {
        type_name: type_name.to_owned(),
        current_state: encode(Some(state), ty)?,
        private: private.into(),
        ..wire::read_resource::Request::default()
    };
    let response = server.read_resource(Request::new(request)).await.expect(IN_PROCESS).into_inner();
    let warnings = judge(&response.diagnostics)?;
    Ok((decode(response.new_state.as_ref(), ty)?.map(|state| (state, response.private.to_vec())), warnings))
}

pub(super) async fn import<P: Provider>(server: &Server<P>, type_name: &str, id: &str) -> Result<(Object, Vec<u8>), Failure> {
    let ty = &server.resource(type_name)?.ty;
    let request = wire::import_resource_state::Request {
        type_name: type_name.to_owned(),
        id: id.to_owned(),
        ..wire::import_resource_state::Request::default()
    };
    let response = server.import_resource_state(Request::new(request)).await.expect(IN_PROCESS).into_inner();
    judge(&response.diagnostics)?;
    let [imported] = response.imported_resources.as_slice() else {
        return Err(Failure::rule("an import answers exactly one object"));
    };
    let state = decode(imported.state.as_ref(), ty)?.ok_or_else(|| Failure::rule("an imported object is not null"))?;
    Ok((state, imported.private.to_vec()))
}

pub(super) async fn upgrade<P: Provider>(
    server: &Server<P>,
    type_name: &str,
    version: i64,
    json: &str,
) -> Result<Object, Failure> {
    let request = wire::upgrade_resource_state::Request {
        type_name: type_name.to_owned(),
        version,
        raw_state: Some(wire::RawState { json: json.as_bytes().to_vec().into(), ..wire::RawState::default() }),
    };
    let response = server.upgrade_resource_state(Request::new(request)).await.expect(IN_PROCESS).into_inner();
    judge(&response.diagnostics)?;
    let upgraded = decode(response.upgraded_state.as_ref(), &server.resource(type_name)?.ty)?;
    upgraded.ok_or_else(|| Failure::rule("an upgraded state is not null"))
}

pub(super) async fn read_data<P: Provider>(server: &Server<P>, type_name: &str, config: &Object) -> Result<Object, Failure> {
    let ty = &server.data_source(type_name)?.ty;
    let config = encode(Some(config), ty)?;
    let validate = wire::validate_data_resource_config::Request { type_name: type_name.to_owned(), config: config.clone() };
    let judged = server.validate_data_resource_config(Request::new(validate)).await.expect(IN_PROCESS).into_inner();
    judge(&judged.diagnostics)?;
    let read =
        wire::read_data_source::Request { type_name: type_name.to_owned(), config, ..wire::read_data_source::Request::default() };
    let response = server.read_data_source(Request::new(read)).await.expect(IN_PROCESS).into_inner();
    judge(&response.diagnostics)?;
    decode(response.state.as_ref(), ty)?.ok_or_else(|| Failure::rule("a data source does not answer null"))
}

pub(super) async fn stop<P: Provider>(server: &Server<P>) {
    let request = Request::new(wire::stop_provider::Request::default());
    let stopped = server.stop_provider(request).await.expect(IN_PROCESS).into_inner();
    assert_eq!(stopped.error, "", "stopping does not fail");
}

//! PlanResourceChange: what a create, update or destroy will do.

use tfplugin_proto::tfplugin6::plan_resource_change::{Request, Response};

use super::entry::decode_private;
use super::values::encode_path;
use super::{ResourceEntry, Server};
use crate::consistency::{SelfCheck, check_planned};
use crate::diagnostic::Diagnostics;
use crate::plan::{open_dependents, plan_by_schema};
use crate::provider::Provider;
use crate::timeouts::Operation;
use crate::value::Object;

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(plan(server, request).await)
}

async fn plan<P: Provider>(server: &Server<P>, request: Request) -> Result<(Response, Diagnostics), Diagnostics> {
    let entry = server.resource(&request.type_name)?;
    let prior = entry.decode(request.prior_state.as_ref())?;
    match entry.decode(request.proposed_new_state.as_ref())? {
        None => plan_destroy(server, entry, prior.unwrap_or_default(), request).await,
        Some(proposed) => plan_change(server, entry, prior, proposed, request).await,
    }
}

async fn plan_destroy<P: Provider>(
    server: &Server<P>,
    entry: &ResourceEntry<P::Client>,
    prior: Object,
    request: Request,
) -> Result<(Response, Diagnostics), Diagnostics> {
    let cx = server.context(&entry.schema, Operation::Read, &prior)?;
    let diagnostics = entry.resource.plan_destroy(&cx, &prior).await;
    let response =
        Response { planned_state: Some(entry.encode(None)?), planned_private: request.prior_private, ..Response::default() };
    Ok((response, diagnostics))
}

async fn plan_change<P: Provider>(
    server: &Server<P>,
    entry: &ResourceEntry<P::Client>,
    prior: Option<Object>,
    proposed: Object,
    request: Request,
) -> Result<(Response, Diagnostics), Diagnostics> {
    let body = entry.schema.body();
    let config = entry.decode_present(request.config.as_ref(), "configuration")?;
    // Newer hosts send what the first plan remembered when they plan again at apply.
    let remembered = if request.planned_private.is_empty() { &request.prior_private } else { &request.planned_private };
    let private = decode_private(remembered)?;
    let cx = server.context(&entry.schema, Operation::Read, &proposed)?;
    let mut change = plan_by_schema(body, prior, config, proposed, private);
    let before = change.planned.clone();
    entry.resource.modify_plan(&cx, &mut change).await;
    if open_dependents(body, &before, &mut change) {
        entry.resource.modify_plan(&cx, &mut change).await;
    }

    change.planned = entry.conform(std::mem::take(&mut change.planned))?;
    let mut diagnostics = change.diagnostics().clone();
    if server.self_check == SelfCheck::Report && !diagnostics.has_errors() {
        let violations = check_planned(body, change.prior(), Some(change.config()), Some(&change.planned));
        entry.report("plan", &violations, &mut diagnostics);
    }
    let response = Response {
        requires_replace: change.replacements().iter().map(encode_path).collect(),
        planned_private: change.private.encode().into(),
        planned_state: Some(entry.encode(Some(change.planned))?),
        ..Response::default()
    };
    Ok((response, diagnostics))
}

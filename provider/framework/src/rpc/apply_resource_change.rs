//! ApplyResourceChange: creates, updates or deletes.
//!
//! Invariants: a failed create or update keeps what exists (its unknown parts as null); without that, the
//! prior state stays; a successful delete answers null.

use prost::bytes::Bytes;
use tfplugin_proto::tfplugin6::apply_resource_change::{Request, Response};

use super::entry::decode_private;
use super::{ResourceEntry, Server};
use crate::consistency::{SelfCheck, check_compatible, check_state};
use crate::diagnostic::Diagnostics;
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::{Create, Delete, Failed, NewState, Update};
use crate::schema::without_write_only;
use crate::timeouts::Operation;
use crate::value::{Object, Value};

pub(super) async fn answer<P: Provider>(server: &Server<P>, request: Request) -> Response {
    super::answer(apply(server, request).await)
}

type Outcome = Result<(Response, Diagnostics), Diagnostics>;

async fn apply<P: Provider>(server: &Server<P>, request: Request) -> Outcome {
    let entry = server.resource(&request.type_name)?;
    let prior = entry.decode(request.prior_state.as_ref())?;
    let planned = entry.decode(request.planned_state.as_ref())?;
    let private = decode_private(&request.planned_private)?;
    let Some(planned) = planned else {
        return delete(server, entry, prior.unwrap_or_default(), private).await;
    };
    let config = entry.decode_present(request.config.as_ref(), "configuration")?;
    let promised = planned.clone();
    let outcome = if let Some(prior) = prior {
        let cx = server.context(&entry.schema, Operation::Update, &planned)?;
        entry.resource.update(&cx, Update { prior, planned, config, private }).await
    } else {
        let cx = server.context(&entry.schema, Operation::Create, &planned)?;
        entry.resource.create(&cx, Create { planned, config, private }).await
    };
    match outcome {
        Ok(new) => succeeded(server, entry, &promised, new, request.planned_private),
        Err(failed) => failure(entry, failed, request.planned_private),
    }
}

async fn delete<P: Provider>(server: &Server<P>, entry: &ResourceEntry<P::Client>, prior: Object, private: Private) -> Outcome {
    let cx = server.context(&entry.schema, Operation::Delete, &prior)?;
    let warnings = entry.resource.delete(&cx, Delete { prior, private }).await?;
    Ok((Response { new_state: Some(entry.encode(None)?), ..Response::default() }, warnings))
}

fn succeeded<P: Provider>(
    server: &Server<P>,
    entry: &ResourceEntry<P::Client>,
    promised: &Object,
    new: NewState,
    planned_private: Bytes,
) -> Outcome {
    let body = entry.schema.body();
    let mut diagnostics = new.warnings;
    let object = without_write_only(body, entry.conform(new.state)?);
    if server.self_check == SelfCheck::Report {
        let mut violations = check_compatible(body, Some(promised), Some(&object));
        violations.extend(check_state(body, &object));
        entry.report("apply", &violations, &mut diagnostics);
    }
    let response = Response {
        new_state: Some(entry.encode(Some(object))?),
        private: new.private.map_or(planned_private, |private| private.encode().into()),
        ..Response::default()
    };
    Ok((response, diagnostics))
}

/// The answer of a failed create or update. Null, when nothing is left behind, makes Terraform keep what it had.
fn failure<C: Send + Sync>(entry: &ResourceEntry<C>, failed: Failed, planned_private: Bytes) -> Outcome {
    let mut diagnostics = failed.diagnostics;
    let (mut object, mut private) = (None, planned_private);
    if let Some(partial) = failed.partial {
        diagnostics.extend(partial.warnings);
        private = partial.private.map_or(private, |private| private.encode().into());
        let known = Value::Object(partial.state).with_unknown_as_null();
        object = known.as_object().cloned().map(|object| without_write_only(entry.schema.body(), object));
    }
    let new_state = Some(entry.encode(object)?);
    Ok((Response { new_state, private, ..Response::default() }, diagnostics))
}

//! Changing an instance.
//!
//! Owns the update operation. Invariants: one PATCH carries exactly the changed fields, none is sent when only
//! this provider's own attributes change, and after a failure the prior state stays until the next refresh.

use memorystore_proto::v1::UpdateInstanceRequest;
use prost_types::FieldMask;
use provider_framework::{Context, Failed, NewState, Update};
use uuid::Uuid;

use super::{outputs, read, request};
use crate::client::{Attempt, Client, Finished, interrupted};

pub(super) async fn update(cx: &Context<Client>, request: Update) -> Result<NewState, Failed> {
    let name = read::named(&request.planned)?;
    let full_name = name.to_string();
    let attempt = Attempt { verb: "update", name: &full_name };
    let stopped = |why, now| Failed::from(interrupted(attempt, why, "update", now));
    let paths = request::mask(&request);
    if !paths.is_empty() {
        tracing::info!(instance = full_name, fields = paths.join(","), "the daemon changes the instance");
        let instance = memorystore_proto::v1::Instance { name: full_name.clone(), ..request::instance(&request.planned)? };
        let message = UpdateInstanceRequest {
            update_mask: Some(FieldMask { paths }),
            instance: Some(instance),
            request_id: Uuid::new_v4().to_string(),
        };
        let sent = cx.run(cx.client().update_instance(message)).await;
        let sent = sent.map_err(|why| stopped(why, "the daemon may or may not have taken the change."))?;
        let operation = sent.map_err(|error| attempt.failed(&error))?;
        let waited = cx.run(cx.client().finished(operation)).await;
        let waited = waited.map_err(|why| stopped(why, "the daemon has taken the change and goes on with it."))?;
        match waited {
            Ok(Finished::Done) => {}
            Ok(Finished::Failed(error)) | Err(error) => return Err(attempt.failed(&error).into()),
        }
    }
    let mut state = request.planned;
    if state.values().all(provider_framework::Value::is_wholly_known) {
        return Ok(state.into());
    }
    let instance = cx.run(cx.client().instance(full_name.clone())).await;
    let instance = instance.map_err(|why| stopped(why, "it is changed, but could not be read."))?;
    let instance = instance.map_err(|error| Attempt { verb: "read", name: &full_name }.failed(&error))?;
    for (attribute, value) in outputs::show(&name, &instance, &state.clone()) {
        state.set_if_unknown(&attribute, value);
    }
    Ok(state.into())
}

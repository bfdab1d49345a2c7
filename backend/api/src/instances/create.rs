//! Accepting an instance.

use std::sync::Arc;

use memorystore_proto::{longrunning, v1};
use valkyard_model::{AdminSecret, ImportSource, InstanceName, NameError, OperationId, SCRATCH_PROJECT, Uid, Verb, validate};
use valkyard_store::CreateInstance;

use crate::convert::{Parent, fields, operation_message, refused, request_key};
use crate::instances::{maxmemory, restore, roles};
use crate::progress::message_when_accepted;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Validates the spec and durably accepts it; building the cluster is the reconciler's.
pub(crate) async fn create(state: &ApiState, request: v1::CreateInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, mut request: v1::CreateInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    let request_id = std::mem::take(&mut request.request_id);
    let key = request_key(&request_id, Verb::Create, &request)?;
    let name = name_of(&request)?;
    let asked = request.instance.unwrap_or_default();
    refused::refuse(&asked, |_| true)?;
    let platform = &state.platform;
    let now = platform.now();
    let mut draft = fields::draft(&asked, now).map_err(ApiError::Invalid)?;
    let primary = roles::primary_of(&state, &name, &asked).await?;
    if let Some(primary) = &primary {
        roles::take_over(&mut draft, &asked, primary);
    }
    let mut spec = validate(draft, &name.location, &platform.limits()).map_err(ApiError::Invalid)?;
    // What was accepted before is answered as before, also when its backup is gone by now.
    if let Some(key) = &key
        && let Some(earlier) = state.store.operation_of(key, now).await?
    {
        return Ok(operation_message(&earlier, message_when_accepted(&earlier)));
    }
    if let Some(primary) = &primary {
        roles::refuse_difference(&spec, primary)?;
        spec.import = Some(ImportSource::Primary(primary.name.clone()));
    }
    restore::refuse_what_cannot_be_restored(&state, &name, &spec).await?;
    let accepted = CreateInstance {
        name: name.clone(),
        uid: Uid(platform.random_uuid()),
        maxmemory: maxmemory(&platform.memory(), &spec),
        spec,
        follow: primary.as_ref().map(roles::follow),
        secret: AdminSecret::from_random(platform.random()),
        address_plan: platform.address_plan(),
        operation_id: OperationId::new(now, platform.random_uuid()),
        request: key,
        at: platform.calendar(),
        now,
    };
    let machine = Arc::clone(platform);
    let operation = state.store.create_instance(accepted, move |address| machine.address_is_free(address)).await?;
    state.supervisor.look_again(name).await;
    if let Some(primary) = primary {
        state.supervisor.look_again(primary.name).await;
    }
    state.keeper.look_again();
    Ok(operation_message(&operation, message_when_accepted(&operation)))
}

fn name_of(request: &v1::CreateInstanceRequest) -> Result<InstanceName, ApiError> {
    let Parent { project, location } = Parent::parse("parent", &request.parent)?;
    if project.as_str() == SCRATCH_PROJECT {
        let text = format!("project {project} is the daemon's own, for instances that backups are verified with; choose another");
        return Err(ApiError::invalid("parent", text));
    }
    let instance = request.instance_id.parse();
    let instance = instance.map_err(|error: NameError| ApiError::invalid("instance_id", error.to_string()))?;
    Ok(InstanceName { project, location, instance })
}

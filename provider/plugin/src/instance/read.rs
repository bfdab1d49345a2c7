//! Looking at an instance.
//!
//! Called on every refresh and after an import. Invariant: what is shown is what the daemon says now; only
//! `timeouts`, which it does not know, the sources of the first data and the choice of labels come from the prior state.

use provider_framework::{Context, Diagnostics, Found, NewState, Object, Read};

use super::{InstanceName, outputs, source};
use crate::client::{Attempt, Client, Subject};

pub(super) async fn read(cx: &Context<Client>, request: Read) -> Result<Found, Diagnostics> {
    let name = named(&request.state)?;
    let full_name = name.to_string();
    match cx.run(cx.client().instance(full_name.clone())).await? {
        Ok(instance) => {
            let mut state = outputs::show(&name, &instance, &request.state);
            state.set("timeouts", request.state.value("timeouts").clone());
            source::keep(&mut state, &request.state);
            let mut private = request.private;
            if request.state.value("name").is_null() {
                source::remember(&mut private, &instance);
            }
            Ok(NewState::from(state).private(private).into())
        }
        Err(error) if error.is_not_found() => Ok(Found::Gone(Diagnostics::new())),
        Err(error) => Err(Attempt { verb: "read", subject: Subject::Instance, name: &full_name }.failed(&error)),
    }
}

/// The name by the attributes of a plan or state.
pub(super) fn named(object: &Object) -> Result<InstanceName, Diagnostics> {
    Ok(InstanceName {
        project: object.read("project")?,
        location: object.read("location")?,
        instance_id: object.read("instance_id")?,
    })
}

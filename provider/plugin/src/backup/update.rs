//! Changing what is wanted of a backup.
//!
//! Invariant: a backup itself never changes; switching `verify` on proves the one that is there, unless it was proved
//! before.

use provider_framework::{Context, Failed, NewState, Update};

use super::{attempt, details, proof, read};
use crate::client::Client;

pub(super) async fn update(cx: &Context<Client>, request: Update) -> Result<NewState, Failed> {
    let name = read::named(&request.prior)?;
    let mut state = request.planned.clone();
    if request.changes("verify") {
        let full_name = name.to_string();
        let looked = cx.run(cx.client().backup(full_name.clone())).await?;
        let mut backup = looked.map_err(|error| attempt("read", &full_name).failed(&error))?;
        if state.value("verify").as_bool() == Some(true) && !details::passed(&backup) {
            backup = proof::prove(cx, &name, "update").await?;
        }
        for (attribute, value) in details::show(&name, &backup) {
            state.set_if_unknown(&attribute, value);
        }
    }
    Ok(state.into())
}

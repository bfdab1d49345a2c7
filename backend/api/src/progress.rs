//! Where a running operation stands: told by the loop of its instance, or by the keeper of backups. Read by people while they
//! wait, so it is whatever was found last; whether an operation is done is the store's to say.

use valkyard_keeper::Moved;
use valkyard_model::{Operation, OperationState, OperationTarget, Verb};
use valkyard_reconciler::InstanceView;

use crate::ApiState;
use crate::bytes::share;
use crate::waiting::{Amounts, joined, told};

/// What is said of an operation that nobody has begun to work on.
const ACCEPTED: &str = "accepted";

/// Where an operation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What it waits for, the most telling first; nothing once it has ended. Amounts are in `moved` where that is there.
    pub(crate) steps: Vec<String>,
    /// The same in one sentence, with amounts: `OperationMetadata.status_message`.
    pub(crate) message: String,
    /// How much data it has moved; nothing for one that moves none, or has not begun.
    pub(crate) moved: Option<Moved>,
}

impl Progress {
    /// Asks whoever works on it.
    pub(crate) async fn of(state: &ApiState, operation: &Operation) -> Self {
        match (&operation.state, &operation.target) {
            (OperationState::Succeeded { .. } | OperationState::Failed { .. }, _) => Self::default(),
            (OperationState::Running, OperationTarget::Instance(name)) => {
                Self::by_loop(operation, state.supervisor.view(name.clone()).await.as_ref())
            }
            (OperationState::Running, OperationTarget::Backup(_)) => Self::by_keeper(state.keeper.doing(&operation.id)),
        }
    }

    fn accepted() -> Self {
        Self::plain(vec![ACCEPTED.to_owned()])
    }

    fn plain(steps: Vec<String>) -> Self {
        Self { message: joined(&steps), steps, moved: None }
    }

    fn by_loop(operation: &Operation, view: Option<&InstanceView>) -> Self {
        let Some(view) = view.filter(|view| knows(view, operation)) else { return Self::accepted() };
        let told = |amounts| told(&view.waiting_on, &view.conditions, amounts);
        match moved(operation.verb, view) {
            None => Self::plain(told(Amounts::Inside)),
            moved => Self { steps: told(Amounts::Beside), message: joined(&told(Amounts::Inside)), moved },
        }
    }

    fn by_keeper(doing: Option<(String, Moved)>) -> Self {
        let Some((words, moved)) = doing else { return Self::accepted() };
        if moved == Moved::default() {
            return Self::plain(vec![words]);
        }
        let message = format!("{words} ({})", share(moved.bytes, moved.bytes_total));
        Self { steps: vec![words], message, moved: Some(moved) }
    }
}

/// The message of an operation that was accepted just now; empty if it is an earlier one that has ended.
pub(crate) fn message_when_accepted(operation: &Operation) -> String {
    match operation.state {
        OperationState::Running => ACCEPTED.to_owned(),
        OperationState::Succeeded { .. } | OperationState::Failed { .. } => String::new(),
    }
}

/// A look at an older generation, or from before the backup was asked for, says nothing about this request.
fn knows(view: &InstanceView, operation: &Operation) -> bool {
    match operation.verb {
        Verb::Backup => view.desired.backup.as_ref().is_some_and(|order| order.accepted_at >= operation.create_time),
        Verb::Create | Verb::Update | Verb::Delete | Verb::Export | Verb::Verify => view.generation >= operation.generation,
    }
}

fn moved(verb: Verb, view: &InstanceView) -> Option<Moved> {
    match verb {
        Verb::Backup => {
            let order = view.desired.backup.as_ref()?;
            let run = view.observed.backup.as_ref().filter(|run| run.backup == order.uid)?;
            Some(Moved { bytes: run.bytes, ..Moved::default() })
        }
        Verb::Create => {
            let run = view.observed.import.as_ref()?;
            Some(Moved { bytes: run.bytes, bytes_total: run.bytes_total, keys: run.keys, keys_total: 0 })
        }
        Verb::Update | Verb::Delete | Verb::Export | Verb::Verify => None,
    }
}

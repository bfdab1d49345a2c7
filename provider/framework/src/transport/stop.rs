//! The host's wish to stop work in flight.
//!
//! Raised by the provider's `StopProvider` and at the end of the process; watched by every operation that can take
//! long. It cancels work only: the server keeps answering, and work begun after a stop is not affected by it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// Cancels the work of the moment. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    current: Arc<Mutex<CancellationToken>>,
}

impl StopSignal {
    /// The token for one piece of work: cancelled by the next [`stop`](Self::stop).
    pub fn token(&self) -> CancellationToken {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).child_token()
    }

    /// Cancels all work begun so far and gets ready for work to come.
    pub fn stop(&self) {
        let stopped = mem::take(&mut *self.current.lock().unwrap_or_else(PoisonError::into_inner));
        stopped.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_cancels_work_begun_before_it_and_none_after_it() {
        let signal = StopSignal::default();
        let before = signal.token();
        signal.clone().stop();
        let after = signal.token();
        assert!(before.is_cancelled());
        assert!(!after.is_cancelled());
        signal.stop();
        assert!(after.is_cancelled());
    }
}

//! File calls off the runtime's own threads: they may take as long as a disk takes.

/// Runs `work` on a thread for such calls.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        // Nobody aborts such a task, so it can only have panicked.
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    }
}

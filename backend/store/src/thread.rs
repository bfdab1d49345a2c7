//! The threads that own the database connections, and the queues that lead to them.
//!
//! One connection writes; where the database is a file, a second one reads, so that a read never waits behind the sync of
//! a commit (WAL: it sees the last commit). A request in a queue is carried out even if its caller stops waiting.

use std::error::Error;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{DatabaseError, StoreError};
use crate::session::Session;

/// Requests that may wait for a connection. A commit takes milliseconds, so a full queue is about a second of waiting;
/// callers then wait in `send`.
const QUEUE_LENGTH: usize = 256;

/// Why joining a thread cannot fail.
const NEVER_PANICS: &str = "a database thread runs only this crate's commands, which do not panic";

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// The way to one connection.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
}

impl Queue {
    /// Starts a thread that owns the connection until the last clone of the queue is dropped and the thread it outlives has
    /// ended: the connection that closes last leaves one self-contained file behind, which only a writing one can.
    pub(crate) fn start(
        name: &str,
        mut session: Session,
        outlives: Option<JoinHandle<()>>,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(QUEUE_LENGTH);
        let run = move || {
            while let Some(job) = waiting.blocking_recv() {
                job(&mut session);
            }
            if let Some(thread) = outlives {
                thread.join().expect(NEVER_PANICS);
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(StoreError::Thread)?;
        Ok((Self { jobs }, thread))
    }

    /// Carries out a read.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, DatabaseError> + Send + 'static,
    {
        self.submit(move |session| query(session.connection())).await
    }

    /// Carries out a write: everything the command did is committed, or nothing when it returns an error.
    pub(crate) async fn write<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.submit(move |session| session.transact(command)).await
    }

    /// Carries out a write that lets work end: on a full disk it may use the reserve. Committed like [`Self::write`].
    pub(crate) async fn write_way_out<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Error + Send + 'static,
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.submit(move |session| session.transact_way_out(command)).await
    }

    async fn submit<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |session| {
            // The caller may have stopped waiting: the work counts, its answer does not.
            let _ = reply.send(work(session));
        });
        self.jobs.send(job).await.map_err(|_| DatabaseError::Closed)?;
        answer.await.map_err(|_| DatabaseError::Closed)?
    }
}

/// The threads of a store. They end when the last [`crate::Store`] is dropped; dropping this does not end them.
#[derive(Debug)]
pub struct StoreThreads {
    last: JoinHandle<()>,
}

impl StoreThreads {
    pub(crate) fn new(last: JoinHandle<()>) -> Self {
        Self { last }
    }

    /// Waits until the connections are closed. Blocks: call it from a thread that may.
    ///
    /// # Panics
    /// When a database thread panicked.
    pub fn join(self) {
        self.last.join().expect(NEVER_PANICS);
    }
}

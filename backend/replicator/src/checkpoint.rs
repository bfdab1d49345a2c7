//! The point that a target carries, as a library of functions: that is replicated and persisted with the data, and is none.
//!
//! Written in the same transaction as the writes it covers, so that a target says by itself, whatever happened to it, how much of
//! its source's history it holds. The reasons for a library, and what it costs, are in docs/adr/0006.

use std::fmt::Write as _;

use valkyard_engine::{LinkError, NodeLink};
use valkyard_model::ReplicationPoint;

use crate::link::Endpoint;
use crate::status::SeedReason;

/// Name of the library and of its only function. Reserved: what a source does to a library of this name stays there.
pub(crate) const LIBRARY: &str = "valkyard_replication";
/// How the text of a checkpoint begins; another number stands for another form.
const FORM: &str = "v1";
/// What is kept of an engine's complaint.
const COMPLAINT_CHARS_MAX: usize = 200;

/// Why a checkpoint could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The node did not do what was asked.
    #[error("failed to reach the node's checkpoint")]
    Node {
        /// The cause.
        #[source]
        source: LinkError,
    },
    /// What the node holds under the checkpoint's name is none.
    #[error("the node's checkpoint cannot be read: {text:?}")]
    Unreadable {
        /// What stands there.
        text: String,
    },
}

/// What a target knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The point of the data that it was seeded with, if it was.
    pub(crate) seed: Option<ReplicationPoint>,
    /// What it holds now.
    pub(crate) at: ReplicationPoint,
    /// The database that the source's next write is for.
    pub(crate) database: u32,
    /// The engine's complaint, when it failed to carry out what its source had: it is no copy any more.
    pub(crate) complaint: Option<String>,
}

impl Checkpoint {
    pub(crate) fn at(point: ReplicationPoint) -> Self {
        Self { seed: None, at: point, database: 0, complaint: None }
    }

    /// The library that says it.
    pub(crate) fn code(&self) -> String {
        let Self { seed, at, database, complaint } = self;
        let mut code = format!("#!lua name={LIBRARY}\nredis.register_function('{LIBRARY}', function() return '{FORM} at=");
        write_point(&mut code, at);
        code.push_str(" seed=");
        match seed {
            None => code.push('-'),
            Some(seed) => write_point(&mut code, seed),
        }
        // Writing to a string does not fail.
        write!(code, " db={database}").unwrap_or_default();
        if let Some(complaint) = complaint {
            code.push_str(" complaint=");
            let harmless = |letter: &char| letter.is_ascii_graphic() && !"'\\".contains(*letter) || *letter == ' ';
            code.extend(complaint.chars().filter(harmless).take(COMPLAINT_CHARS_MAX));
        }
        code.push_str("' end)");
        code
    }

    /// Reads such a library.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let (_, quoted) = code.split_once("return '")?;
        let text = quoted.strip_suffix("' end)")?.strip_prefix(FORM)?;
        let (fields, complaint) = match text.split_once(" complaint=") {
            Some((fields, complaint)) => (fields, Some(complaint.to_owned())),
            None => (text, None),
        };
        let field = |name: &str| fields.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let seed = match field("seed")? {
            "-" => None,
            seed => Some(parse_point(seed)?),
        };
        Some(Self { seed, at: parse_point(field("at")?)?, database: field("db")?.parse().ok()?, complaint })
    }
}

fn write_point(code: &mut String, point: &ReplicationPoint) {
    // Writing to a string does not fail.
    write!(code, "{}:{}", point.replication_id, point.offset).unwrap_or_default();
}

fn parse_point(text: &str) -> Option<ReplicationPoint> {
    let (id, offset) = text.split_once(':')?;
    let is_id = id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let replication_id = is_id.then(|| id.to_owned())?;
    Some(ReplicationPoint { replication_id, offset: offset.parse().ok()? })
}

/// Where a target goes on, from what it carries and what the request says of its seed. Pure.
pub(crate) fn position(carried: Option<Checkpoint>, start: Option<&ReplicationPoint>) -> Result<Checkpoint, SeedReason> {
    let of_this_seed = |carried: &Checkpoint| start.is_none() || carried.seed.as_ref() == start;
    match (carried.filter(of_this_seed), start) {
        (Some(Checkpoint { complaint: Some(message), .. }), _) => Err(SeedReason::Diverged { message }),
        (Some(carried), _) => Ok(carried),
        (None, Some(start)) => Ok(Checkpoint { seed: Some(start.clone()), ..Checkpoint::at(start.clone()) }),
        (None, None) => Err(SeedReason::NoPoint),
    }
}

/// What a node carries.
pub(crate) async fn carried_by(node: &mut NodeLink) -> Result<Option<Checkpoint>, CheckpointError> {
    let code = node.library(LIBRARY).await.map_err(|source| CheckpointError::Node { source })?;
    code.map(|code| Checkpoint::parse(&code).ok_or(CheckpointError::Unreadable { text: code })).transpose()
}

/// The point of its source's history that a node holds; `None` when it is no copy.
///
/// # Errors
/// See [`CheckpointError`].
pub async fn read_checkpoint(node: &Endpoint) -> Result<Option<ReplicationPoint>, CheckpointError> {
    let mut node = connect(node).await?;
    Ok(carried_by(&mut node).await?.map(|carried| carried.at))
}

/// Says of a node that it holds this point: for a former source that becomes a target with the data it has.
///
/// # Errors
/// See [`CheckpointError`].
pub async fn write_checkpoint(node: &Endpoint, point: &ReplicationPoint) -> Result<(), CheckpointError> {
    let code = Checkpoint { seed: Some(point.clone()), ..Checkpoint::at(point.clone()) }.code();
    connect(node).await?.load_library(&code).await.map_err(|source| CheckpointError::Node { source })
}

/// Sees to it that a node keeps its history, so that a copy of the data that it holds now can follow it from the point that is
/// returned: for a target that becomes a source, while nobody writes. A node that never had a replica keeps none, and its history
/// gets another name.
///
/// # Errors
/// See [`CheckpointError`].
pub async fn ensure_history(node: &Endpoint) -> Result<ReplicationPoint, CheckpointError> {
    let mut link = connect(node).await?;
    let seen = link.history().await.map_err(|source| CheckpointError::Node { source })?;
    if seen.is_kept {
        return Ok(seen.point);
    }
    link.begin_history().await.map_err(|source| CheckpointError::Node { source })
}

/// Removes the point, for a node that is to be nobody's copy any more.
///
/// # Errors
/// See [`CheckpointError`].
pub async fn clear_checkpoint(node: &Endpoint) -> Result<(), CheckpointError> {
    connect(node).await?.delete_library(LIBRARY).await.map_err(|source| CheckpointError::Node { source })
}

async fn connect(node: &Endpoint) -> Result<NodeLink, CheckpointError> {
    NodeLink::connect(node.address, &node.secret).await.map_err(|source| CheckpointError::Node { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(offset: u64) -> ReplicationPoint {
        ReplicationPoint { replication_id: "0123456789abcdef0123456789abcdef01234567".to_owned(), offset }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let plain = Checkpoint { database: 3, ..Checkpoint::at(point(7)) };
        let seeded = Checkpoint { seed: Some(point(5)), ..plain.clone() };
        let complaining = Checkpoint { complaint: Some("WRONGTYPE at=x db=9".to_owned()), ..seeded.clone() };
        for checkpoint in [plain, seeded, complaining] {
            assert_eq!(Checkpoint::parse(&checkpoint.code()), Some(checkpoint));
        }
        assert_eq!(Checkpoint::parse("#!lua name=valkyard_replication\nsomething"), None);
    }

    #[test]
    fn a_complaint_cannot_end_its_quotation() {
        let complaint = Some("ERR 'x' \\ \n end) os.exit()".to_owned());
        let code = Checkpoint { complaint, ..Checkpoint::at(point(7)) }.code();
        assert_eq!(code.matches('\'').count(), 4);
        assert_eq!(code.lines().count(), 2);
        assert!(Checkpoint::parse(&code).expect("reads").complaint.expect("is kept").starts_with("ERR x"));
    }

    #[test]
    fn what_a_target_carries_counts_if_it_descends_from_the_seed() {
        let carried = Checkpoint { seed: Some(point(5)), ..Checkpoint::at(point(9)) };
        assert_eq!(position(Some(carried.clone()), None), Ok(carried.clone()));
        assert_eq!(position(Some(carried.clone()), Some(&point(5))), Ok(carried.clone()));
        let anew = Checkpoint { seed: Some(point(6)), ..Checkpoint::at(point(6)) };
        assert_eq!(position(Some(carried.clone()), Some(&point(6))), Ok(anew.clone()));
        assert_eq!(position(None, Some(&point(6))), Ok(anew));
        assert_eq!(position(None, None), Err(SeedReason::NoPoint));
        let diverged = Checkpoint { complaint: Some("ERR".to_owned()), ..carried };
        let reason = SeedReason::Diverged { message: "ERR".to_owned() };
        assert_eq!(position(Some(diverged.clone()), Some(&point(5))), Err(reason));
        assert!(position(Some(diverged), Some(&point(6))).is_ok(), "it was seeded anew since");
    }
}

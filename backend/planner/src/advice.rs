//! What a person can do about a cause, as a part of a sentence. Shared by everything that gives something up for it.

/// For [`valkyard_model::FaultKind::DiskFull`].
pub(crate) const MAKE_ROOM: &str = "free disk space, or raise the quota or the limit of file sizes";

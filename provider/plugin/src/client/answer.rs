//! API errors in words for the person who runs Terraform.
//!
//! Owns the translation of [`ApiError`] and [`Interrupted`] into diagnostics. Resources call it with what they
//! attempted. Invariants: each text says what was attempted, why it failed and what to do; a missing daemon is
//! one diagnostic; a field violation points at the attribute that the field comes from.

use provider_framework::{AttributePath, Diagnostic, Diagnostics, Interrupted};
use tonic::{Code, Status};

use super::error::causes;
use super::{ApiError, OUTAGE_GRACE};

/// What something is attempted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Instance,
    Backup,
    BackupPolicy,
}

impl Subject {
    fn noun(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Backup => "backup",
            Self::BackupPolicy => "backup policy",
        }
    }

    /// The attribute that tells one from another.
    fn key(self) -> &'static str {
        match self {
            Self::Instance => "instance_id",
            Self::Backup => "backup_id",
            Self::BackupPolicy => "instance",
        }
    }

    /// Where a person sees which there are.
    fn where_listed(self) -> &'static str {
        match self {
            Self::Instance | Self::BackupPolicy => "in the output of\n\n  valkyard status\n\n",
            Self::Backup => "with the data source `valkyard_backups`. ",
        }
    }
}

/// What was attempted: "create" with the full name of an instance, for example.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) verb: &'static str,
    pub(crate) subject: Subject,
    pub(crate) name: &'a str,
}

impl Attempt<'_> {
    fn summary(self) -> String {
        format!("Cannot {} {}", self.verb, self.subject.noun())
    }

    /// The error as diagnostics.
    pub(crate) fn failed(self, error: &ApiError) -> Diagnostics {
        match error {
            ApiError::EndpointUnknown => Diagnostic::error("The daemon's endpoint is not known yet")
                .detail(format!(
                    "To {} {}, the provider has to call the daemon, but `endpoint` of the provider block is known only \
                     after apply. Apply what it depends on first (`terraform apply -target=…`), or use a value that is \
                     known.",
                    self.verb, self.name
                ))
                .into(),
            ApiError::Unreachable { endpoint, cause } => Diagnostic::error("No Valkyard daemon")
                .detail(format!(
                    "Nobody answers at {endpoint} ({}), so the provider cannot {} {}.\n\n\
                     Start the daemon on this machine with\n\n  valkyard serve\n\n\
                     or, if it runs elsewhere, set `endpoint` in the provider block or VALKYARD_ENDPOINT.",
                    root_cause(cause),
                    self.verb,
                    self.name
                ))
                .into(),
            ApiError::ConnectionLost { endpoint, cause } => Diagnostic::error("No answer from the Valkyard daemon")
                .detail(format!(
                    "The connection to {endpoint} broke while the provider tried to {} {} ({}). If the daemon was \
                     restarted, run the same command again. If this repeats, it may have been stopped in its tracks (SIGSTOP), \
                     or something other than a Valkyard daemon may listen there: `valkyard status` shows whether one answers.",
                    self.verb,
                    self.name,
                    root_cause(cause)
                ))
                .into(),
            ApiError::Silent { endpoint, limit } => Diagnostic::error("No answer from the Valkyard daemon")
                .detail(format!(
                    "{endpoint} takes connections but did not answer for {} s and longer, so the provider cannot {} {}. The \
                     daemon may have been stopped in its tracks (SIGSTOP), or its machine may be short of everything: \
                     `valkyard status` shows whether it answers by now. Run the same command again when it does.",
                    limit.as_secs(),
                    self.verb,
                    self.name
                ))
                .into(),
            ApiError::Refused { violations, .. } if !violations.is_empty() => {
                violations.iter().map(|violation| self.violated(&violation.field, &violation.description)).collect()
            }
            ApiError::Refused { code, message, .. } => self.refused(*code, message).into(),
        }
    }

    /// A creation of which nobody knows whether the daemon took it, after an outage of [`OUTAGE_GRACE`].
    pub(crate) fn unanswered(self, error: &ApiError) -> Diagnostics {
        let why = match error {
            ApiError::Unreachable { endpoint, cause } | ApiError::ConnectionLost { endpoint, cause } => {
                format!("{endpoint}: {}", root_cause(cause))
            }
            ApiError::Silent { .. } | ApiError::Refused { .. } | ApiError::EndpointUnknown => error.to_string(),
        };
        let detail = format!(
            "The connection to the daemon broke before it answered the request to {} {}, and for {} s it gave no answer to \
             the same request sent again ({why}). {}",
            self.verb,
            self.name,
            OUTAGE_GRACE.as_secs(),
            self.may_exist()
        );
        Diagnostic::error("No answer from the Valkyard daemon").detail(detail).into()
    }

    /// What is true after a creation without an answer, and how to go on.
    pub(crate) fn may_exist(self) -> String {
        format!(
            "The request may or may not have been accepted, so nothing was put into the state.\n\n\
             With the daemon running (`valkyard serve`), look for the {} {}\
             If it is not there, apply again. If it is there, somebody else may have made it; if it is yours, take it into \
             the state with\n\n  terraform import <address of this resource> {}\n\n\
             If `valkyard status` finds no daemon, something else may listen at `endpoint`.",
            self.subject.noun(),
            self.subject.where_listed(),
            self.name
        )
    }

    fn violated(self, field: &str, description: &str) -> Diagnostic {
        let detail = format!("The daemon refused to {} {}: {description}", self.verb, self.name);
        match attribute_of(field) {
            Some(path) => Diagnostic::error(self.summary()).detail(format!("{detail} (`{path}`)")).at(path),
            None => Diagnostic::error(self.summary()).detail(format!("{detail} (field `{field}`)")),
        }
    }

    fn refused(self, code: Code, message: &str) -> Diagnostic {
        let advice = match code {
            Code::AlreadyExists => format!(
                "\n\nIf it should be managed here, import it with\n\n  terraform import <address of this resource> {}\n\n\
                 Otherwise choose another `{}`.",
                self.name,
                self.subject.key()
            ),
            Code::ResourceExhausted => {
                "\n\nFree some by destroying instances, or give the daemon more; then apply again.".to_owned()
            }
            Code::Unimplemented => "\n\nThis version of the daemon cannot do it; a newer one may.".to_owned(),
            Code::Unauthenticated | Code::PermissionDenied => {
                "\n\nCheck that `endpoint` leads to the daemon that you mean.".to_owned()
            }
            Code::Internal | Code::Unknown | Code::DataLoss => "\n\nThe daemon's log has more.".to_owned(),
            Code::Ok
            | Code::Cancelled
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable => String::new(),
        };
        let detail = format!("The daemon refused to {} {}: {message} ({code:?}){advice}", self.verb, self.name);
        let diagnostic = Diagnostic::error(self.summary()).detail(detail);
        if code == Code::AlreadyExists { diagnostic.at(self.subject.key()) } else { diagnostic }
    }
}

/// Why a wait ended early, with what is true now.
pub(crate) fn interrupted(attempt: Attempt<'_>, why: Interrupted, timeout: &str, now: &str) -> Diagnostic {
    let Attempt { verb, subject, name } = attempt;
    let noun = subject.noun();
    let (summary, reason) = match why {
        Interrupted::Cancelled => (format!("Stopped on the way to {verb} the {noun}"), "Terraform was asked to stop".to_owned()),
        Interrupted::TimedOut { .. } => {
            (format!("Timeout on the way to {verb} the {noun}"), format!("{why}; `timeouts.{timeout}` sets it"))
        }
    };
    Diagnostic::error(summary).detail(format!("{reason}. {name}: {now}"))
}

fn root_cause(status: &Status) -> String {
    causes(status).last().map_or_else(|| status.message().to_owned(), |cause| cause.to_string())
}

/// The attribute that a field of a request comes from: `instance.shard_count` and `instance.shardCount` are
/// `shard_count`, the parent is the location.
fn attribute_of(field: &str) -> Option<AttributePath> {
    let snake = snake_case(field);
    let path = snake.strip_prefix("instance.").unwrap_or(&snake);
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (first, rest) {
        ("parent", None) => Some("location".into()),
        ("zone_distribution_config", Some(part @ ("mode" | "zone"))) => Some(AttributePath::new(first).attribute(part)),
        ("automated_backup_config", Some("retention")) => Some("retention".into()),
        ("automated_backup_config", _) => Some("start_hour".into()),
        ("persistence_config" | "managed_backup_source" | "gcs_source", Some(rest)) => {
            Some(rest.split('.').fold(AttributePath::new(first), |path, part| path.attribute(part)))
        }
        ("engine_configs" | "labels", Some(key)) => Some(AttributePath::new(first).key(key)),
        (
            "instance_id"
            | "shard_count"
            | "replica_count"
            | "node_type"
            | "engine_version"
            | "engine_configs"
            | "zone_distribution_config"
            | "persistence_config"
            | "deletion_protection_enabled"
            | "labels"
            | "managed_backup_source"
            | "gcs_source"
            | "backup_id"
            | "ttl",
            _,
        ) => Some(first.into()),
        _ => None,
    }
}

/// Keys of maps follow a known field name and are left as they are.
fn snake_case(field: &str) -> String {
    let mut snake = String::with_capacity(field.len());
    for c in field.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lead_to_the_attributes_they_come_from() {
        let path = |field| attribute_of(field).map(|path| path.to_string());
        assert_eq!(path("instance.shard_count").as_deref(), Some("shard_count"));
        assert_eq!(path("instance.shardCount").as_deref(), Some("shard_count"));
        assert_eq!(path("instance_id").as_deref(), Some("instance_id"));
        assert_eq!(path("instance.zoneDistributionConfig.zone").as_deref(), Some("zone_distribution_config.zone"));
        assert_eq!(path("instance.engine_configs.maxmemory-policy").as_deref(), Some("engine_configs[\"maxmemory-policy\"]"));
        let fsync = "persistence_config.aof_config.append_fsync";
        assert_eq!(path("instance.persistence_config.aof_config.append_fsync").as_deref(), Some(fsync));
        assert_eq!(path("instance.managedBackupSource.backup").as_deref(), Some("managed_backup_source.backup"));
        let hours = "instance.automated_backup_config.fixed_frequency_schedule.start_time.hours";
        assert_eq!(path(hours).as_deref(), Some("start_hour"));
        assert_eq!(path("instance.automatedBackupConfig.retention").as_deref(), Some("retention"));
        assert_eq!(path("backupId").as_deref(), Some("backup_id"));
        assert_eq!(path("parent").as_deref(), Some("location"));
        assert_eq!(path("request_id"), None);
        assert_eq!(path(""), None);
    }
}

//! Asking a node for everything that makes an `EngineSeen`.

use valkyard_model::{Access, BinaryVersion, EngineConfigKey, EngineSeen};

use super::{LOOK, LinkError, NodeLink, Reply, Request};
use crate::report::{PART_SETTINGS, PERSISTENCE_SETTINGS, Reports, SINCE_ATOMIC_MIGRATION, engine_seen};

/// How an engine that loads its data begins its refusals.
const LOADING: &str = "LOADING";
/// Sections of INFO that are read; each costs the engine some microseconds.
const INFO_SECTIONS: [&str; 5] = ["replication", "server", "persistence", "memory", "keyspace"];

/// Asks whether clients may write; carries nothing out.
const WRITE_OF_A_CLIENT: [&str; 6] = ["ACL", "DRYRUN", "default", "SET", "k", "v"];

const MIGRATIONS: [&str; 2] = ["CLUSTER", "GETSLOTMIGRATIONS"];

impl NodeLink {
    /// Asks the node for its view, in one round trip; the first time in two, because an engine older than 9.0 does not know
    /// what it is asked of migrations.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn observe(&mut self) -> Result<EngineSeen, LinkError> {
        let mut request = Request::default();
        // First: what it tells of its history is then the end of it, if nobody can write.
        request.add(&WRITE_OF_A_CLIENT);
        request.add(&["CLUSTER", "NODES"]);
        request.add(&["CLUSTER", "INFO"]);
        request.add(&[&["INFO"], INFO_SECTIONS.as_slice()].concat());
        let keys = EngineConfigKey::ALL.map(EngineConfigKey::as_str);
        request.add(&[["CONFIG", "GET"].as_slice(), &keys, &PERSISTENCE_SETTINGS, &PART_SETTINGS].concat());
        let asked_migrations = self.version.is_some_and(has_atomic_migration);
        if asked_migrations {
            request.add(&MIGRATIONS);
        }
        let mut replies = self.exchange(request, LOOK).await?.into_iter();
        let mut next = || replies.next().unwrap_or(Reply::Null);
        let access = access(&next());
        let (nodes, cluster_info, info, settings, migrations) = (next(), next(), next(), next(), next());
        let (nodes, cluster_info, info) = (self.text(nodes)?, self.text(cluster_info)?, self.text(info)?);
        let settings = self.pairs(settings)?;
        let migrations = if asked_migrations { self.migrations(migrations)? } else { Vec::new() };
        let reports = Reports { nodes: &nodes, cluster_info: &cluster_info, info: &info, settings, access, migrations };
        let mut seen = engine_seen(reports).map_err(|source| self.unreadable(source))?;
        if self.version.is_none() && has_atomic_migration(seen.version) {
            let reply = self.ask(Request::of(&MIGRATIONS), LOOK).await?;
            let rows = self.migrations(reply)?;
            seen.migrations = crate::report::migrations(rows).map_err(|source| self.unreadable(source))?;
        }
        self.version = Some(seen.version);
        Ok(seen)
    }

    pub(super) fn text(&mut self, reply: Reply) -> Result<String, LinkError> {
        match reply {
            Reply::Bulk(bytes) => String::from_utf8(bytes).map_err(|_not_utf8| self.unexpected("text that is not UTF-8")),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Status(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                Err(self.unexpected("something else than a report"))
            }
        }
    }

    /// Names and values, one after the other.
    pub(super) fn pairs(&mut self, reply: Reply) -> Result<Vec<(String, String)>, LinkError> {
        let mut words = self.elements(reply)?.into_iter();
        let mut pairs = Vec::with_capacity(words.len() / 2);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let value = match value {
                Reply::Integer(number) => number.to_string(),
                value @ (Reply::Bulk(_) | Reply::Status(_) | Reply::Error(_) | Reply::Null | Reply::Array(_)) => {
                    self.text(value)?
                }
            };
            pairs.push((self.text(name)?, value));
        }
        Ok(pairs)
    }

    fn migrations(&mut self, reply: Reply) -> Result<Vec<Vec<(String, String)>>, LinkError> {
        // The one report that an engine refuses while it loads: it takes part in none then, and must not pass for silent.
        if is_loading(&reply) {
            return Ok(Vec::new());
        }
        self.elements(reply)?.into_iter().map(|row| self.pairs(row)).collect()
    }

    pub(super) fn elements(&mut self, reply: Reply) -> Result<Vec<Reply>, LinkError> {
        match reply {
            Reply::Array(elements) => Ok(elements),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Status(_) | Reply::Integer(_) | Reply::Null | Reply::Bulk(_) => {
                Err(self.unexpected("something else than a list"))
            }
        }
    }
}

/// An engine that loads may refuse to tell; then it is asked again next time, and nothing is changed before it has loaded.
fn access(reply: &Reply) -> Access {
    match reply {
        Reply::Bulk(refusal) if !refusal.is_empty() => Access::ReadOnly,
        Reply::Bulk(_) | Reply::Status(_) | Reply::Error(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
            Access::ReadWrite
        }
    }
}

fn has_atomic_migration(version: BinaryVersion) -> bool {
    (version.major, version.minor) >= SINCE_ATOMIC_MIGRATION
}

fn is_loading(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(message) if message.starts_with(LOADING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_while_loading_is_told_from_any_other() {
        assert!(is_loading(&Reply::Error("LOADING Valkey is loading the dataset in memory".to_owned())));
        assert!(!is_loading(&Reply::Error("ERR unknown subcommand".to_owned())));
        assert!(!is_loading(&Reply::Array(Vec::new())));
    }
}

//! Lines of backups and first data:
//! - `backup wanted|cancelled|gone`: what the record says
//! - `backup running|done|failed [KIND] [attempts=N] [ago=MS]`, `backup unseen`: what is seen of the work
//! - `import files`: the instance begins with data
//! - `import running|done|failed [KIND] [attempts=N] [ago=MS]`, `import unseen`
//! - `placed NODES keys=N [counted] [loaded=N]`: what lies in folders, and what the engine has loaded of it

use chrono::TimeDelta;
use uuid::Uuid;
use valkyard_model::{
    BackupContent, BackupName, BackupOrder, BackupRun, CollectionName, FaultKind, ImportRun, ImportSeen, ImportSource, JobState,
    Timestamp, Uid,
};

use super::{World, number, parse_node};

const BACKUP: Uid = Uid(Uuid::from_u128(11));

fn state<T>(word: &str, words: &[&str], now: Timestamp, done: T) -> Result<JobState<T>, String> {
    match word {
        "running" => Ok(JobState::Running),
        "done" => Ok(JobState::Done(done)),
        "failed" => {
            let kinds = [("disk-full", FaultKind::DiskFull), ("bad-data", FaultKind::BadData)];
            let kind = kinds.iter().find(|(name, _)| words.contains(name)).map_or(FaultKind::Transient, |(_, kind)| *kind);
            let at = now - TimeDelta::milliseconds(number(words, "ago")?.unwrap_or(0));
            Ok(JobState::Failed { kind, detail: "it broke".to_owned(), at })
        }
        _ => Err(format!("{word:?} is no state of work")),
    }
}

impl World {
    pub(super) fn move_data(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["backup", "wanted"] => self.order(false),
            ["backup", "cancelled"] => self.order(true),
            ["backup", "gone"] => self.desired.backup = None,
            ["backup", "unseen"] => self.backup = None,
            ["backup", word, rest @ ..] => {
                let content =
                    BackupContent { finished_at: self.now, url: "file:///b".to_owned(), digest: String::new(), files: vec![] };
                let state = state(word, rest, self.now, content)?;
                let attempts = number(rest, "attempts")?.unwrap_or(1);
                self.backup = Some(BackupRun { backup: BACKUP, attempts, bytes: 5 << 20, state });
            }
            ["import", "files"] => self.desired.spec.import = Some(ImportSource::Files(vec!["gs://b/a.rdb".to_owned()])),
            ["import", "unseen"] => self.import = None,
            ["import", word, rest @ ..] => {
                let state = state(word, rest, self.now, ())?;
                let attempts = number(rest, "attempts")?.unwrap_or(1);
                self.import = Some(ImportRun { attempts, bytes: 1 << 20, bytes_total: 4 << 20, keys: 7, state });
            }
            ["placed", nodes, rest @ ..] => {
                let keys = number(rest, "keys")?.ok_or("placed needs keys")?;
                for node in nodes.split(',') {
                    let script = self.nodes.get_mut(&parse_node(node)?).ok_or("no such node")?;
                    script.import = Some(ImportSeen { keys, is_counted: rest.contains(&"counted"), point: None });
                    script.loaded = number(rest, "loaded")?.unwrap_or(0);
                }
            }
            _ => return Err("no line about data".to_owned()),
        }
        Ok(())
    }

    fn order(&mut self, is_cancelled: bool) {
        let collection = CollectionName::of(&self.desired.name);
        let name = BackupName { collection, backup: "b1".parse().expect("an id") };
        self.desired.backup = Some(BackupOrder { name, uid: BACKUP, accepted_at: self.now, is_cancelled });
    }
}

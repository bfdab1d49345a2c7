//! What strikes: nodes, the daemon, zones.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::{Chaos, number_of};
use crate::judge::{Incident, Moment};
use crate::nodes::info_of;
use crate::scene::{Member, replicas_in_sync, send};

/// Longest pause of the daemon.
const DAEMON_PAUSE_MILLIS: u64 = 2_000;
/// Longest pause of a node that is continued: some are shorter than the suspicion of a hung node, some not.
const NODE_PAUSE_MILLIS: u64 = 4_000;
/// How long a zone stays away at most.
const ZONE_AWAY_MILLIS: u64 = 4_000;
const ZONES: [&str; 3] = ["us-central1-a", "us-central1-b", "us-central1-c"];

impl Chaos {
    /// One blow; none if no node may be struck now.
    pub(super) fn blow(&mut self) {
        self.blows += 1;
        match self.random.below(5) {
            0 => {
                self.tell("kill the daemon");
                self.scene.daemon.kill_9();
                self.scene.daemon.restart();
            }
            1 => {
                let length = Duration::from_millis(self.random.below(DAEMON_PAUSE_MILLIS));
                self.tell(&format!("stop the daemon for {length:?}"));
                self.scene.daemon.pause(length);
            }
            2 | 3 => self.strike_a_node(Signal::KILL),
            _ => self.strike_a_node(Signal::STOP),
        }
    }

    fn strike_a_node(&mut self, signal: Signal) {
        let Some(victim) = self.victim() else {
            self.tell("no node may be struck now");
            return;
        };
        let role = if victim.listed.primary.is_none() { "primary" } else { "replica" };
        self.tell(&format!("{signal:?} to the {role} {} (pid {})", victim.listed.address, victim.pid));
        if victim.listed.primary.is_none() {
            let incident = self.scene.strike(&victim, signal);
            self.incidents.push(Incident { slots_were_moving: self.moves_slots, ..incident });
        } else {
            send(victim.pid, signal);
        }
        if signal == Signal::STOP {
            self.pass(NODE_PAUSE_MILLIS);
            self.tell("continue it");
            send(victim.pid, Signal::CONT);
        }
    }

    /// A node of a shard that lives on without it, while every other node answers.
    fn victim(&mut self) -> Option<Member> {
        let members = self.scene.members().ok()?;
        let safe: Vec<Member> = members
            .iter()
            .filter(|member| {
                let primary = member.listed.primary.as_ref();
                let head = members.iter().find(|other| Some(&other.listed.id) == primary).unwrap_or(member);
                let has_copy = || replicas_in_sync(head, 1).is_ok() && members.iter().any(|other| follows(other, head));
                head.listed.primary.is_none() && has_copy()
            })
            .cloned()
            .collect();
        (!safe.is_empty()).then(|| self.random.one_of(&safe).clone())
    }

    /// Takes a zone while the instance is at rest, and gives it back.
    pub(super) fn take_a_zone(&mut self) {
        let primaries = self.scene.primaries();
        self.blows += 1;
        let zone = *self.random.one_of(&ZONES);
        let manner = *self.random.one_of(&["STOP", "HANG"]);
        self.tell(&format!("take {zone} ({manner}) of {} shards", number_of(&self.scene.instance(), "shardCount")));
        let at = Moment::now();
        let incident = |slots| Incident { at, slots, lag_bytes: 0, slots_were_moving: false };
        self.incidents.extend(primaries.into_iter().map(|primary| incident(primary.listed.slots)));
        let path = format!("/v1/admin/zones/{zone}");
        let taken = self.scene.api().call("POST", &format!("{path}:take"), &json!({"manner": manner}).to_string());
        assert_eq!(taken.status, 200, "{}", taken.body);
        self.pass(ZONE_AWAY_MILLIS);
        self.tell(&format!("give {zone}"));
        let given = self.scene.api().call("POST", &format!("{path}:give"), "{}");
        assert_eq!(given.status, 200, "{}", given.body);
    }
}

/// Whether a node says itself that it is a replica in sync with this primary.
fn follows(member: &Member, primary: &Member) -> bool {
    let link = || info_of(&member.listed.address, "replication", "master_link_status");
    member.listed.primary.as_ref() == Some(&primary.listed.id) && link().is_ok_and(|link| link == "up")
}

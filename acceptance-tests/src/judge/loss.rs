//! Losses of unplanned failovers: allowed only as the end of a shard's writes before its primary died.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::moment::Moment;
use super::report::{LostWrite, Report};

/// Answers that were on their way when the primary was killed arrive this much later on a busy machine.
const ANSWER_SPAN: Duration = Duration::from_millis(200);

/// A primary that was killed or hung.
#[derive(Clone, Debug)]
pub struct Incident {
    /// When.
    pub at: Moment,
    /// The slots it owned, as inclusive ranges.
    pub slots: Vec<(u16, u16)>,
    /// How far its most caught-up replica was behind, in bytes of the replication stream, just before.
    pub lag_bytes: u64,
    /// Whether slots were on their way between shards: then who owned a slot at that moment is not known exactly, and writes
    /// to different slots cannot be put in one order.
    pub slots_were_moving: bool,
}

impl Incident {
    fn concerns(&self, write: &LostWrite) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&write.slot))
    }

    fn may_have_lost(&self, write: &LostWrite, age_max: Duration) -> bool {
        self.concerns(write) && write.acknowledged <= self.at.plus(ANSWER_SPAN) && write.acknowledged >= self.at.minus(age_max)
    }
}

/// A loss that no incident explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LossOutOfBounds {
    /// Nothing happened to its shard then.
    NoIncident(LostWrite),
    /// It was lost, but a later write of its shard was kept.
    NotTheEnd {
        /// The lost one.
        lost: LostWrite,
        /// The kept one, which was sent after the lost one had been acknowledged.
        kept: LostWrite,
    },
}

impl fmt::Display for LossOutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIncident(lost) => write!(f, "{lost:?} was lost without an incident that explains it"),
            Self::NotTheEnd { lost, kept } => write!(f, "{lost:?} was lost, but {kept:?} came later and was kept"),
        }
    }
}

/// Checks that every loss lies in the last `age_max` before an incident of its shard, and that nothing that came after a
/// lost write was kept. Returns, for each incident by its index, how many were lost and the age of the oldest.
///
/// # Errors
/// The first loss that does not fit.
pub fn check_losses(
    report: &Report,
    incidents: &[Incident],
    age_max: Duration,
) -> Result<BTreeMap<usize, (usize, Duration)>, LossOutOfBounds> {
    let mut losses: BTreeMap<usize, (usize, Duration)> = BTreeMap::new();
    for lost in &report.lost {
        let found = incidents.iter().enumerate().find(|(_, incident)| incident.may_have_lost(lost, age_max));
        let (index, incident) = found.ok_or_else(|| LossOutOfBounds::NoIncident(lost.clone()))?;
        let shares_stream = |kept: &LostWrite| kept.slot == lost.slot || (incident.concerns(kept) && !incident.slots_were_moving);
        let later = |kept: &&LostWrite| kept.sent > lost.acknowledged && kept.acknowledged < incident.at && shares_stream(kept);
        if let Some(kept) = report.kept.iter().find(later) {
            return Err(LossOutOfBounds::NotTheEnd { lost: lost.clone(), kept: kept.clone() });
        }
        let (count, oldest) = losses.entry(index).or_default();
        *count += 1;
        *oldest = (*oldest).max(incident.at.since(lost.acknowledged));
    }
    Ok(losses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(sent_ms: u64, slot: u16) -> LostWrite {
        let at = |ms: u64| Moment(ms * 1_000_000);
        LostWrite { sent: at(sent_ms), acknowledged: at(sent_ms + 1), slot, key: "k".to_owned(), value: sent_ms }
    }

    fn check(lost: &[(u64, u16)], kept: &[(u64, u16)]) -> Result<usize, LossOutOfBounds> {
        let writes = |list: &[(u64, u16)]| list.iter().map(|(sent, slot)| write(*sent, *slot)).collect();
        let report = Report { lost: writes(lost), kept: writes(kept), ..Report::default() };
        let incident = Incident { at: Moment(1_000_000_000), slots: vec![(0, 99)], lag_bytes: 0, slots_were_moving: false };
        check_losses(&report, &[incident], Duration::from_millis(100)).map(|losses| losses.values().map(|(count, _)| count).sum())
    }

    #[test]
    fn the_last_writes_before_an_incident_may_be_lost() {
        assert_eq!(check(&[(980, 1), (990, 2)], &[(970, 1), (1_050, 1), (985, 200)]), Ok(2));
    }

    #[test]
    fn a_loss_of_another_shard_or_another_time_is_none_of_the_incident() {
        for lost in [(990, 200), (700, 1), (1_500, 1)] {
            assert!(matches!(check(&[lost], &[]), Err(LossOutOfBounds::NoIncident(_))), "{lost:?}");
        }
    }

    #[test]
    fn a_gap_is_not_an_end() {
        assert!(matches!(check(&[(950, 1)], &[(960, 2)]), Err(LossOutOfBounds::NotTheEnd { .. })));
    }
}

//! The machines that run on a ledger. Each has lanes, rows, timers and commits of its own, shard by shard.

use crate::commit::Lane;
use crate::topic::Topic;

/// Names a machine of the ledger. Its lanes are topics that no other machine consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MachineId {
    /// The processor's: from events to incidents.
    Triage,
    /// From incidents to pages.
    Notifier,
}

impl MachineId {
    pub const ALL: [Self; 2] = [Self::Triage, Self::Notifier];

    /// As it stands in names of groups, transactions and changelogs; never changed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Notifier => "notifier",
        }
    }

    /// The topic that feeds a lane.
    pub const fn topic(self, lane: Lane) -> Topic {
        match (self, lane) {
            (Self::Triage, Lane::Main) => Topic::Events,
            (Self::Triage, Lane::Hop) => Topic::Triage,
            (Self::Triage, Lane::Door) => Topic::Commands,
            (Self::Notifier, Lane::Main) => Topic::Incidents,
            (Self::Notifier, Lane::Hop) => Topic::Pages,
            (Self::Notifier, Lane::Door) => Topic::Answers,
        }
    }

    /// The machine and the lane that a topic feeds, if it feeds one: never more than one.
    pub fn fed_by(topic: Topic) -> Option<(Self, Lane)> {
        let lanes = Self::ALL.into_iter().flat_map(|machine| Lane::ALL.map(|lane| (machine, lane)));
        lanes.into_iter().find(|(machine, lane)| machine.topic(*lane) == topic)
    }
}

//! The rows of the machine, typed, and what it remembers of a batch.

use campanile_model::outcome::RefusedReason;
use campanile_model::{
    Actor, AlertId, AlertStatus, Hidden, IncidentId, IncidentStatus, LedgerId, Named, PolicyId, PriorityId, ServiceId,
    Severity, ShardId, Timestamp, Urgency, UserId,
};
use campanile_table::Table;
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::effects::{AlertRecord, Announced};
use crate::key::{AlertKey, CommandKey, GroupKey, Keys, PageKey};

/// Members on one page. A page is rewritten at each join, so it is short; an incident of 1000 alerts has 32.
pub const PAGE_MEMBERS: u32 = 32;

/// The hot row of an open alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub id: AlertId,
    pub status: AlertStatus,
    /// The latest that a trigger gave.
    pub severity: Severity,
    /// Why it is in no incident. An open alert has exactly one of `hidden` and `incident` (TR-3).
    pub hidden: Option<Hidden>,
    pub incident: Option<IncidentId>,
    /// Triggers, the first included.
    pub count: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Place of the newest trigger: partition, offset and append time of its first append.
    pub last_trigger: (u16, u64, Timestamp),
    pub resolved_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertRow {
    Open(Alert),
    /// A forwarded resolve came; a trigger older than this meets it as resolved.
    Tombstone {
        partition: u16,
        offset: u64,
        at: Timestamp,
    },
}

impl AlertRow {
    pub fn open(&self) -> Option<&Alert> {
        match self {
            Self::Open(alert) => Some(alert),
            Self::Tombstone { .. } => None,
        }
    }
}

/// Why an alert is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It opened its incident.
    Opened,
    /// It joined an open incident by this grouping.
    Grouped(&'static str),
    /// Hidden, by the window of this id where a window did it.
    Hidden(Hidden, CompactString),
    /// A trigger older than a resolve that had already come.
    Overtaken,
}

/// The cold row of an open alert: written when it is made and when its severity changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub service: Named<ServiceId>,
    pub integration: CompactString,
    pub dedup_key: String,
    pub summary: String,
    pub verdict: Verdict,
    /// What the border made of the rest of the event; stored and shown as it is.
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    pub at: Timestamp,
    pub by: Actor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    pub status: IncidentStatus,
    pub urgency: Urgency,
    pub priority: Option<Named<PriorityId>>,
    pub title: String,
    /// Dedup key of the first alert, as webhooks carry it.
    pub incident_key: String,
    pub service: Named<ServiceId>,
    pub policy: Named<PolicyId>,
    pub created_at: Timestamp,
    pub status_changed_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// Consecutive from 1; each is published (TR-5).
    pub revision: u64,
    /// Alerts that ever joined, and those of them still open.
    pub alerts: u32,
    pub open: u32,
    /// Name of the grouping that may add alerts; `""` for none.
    pub grouping: CompactString,
    pub last_joined_at: Timestamp,
    pub acknowledgements: SmallVec<[Acknowledgement; 1]>,
    pub auto_resolve_at: Option<Timestamp>,
    pub acknowledgement_ends_at: Option<Timestamp>,
    pub urgency_rises_at: Option<Timestamp>,
    /// Who has it now; nobody before the first step of its ladder, and nobody after it resolved.
    pub assignees: SmallVec<[Named<UserId>; 1]>,
    pub assigned_at: Option<Timestamp>,
    /// The level of its policy that was reached; 0 for none, and for people who were named by hand.
    pub level: u32,
    pub snoozed_until: Option<Timestamp>,
    /// The incident that its alerts joined when it was merged.
    pub merged_into: Option<IncidentId>,
}

impl Incident {
    /// Pages that hold its members.
    pub fn pages(&self) -> u32 {
        self.alerts.div_ceil(PAGE_MEMBERS)
    }
}

/// An alert that joined, with the groups that it was the first to point here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub alert: AlertKey,
    pub id: AlertId,
    pub groups: SmallVec<[GroupKey; 1]>,
}

pub type Members = Vec<Member>;

/// What a command was answered, kept for 24 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It made this revision.
    Applied(u64),
    /// It asked for what already was at this revision.
    Unchanged(u64),
    Refused(RefusedReason),
}

/// Derives ids. The serial is part of the commit record, so a batch that is computed again names the same things.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    pub ledger: LedgerId,
    pub shard: ShardId,
    /// Serials used so far.
    pub serial: u64,
}

impl Ids {
    fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn incident(&mut self) -> IncidentId {
        IncidentId::derive(self.ledger, self.shard, self.next())
    }

    pub(crate) fn alert(&mut self) -> AlertId {
        AlertId::derive(self.ledger, self.shard, self.next())
    }
}

/// How many clean rows stay in memory, per shard: alerts, and the other kinds each a part of it, less the larger they
/// are. About 20 MB a shard when full.
pub const ROWS_REMEMBERED: usize = 40_000;

#[derive(Debug)]
pub struct State {
    pub ids: Ids,
    pub keys: Keys,
    pub alerts: Table<AlertKey, AlertRow>,
    pub details: Table<AlertKey, Details>,
    pub incidents: Table<IncidentId, Incident>,
    pub groups: Table<GroupKey, IncidentId>,
    pub members: Table<PageKey, Members>,
    pub answers: Table<CommandKey, Answer>,
    pub(crate) announced: Announced,
}

impl State {
    pub fn new(ids: Ids) -> Self {
        Self::remembering(ids, ROWS_REMEMBERED)
    }

    pub fn remembering(ids: Ids, rows: usize) -> Self {
        Self {
            ids,
            keys: Keys::new(ids.ledger),
            alerts: Table::new(rows),
            details: Table::new(rows / 32),
            incidents: Table::new(rows / 4),
            groups: Table::new(rows / 4),
            members: Table::new(rows / 32),
            answers: Table::new(rows / 32),
            announced: Announced::default(),
        }
    }

    pub(crate) fn alert(&self, key: &AlertKey) -> Option<&Alert> {
        self.alerts.get(key).and_then(AlertRow::open)
    }

    /// Rows changed and alerts announced since the last drain.
    pub fn changed(&self) -> usize {
        self.alerts.changed()
            + self.details.changed()
            + self.incidents.changed()
            + self.groups.changed()
            + self.members.changed()
            + self.answers.changed()
            + self.announced.len()
    }

    /// The records of alerts that were made, suppressed, promoted, re-graded or resolved since the last call: at most
    /// one each. Call before the tables are drained.
    pub fn announcements(&mut self, mut show: impl FnMut(&Alert, &Details)) {
        for announcement in self.announced.take() {
            match announcement.closed {
                Some(record) => {
                    let AlertRecord { alert, details } = *record;
                    show(&alert, &details);
                }
                None => {
                    if let (Some(alert), Some(details)) =
                        (self.alert(&announcement.key), self.details.get(&announcement.key))
                    {
                        show(alert, details);
                    }
                }
            }
        }
    }
}

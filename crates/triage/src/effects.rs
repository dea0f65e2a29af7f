//! What an input does to the world beyond the rows.

use campanile_model::outcome::{DeadReason, RefusedReason};
use campanile_model::{Actor, AlertId, Change, CommandId, IncidentId, Outcome, ShardId, Source, Timestamp};
use smallvec::SmallVec;

use crate::state::{Alert, Details, Incident};
use crate::timer::{Timer, TimerKind};

/// What made a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Event(Source),
    Timer(TimerKind),
    Command(CommandId),
}

/// What a revision says that the incident itself does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Addition {
    #[default]
    None,
    Note(String),
    /// The level that a person asked for; `None` is the next one.
    Level(Option<u32>),
    /// The incidents whose alerts joined.
    Merged(Vec<IncidentId>),
}

/// One revision of an incident, as it stands after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub incident: Incident,
    pub change: Change,
    /// Who did it; `None` when a timer did.
    pub agent: Option<Actor>,
    pub cause: Cause,
    pub at: Timestamp,
    /// Dedup keys of the alerts that this revision opened or closed.
    pub alert_keys: Vec<String>,
    pub addition: Addition,
}

/// The answer to a command that made no revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandAnswer {
    pub command: CommandId,
    pub incident: IncidentId,
    pub answer: crate::state::Answer,
    /// The same id was answered before; this is that answer again.
    pub repeated: bool,
    pub at: Timestamp,
}

/// An alert as its topic shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    pub alert: Alert,
    pub details: Details,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publish {
    Revision(Box<Revision>),
    Answer(Box<CommandAnswer>),
    /// The input goes on to the hop lane of this shard.
    Forward(ShardId),
    /// The input's bytes go to dead letters.
    DeadLetter {
        reason: DeadReason,
        detail: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerChange {
    pub timer: Timer,
    /// `None` takes it away.
    pub due: Option<Timestamp>,
}

impl TimerChange {
    pub fn set(timer: Timer, due: Timestamp) -> Self {
        Self { timer, due: Some(due) }
    }

    pub fn clear(timer: Timer) -> Self {
        Self { timer, due: None }
    }
}

#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    pub outcome: Outcome,
    pub publish: SmallVec<[Publish; 1]>,
    pub timers: SmallVec<[TimerChange; 2]>,
}

impl Effects {
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, publish: SmallVec::new(), timers: SmallVec::new() }
    }

    pub(crate) fn with_timer(mut self, change: TimerChange) -> Self {
        self.timers.push(change);
        self
    }

    pub(crate) fn with(mut self, publish: Publish) -> Self {
        self.publish.push(publish);
        self
    }

    pub(crate) fn dead(reason: DeadReason, detail: &'static str) -> Self {
        Self::of(Outcome::DeadLettered(reason)).with(Publish::DeadLetter { reason, detail })
    }

    pub(crate) fn refused(reason: RefusedReason) -> Self {
        Self::of(Outcome::Refused(reason))
    }
}

/// Alerts that changed in this batch, each once, in the order they first did.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    order: Vec<Announcement>,
    index: rustc_hash::FxHashMap<AlertId, usize>,
}

#[derive(Debug)]
pub(crate) struct Announcement {
    pub(crate) key: crate::key::AlertKey,
    /// Set when the alert closed: its rows are gone, this is all that is left to show.
    pub(crate) closed: Option<Box<AlertRecord>>,
}

impl Announced {
    pub(crate) fn open(&mut self, key: crate::key::AlertKey, id: AlertId) {
        let next = self.order.len();
        if *self.index.entry(id).or_insert(next) == next {
            self.order.push(Announcement { key, closed: None });
        }
    }

    pub(crate) fn closed(&mut self, key: crate::key::AlertKey, record: AlertRecord) {
        let next = self.order.len();
        let at = *self.index.entry(record.alert.id).or_insert(next);
        let announcement = Announcement { key, closed: Some(Box::new(record)) };
        if at == next {
            self.order.push(announcement);
        } else {
            self.order[at] = announcement;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn take(&mut self) -> Vec<Announcement> {
        self.index.clear();
        std::mem::take(&mut self.order)
    }
}

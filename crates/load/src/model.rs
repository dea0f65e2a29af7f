//! The reference model: what must come out of the noise, by Campanile's documented semantics and by none of its code.
//!
//! It knows no bytes, rows or commits: maps, and one function per action. Where it and the product disagree, one of
//! them is wrong, and docs/reference/workload.md says which rule decides. Timers, commands, hops and re-grading are
//! deliberately absent: the noise has none of them.
//!
//! Order of judgement: dedup → suppression → grouping → incident.

use ahash::AHashMap;
use campanile_model::{Hidden, Outcome, Span, Timestamp};

use crate::workload::Action;

/// A group takes no alert that comes so long after the latest that joined, or later. Source: the workload's directory.
pub const WINDOW: Span = Span::seconds(crate::organisation::GROUP_WINDOW_SECONDS);
/// Nor so long after its incident began, or later. Source: pagerduty.md C.14.
pub const AGE_MAX: Span = Span::hours(24);
/// Most alerts of one incident. Source: pagerduty.md C.15.
pub const ALERTS_MAX: u32 = 1000;

/// One event, as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The shard whose log holds the event.
    pub shard: u16,
    pub service: u32,
    /// Stands for (integration, dedup key) within the service.
    pub alert: u64,
    /// Stands for the value that grouping compares.
    pub class: u32,
    /// The service is in maintenance.
    pub hidden: bool,
    pub action: Action,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Alert {
    count: u32,
    /// Index of its incident; `None` while hidden.
    incident: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Incident {
    group: (u32, u32),
    created_at: Timestamp,
    last_joined_at: Timestamp,
    alerts: u32,
    open: u32,
    acknowledged: bool,
}

/// What was counted, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub triggered: u64,
    pub grouped: u64,
    pub deduplicated: u64,
    pub suppressed: u64,
    pub promoted: u64,
    pub acknowledged: u64,
    pub already_acknowledged: u64,
    pub resolved: u64,
    pub nothing_open: u64,
    pub incidents_opened: u64,
    pub incidents_resolved: u64,
    /// Triggers that resolved alerts had taken, first ones included.
    pub events_in_resolved: u64,
    /// The same of alerts that are open at the end.
    pub events_in_open: u64,
    pub alerts_open: u64,
    pub alerts_hidden: u64,
    pub incidents_open: u64,
    pub incidents_open_acknowledged: u64,
}

impl Totals {
    /// Alerts ever made, each once.
    pub fn alerts_made(&self) -> u64 {
        self.triggered + self.grouped + self.suppressed
    }

    /// Revisions on the incidents topic.
    pub fn incident_records(&self) -> u64 {
        self.incidents_opened + self.acknowledged + self.incidents_resolved
    }

    /// Fewest and most records on the alerts topic: an alert that is made and resolved within one commit has one record.
    pub fn alert_records(&self) -> (u64, u64) {
        (self.alerts_made(), self.alerts_made() + self.promoted + self.resolved)
    }

    pub fn events(&self) -> u64 {
        self.triggered
            + self.grouped
            + self.deduplicated
            + self.suppressed
            + self.promoted
            + self.acknowledged
            + self.already_acknowledged
            + self.resolved
            + self.nothing_open
    }
}

#[derive(Default)]
pub struct Model {
    /// Log time by shard.
    now: Vec<Timestamp>,
    alerts: AHashMap<(u32, u64), Alert>,
    /// The incident that a (service, class) points to; it may take no more.
    groups: AHashMap<(u32, u32), u32>,
    /// Every incident ever opened.
    incidents: Vec<Incident>,
    totals: Totals,
}

impl Model {
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges the next event of a shard's log.
    pub fn apply(&mut self, step: &Step) -> Outcome {
        let now = self.tick(step.shard, step.at);
        let outcome = match step.action {
            Action::Trigger => self.trigger(step, now),
            Action::Acknowledge => self.acknowledge(step),
            Action::Resolve => self.resolve(step),
        };
        self.count(outcome);
        outcome
    }

    /// Everything counted so far, and what is open now.
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals.clone();
        for alert in self.alerts.values() {
            totals.events_in_open += u64::from(alert.count);
            match alert.incident {
                Some(_) => totals.alerts_open += 1,
                None => totals.alerts_hidden += 1,
            }
        }
        for incident in self.incidents.iter().filter(|incident| incident.open > 0) {
            totals.incidents_open += 1;
            totals.incidents_open_acknowledged += u64::from(incident.acknowledged);
        }
        totals
    }

    /// Log time never runs backwards within a shard.
    fn tick(&mut self, shard: u16, at: Timestamp) -> Timestamp {
        let shard = usize::from(shard);
        if self.now.len() <= shard {
            self.now.resize(shard + 1, Timestamp::EPOCH);
        }
        self.now[shard] = self.now[shard].max(at);
        self.now[shard]
    }

    fn trigger(&mut self, step: &Step, now: Timestamp) -> Outcome {
        let key = (step.service, step.alert);
        let open = self.alerts.get(&key).copied();
        if let Some(alert) = open
            && (alert.incident.is_some() || step.hidden)
        {
            self.alerts.insert(key, Alert { count: alert.count + 1, ..alert });
            return Outcome::Deduplicated;
        }
        let count = open.map_or(1, |hidden| hidden.count + 1);
        if step.hidden {
            self.alerts.insert(key, Alert { count, incident: None });
            return Outcome::Suppressed(Hidden::Maintenance);
        }
        let (incident, joined) = self.place((step.service, step.class), now);
        self.alerts.insert(key, Alert { count, incident: Some(incident) });
        match (open, joined) {
            (Some(_), _) => Outcome::Promoted,
            (None, true) => Outcome::Grouped,
            (None, false) => Outcome::Triggered,
        }
    }

    /// The incident that a new visible alert belongs to, and whether it was there before.
    fn place(&mut self, group: (u32, u32), now: Timestamp) -> (u32, bool) {
        if let Some(number) = self.groups.get(&group) {
            let incident = &mut self.incidents[*number as usize];
            let takes = incident.open > 0
                && incident.alerts < ALERTS_MAX
                && now.since(incident.created_at) < AGE_MAX
                && now.since(incident.last_joined_at) < WINDOW;
            if takes {
                incident.alerts += 1;
                incident.open += 1;
                incident.last_joined_at = now;
                return (*number, true);
            }
        }
        let number = self.incidents.len() as u32;
        let (created_at, last_joined_at) = (now, now);
        self.incidents.push(Incident { group, created_at, last_joined_at, alerts: 1, open: 1, acknowledged: false });
        self.groups.insert(group, number);
        self.totals.incidents_opened += 1;
        (number, false)
    }

    fn acknowledge(&mut self, step: &Step) -> Outcome {
        let Some(alert) = self.alerts.get(&(step.service, step.alert)) else { return Outcome::NothingOpen };
        let Some(number) = alert.incident else { return Outcome::AlreadyAcknowledged };
        let incident = &mut self.incidents[number as usize];
        match std::mem::replace(&mut incident.acknowledged, true) {
            true => Outcome::AlreadyAcknowledged,
            false => Outcome::Acknowledged,
        }
    }

    fn resolve(&mut self, step: &Step) -> Outcome {
        let Some(alert) = self.alerts.remove(&(step.service, step.alert)) else { return Outcome::NothingOpen };
        self.totals.events_in_resolved += u64::from(alert.count);
        if let Some(number) = alert.incident {
            let incident = &mut self.incidents[number as usize];
            incident.open -= 1;
            if incident.open == 0 {
                self.totals.incidents_resolved += 1;
                let group = incident.group;
                if self.groups.get(&group) == Some(&number) {
                    self.groups.remove(&group);
                }
            }
        }
        Outcome::Resolved
    }

    fn count(&mut self, outcome: Outcome) {
        let totals = &mut self.totals;
        let counter = match outcome {
            Outcome::Triggered => &mut totals.triggered,
            Outcome::Grouped => &mut totals.grouped,
            Outcome::Deduplicated => &mut totals.deduplicated,
            Outcome::Suppressed(_) => &mut totals.suppressed,
            Outcome::Promoted => &mut totals.promoted,
            Outcome::Acknowledged => &mut totals.acknowledged,
            Outcome::AlreadyAcknowledged => &mut totals.already_acknowledged,
            Outcome::Resolved => &mut totals.resolved,
            Outcome::NothingOpen => &mut totals.nothing_open,
            Outcome::Overtaken
            | Outcome::Forwarded
            | Outcome::Applied
            | Outcome::Unchanged
            | Outcome::Refused(_)
            | Outcome::Repeated
            | Outcome::Fired
            | Outcome::Stale
            | Outcome::DeadLettered(_)
            | Outcome::Paging(_) => return,
        };
        *counter += 1;
    }
}

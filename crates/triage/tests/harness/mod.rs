//! A world for the triage machine: a small organisation, all rows in memory, timers that fire in log order, and
//! scenarios written as tables. Laws are checked after every input.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod organisation;
pub mod table;

use std::collections::BTreeMap;

use ahash::AHashMap;
use campanile_directory::Snapshot;
use campanile_model::{Command, IncidentId, LedgerId, ShardId, Source, Timestamp};
use campanile_triage::{
    Action, Body, Effects, Event, Ids, Input, Memo, Payload, State, Timer, TimerKind, Want, apply, footprint,
    invariants,
};
use compact_str::CompactString;

/// `custom_details` as a flat map, which is all that scenarios need.
#[derive(Clone, Debug, Default)]
pub struct Details(pub BTreeMap<String, String>);

impl Body for Details {
    fn detail(&self, path: &[CompactString]) -> Option<String> {
        self.0.get(&path.join(".")).cloned()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{}");
    }
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub routing_key: String,
    pub action: Action,
    pub dedup_key: String,
    pub severity: campanile_model::Severity,
    pub summary: String,
    pub component: Option<String>,
    pub class: Option<String>,
    pub details: Details,
    pub source: Source,
}

pub struct World {
    pub directory: Snapshot,
    pub state: State,
    pub now: Timestamp,
    pub timers: BTreeMap<(Timestamp, u8, u128), Timer>,
    armed: AHashMap<(u8, u128), Timestamp>,
    revisions: AHashMap<IncidentId, u64>,
    pub offset: u64,
}

impl World {
    pub fn new(directory: Snapshot) -> Self {
        let ids = Ids { ledger: LedgerId(7), shard: ShardId(0), serial: 0 };
        Self {
            directory,
            state: State::remembering(ids, usize::MAX / 2),
            now: Timestamp::EPOCH,
            timers: BTreeMap::new(),
            armed: AHashMap::new(),
            revisions: AHashMap::new(),
            offset: 0,
        }
    }

    /// The next timer due at or before `until`, if there is one.
    pub fn due(&self, until: Timestamp) -> Option<(Timestamp, Timer)> {
        self.timers
            .first_key_value()
            .filter(|((due, _, _), _)| *due <= until)
            .map(|((due, _, _), timer)| (*due, *timer))
    }

    pub fn fire(&mut self, due: Timestamp, timer: Timer) -> Effects {
        let before = self.now;
        self.now = self.now.max(due);
        invariants::time_does_not_run_back(before, self.now).unwrap();
        self.arm(timer, None);
        let effects = self.judge(&Input::Timer(timer), self.now);
        self.settle(&effects);
        effects
    }

    pub fn send(&mut self, sent: &Sent) -> Effects {
        let before = self.now;
        self.now = self.now.max(sent.source.at);
        invariants::time_does_not_run_back(before, self.now).unwrap();
        let payload = Payload {
            summary: &sent.summary,
            source: "host",
            severity: sent.severity,
            component: sent.component.as_deref(),
            group: None,
            class: sent.class.as_deref(),
        };
        let memo = Memo::default();
        let event = Event {
            routing_key: &sent.routing_key,
            action: sent.action,
            dedup_key: &sent.dedup_key,
            payload: (sent.action == Action::Trigger).then_some(payload),
            body: &sent.details,
            source: sent.source,
            memo: &memo,
        };
        let effects = self.judge(&Input::Event(&event), self.now);
        self.settle(&effects);
        effects
    }

    pub fn ask(&mut self, command: &Command, at: Timestamp) -> Effects {
        let source = Source { partition: 0, offset: self.offset, at, hops: 0 };
        let effects = self.judge(&Input::Command(command, source), self.now.max(at));
        self.settle(&effects);
        effects
    }

    fn judge(&mut self, input: &Input<'_>, now: Timestamp) -> Effects {
        loop {
            let mut wants = Vec::new();
            footprint(&self.directory, &mut self.state, input, now, &mut wants);
            if wants.is_empty() {
                return apply(&self.directory, &mut self.state, input, now);
            }
            for want in wants {
                self.absent(want);
            }
        }
    }

    /// Nothing is forgotten here, so what is not known does not exist.
    fn absent(&mut self, want: Want) {
        match want {
            Want::Alert(key) => self.state.alerts.load(key, None),
            Want::Details(key) => self.state.details.load(key, None),
            Want::Incident(key) => self.state.incidents.load(key, None),
            Want::Group(key) => self.state.groups.load(key, None),
            Want::Members(key) => self.state.members.load(key, None),
            Want::Answer(key) => self.state.answers.load(key, None),
        }
    }

    fn settle(&mut self, effects: &Effects) {
        for change in &effects.timers {
            self.arm(change.timer, change.due);
        }
        invariants::all(&self.state).unwrap();
        invariants::tr5_revisions_are_consecutive(&mut self.revisions, effects).unwrap();
        self.closed_incidents_own_no_timer();
    }

    fn arm(&mut self, timer: Timer, due: Option<Timestamp>) {
        let name = (timer.kind.number(), timer.object);
        if let Some(before) = self.armed.remove(&name) {
            self.timers.remove(&(before, name.0, name.1));
        }
        if let Some(due) = due {
            self.armed.insert(name, due);
            self.timers.insert((due, name.0, name.1), timer);
        }
    }

    /// TR-7, seen from the timers' side.
    fn closed_incidents_own_no_timer(&self) {
        for timer in self.timers.values() {
            let of_incident = matches!(
                timer.kind,
                TimerKind::AutoResolve
                    | TimerKind::AcknowledgementTimeout
                    | TimerKind::UrgencyRise
                    | TimerKind::SnoozeEnd
            );
            if of_incident {
                let id = IncidentId(timer.object as u64);
                let open = self.state.incidents.get(&id).is_some_and(|incident| incident.status.is_open());
                assert!(open, "TR-7: closed incident {id} owns {timer:?}");
            }
        }
    }
}

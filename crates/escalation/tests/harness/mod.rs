//! A world of two machines: the real `triage` judges, the notifier asks. Records wait in queues between them, so that
//! a test can deliver them in any order that a log allows. Laws are checked after every input.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod organisation;
pub mod table;

use std::collections::{BTreeMap, VecDeque};

use campanile_directory::Snapshot;
use campanile_escalation::{
    self as escalation, Cause, Errand, Hop, Ids, Input, News, Notice, Notification, Options, Publish, Report, Standing,
    State, Verdict, Want, World, invariants,
};
use campanile_model::{Command, IncidentId, LedgerId, Severity, ShardId, Source, Timestamp};
use campanile_triage::{self as triage, Action, Body, Event, Payload};
use compact_str::CompactString;
use organisation::Shifts;

struct NoBody;

impl Body for NoBody {
    fn detail(&self, _path: &[CompactString]) -> Option<String> {
        None
    }

    fn encode(&self, _out: &mut Vec<u8>) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Triage,
    Escalation,
}

/// What an input of the notifier did, for whoever keeps a record.
#[derive(Clone, Debug)]
pub enum Seen {
    Told(Notification),
    Hop(Hop),
    Gap(String),
}

pub struct House {
    pub directory: Snapshot,
    pub options: Options,
    pub processor: triage::State,
    pub notifier: State,
    pub now: Timestamp,
    /// Where the pass ends that works off an outage.
    pub present: Timestamp,
    timers: BTreeMap<(Timestamp, Owner, u8, u128), ()>,
    armed: BTreeMap<(Owner, u8, u128), Timestamp>,
    pub commands: VecDeque<Command>,
    pub incidents: VecDeque<Notice>,
    pub hops: VecDeque<Hop>,
    laws: invariants::Seen,
    pub seen: Vec<Seen>,
    pub incident_ids: Vec<IncidentId>,
    offset: u64,
}

impl House {
    pub fn new() -> Self {
        let ids = triage::Ids { ledger: LedgerId(7), shard: ShardId(0), serial: 0 };
        Self {
            directory: organisation::directory(),
            options: Options::default(),
            processor: triage::State::remembering(ids, usize::MAX / 2),
            notifier: State::remembering(Ids { ledger: LedgerId(7), shard: ShardId(0), serial: 0 }, usize::MAX / 2),
            now: organisation::MIDNIGHT,
            present: organisation::MIDNIGHT,
            timers: BTreeMap::new(),
            armed: BTreeMap::new(),
            commands: VecDeque::new(),
            incidents: VecDeque::new(),
            hops: VecDeque::new(),
            laws: invariants::Seen::default(),
            seen: Vec::new(),
            incident_ids: Vec::new(),
            offset: 0,
        }
    }

    /// The next timer of either machine that is due.
    pub fn due(&self, until: Timestamp) -> Option<(Timestamp, Owner, u8, u128)> {
        self.timers.keys().next().copied().filter(|(due, ..)| *due <= until)
    }

    pub fn fire(&mut self, (due, owner, kind, object): (Timestamp, Owner, u8, u128)) {
        self.now = self.now.max(due);
        match owner {
            Owner::Triage => {
                let kind = triage::TimerKind::from_number(kind).unwrap();
                self.judge(&triage::Input::Timer(triage::Timer { kind, object }));
            }
            Owner::Escalation => {
                let kind = escalation::TimerKind::from_number(kind).unwrap();
                self.notify(&Input::Timer(escalation::Timer { kind, object }));
            }
        }
    }

    fn arm(&mut self, owner: Owner, kind: u8, object: u128, due: Option<Timestamp>) {
        if let Some(before) = self.armed.remove(&(owner, kind, object)) {
            self.timers.remove(&(before, owner, kind, object));
        }
        if let Some(due) = due {
            self.armed.insert((owner, kind, object), due);
            self.timers.insert((due, owner, kind, object), ());
        }
    }

    /// Loses a timer, as a fault would.
    pub fn lose_timer(&mut self, timer: escalation::Timer) {
        self.arm(Owner::Escalation, timer.kind.number(), timer.object, None);
    }

    pub fn armed(&self, timer: escalation::Timer) -> Option<Timestamp> {
        self.armed.get(&(Owner::Escalation, timer.kind.number(), timer.object)).copied()
    }

    pub fn send(&mut self, service: &str, key: &str, action: Action, severity: Severity) {
        self.offset += 1;
        let source = Source { partition: 0, offset: self.offset, at: self.now, hops: 0 };
        let payload = Payload { summary: key, source: "host", severity, component: None, group: None, class: None };
        let event = Event {
            routing_key: &organisation::key_of(service),
            action,
            dedup_key: key,
            payload: (action == Action::Trigger).then_some(payload),
            body: &NoBody,
            source,
            memo: &triage::Memo::default(),
        };
        self.judge(&triage::Input::Event(&event));
    }

    /// The processor takes a command.
    pub fn ask(&mut self, command: &Command) {
        self.offset += 1;
        let source = Source { partition: 0, offset: self.offset, at: self.now, hops: 0 };
        self.judge(&triage::Input::Command(command, source));
    }

    fn judge(&mut self, input: &triage::Input<'_>) {
        let effects = loop {
            let mut wants = Vec::new();
            triage::footprint(&self.directory, &mut self.processor, input, self.now, &mut wants);
            if wants.is_empty() {
                break triage::apply(&self.directory, &mut self.processor, input, self.now);
            }
            for want in wants {
                match want {
                    triage::Want::Alert(key) => self.processor.alerts.load(key, None),
                    triage::Want::Details(key) => self.processor.details.load(key, None),
                    triage::Want::Incident(key) => self.processor.incidents.load(key, None),
                    triage::Want::Group(key) => self.processor.groups.load(key, None),
                    triage::Want::Members(key) => self.processor.members.load(key, None),
                    triage::Want::Answer(key) => self.processor.answers.load(key, None),
                }
            }
        };
        triage::invariants::all(&self.processor).unwrap();
        for change in effects.timers {
            self.arm(Owner::Triage, change.timer.kind.number(), change.timer.object, change.due);
        }
        for publish in effects.publish {
            match publish {
                triage::Publish::Revision(revision) => {
                    if !self.incident_ids.contains(&revision.incident.id) {
                        self.incident_ids.push(revision.incident.id);
                    }
                    self.incidents.push_back(notice_of(&revision));
                }
                triage::Publish::Answer(answer) => {
                    let verdict = match answer.answer {
                        triage::Answer::Applied(revision) => Verdict::Applied(revision),
                        triage::Answer::Unchanged(revision) => Verdict::Unchanged(revision),
                        triage::Answer::Refused(reason) => Verdict::Refused(reason),
                    };
                    let news = News::Answer { command: answer.command, verdict };
                    self.incidents.push_back(Notice { incident: answer.incident, news });
                }
                triage::Publish::Forward(_) | triage::Publish::DeadLetter { .. } => panic!("one shard, sound events"),
            }
        }
        let mut ignored = 0;
        self.processor.announcements(|_, _| ignored += 1);
    }

    /// The notifier takes an input.
    pub fn notify(&mut self, input: &Input<'_>) {
        let effects = loop {
            let world = World { directory: &self.directory, oncall: &Shifts, options: &self.options };
            let mut wants = Vec::new();
            escalation::footprint(world, &mut self.notifier, input, &mut wants);
            if wants.is_empty() {
                break escalation::apply(world, &mut self.notifier, input, self.now, self.present);
            }
            for want in wants {
                match want {
                    Want::Ladder(key) => self.notifier.ladders.load(key, None),
                    Want::Ring(key) => self.notifier.rings.load(key, None),
                    Want::Person(key) => self.notifier.persons.load(key, None),
                    Want::Order(key) => self.notifier.orders.load(key, None),
                    Want::Errand(key) => self.notifier.errands.load(key, None),
                }
            }
        };
        invariants::all(&mut self.laws, &self.notifier, &effects).unwrap_or_else(|breach| panic!("{}", breach.0));
        for change in &effects.timers {
            self.arm(Owner::Escalation, change.timer.kind.number(), change.timer.object, change.due);
        }
        for publish in &effects.publish {
            match publish {
                Publish::Hop(_, hop) => {
                    self.seen.push(Seen::Hop((**hop).clone()));
                    self.hops.push_back((**hop).clone());
                }
                Publish::Notification(told) => self.seen.push(Seen::Told((**told).clone())),
                Publish::Errand(_, errand) => match &**errand {
                    Errand::Command(command) => self.commands.push_back((**command).clone()),
                    Errand::Gap(gap) => self.seen.push(Seen::Gap(gap.dedup_key.clone())),
                },
                Publish::Order(_) => {}
            }
        }
    }

    pub fn report(&mut self, report: &Report) {
        self.notify(&Input::Report(report));
    }

    pub fn deliver_incident(&mut self) -> bool {
        let Some(notice) = self.incidents.pop_front() else { return false };
        self.notify(&Input::Notice(&notice));
        true
    }

    pub fn deliver_command(&mut self) -> bool {
        let Some(command) = self.commands.pop_front() else { return false };
        self.ask(&command);
        true
    }

    pub fn deliver_hop(&mut self) -> bool {
        match self.hops.pop_front() {
            Some(Hop::Page(page)) => self.notify(&Input::Page(&page)),
            Some(Hop::Withdrawal(it)) => self.notify(&Input::Withdrawal(&it)),
            None => return false,
        };
        true
    }
}

/// A revision as the notifier reads it from its record.
fn notice_of(revision: &triage::Revision) -> Notice {
    let incident = &revision.incident;
    let standing = Standing {
        status: incident.status,
        urgency: incident.urgency,
        priority: incident.priority.as_ref().map(|priority| priority.name.clone()),
        title: incident.title.clone(),
        service: incident.service.clone(),
        policy: incident.policy.clone(),
        assignees: incident.assignees.iter().map(|user| user.id.clone()).collect(),
    };
    let cause = match &revision.cause {
        triage::Cause::Event(_) => Cause::Event,
        triage::Cause::Timer(kind) => Cause::Timer(kind.as_str().into()),
        triage::Cause::Command(id) => Cause::Command(id.clone()),
    };
    let level = match &revision.addition {
        triage::Addition::Level(level) => *level,
        triage::Addition::None | triage::Addition::Note(_) | triage::Addition::Merged(_) => None,
    };
    let (revision, change) = (incident.revision, revision.change);
    Notice {
        incident: incident.id,
        news: News::Revision { revision, change, cause, level, standing: Box::new(standing) },
    }
}

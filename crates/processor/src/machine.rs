//! Triage as the engine's machine: decoding in front of it, rows and records behind it.

use std::sync::Arc;

use bytes::Bytes;
use campanile_directory::Snapshot;
use campanile_engine::{Damage, Machine, Output, Taken};
use campanile_ledger::{Lane, Opening, Record, RowKey, Rows, TimerKey, Topic};
use campanile_model::outcome::DeadReason;
use campanile_model::{Epoch, LedgerId, Outcome, ShardId, Timestamp};
use campanile_pagerduty::events_v2::{Decoder, Problem, limits, validate_logged};
use campanile_record::{alert, command, dead_letter, hop, incident_event};
use campanile_rows as rows;
use campanile_triage::{Effects, Ids, Input, Publish, State, Timer, TimerKind, Want};

use crate::job::{Dead, EventJob, Job};
use crate::service::Directory;

/// The machine of one shard, for whoever steps an engine himself: the simulator.
pub fn machine(directory: Directory, shard: ShardId, public_url: &str) -> impl Machine + use<> {
    TriageMachine::new(directory, shard, public_url.to_owned())
}

pub(crate) struct TriageMachine {
    directory: Directory,
    current: Arc<Snapshot>,
    state: State,
    decoder: Decoder,
    public_url: String,
    shard: ShardId,
    /// Encoding buffer for records, kept for its room.
    buffer: Vec<u8>,
    /// Room for what a footprint asks.
    missing: Vec<Want>,
    /// Size of the last batch's alert records, a guess for the next one's.
    alerts_bytes: usize,
}

impl TriageMachine {
    pub(crate) fn new(directory: Directory, shard: ShardId, public_url: String) -> Self {
        let ids = Ids { ledger: LedgerId(0), shard, serial: 0 };
        let current = directory.load_full();
        Self {
            directory,
            current,
            state: State::new(ids),
            decoder: Decoder::new(),
            public_url,
            shard,
            buffer: Vec::with_capacity(4096),
            missing: Vec::new(),
            alerts_bytes: 0,
        }
    }

    fn setting(&self) -> incident_event::Setting<'_> {
        incident_event::Setting { public_url: &self.public_url, epoch: self.current.epoch }
    }

    fn decode_event<'a>(&mut self, taken: &'a Taken, scratch: &'a mut [u8]) -> Job<'a> {
        if scratch.len() > limits::BODY_BYTES_MAX {
            let detail =
                format!("event of {} bytes exceeds the limit of {} bytes", scratch.len(), limits::BODY_BYTES_MAX);
            return dead(taken, DeadReason::TooLarge, "decode", detail);
        }
        let event = match self.decoder.decode(scratch) {
            Ok(event) => event,
            Err(error) => return dead(taken, DeadReason::Unparseable, "decode", error.to_string()),
        };
        match validate_logged(&event) {
            Ok(request) => Job::Event(Box::new(EventJob::new(taken, request))),
            Err(problems) => dead(taken, DeadReason::Invalid, "decode", sentence(&problems)),
        }
    }

    fn decode_command<'a>(&mut self, taken: &'a Taken) -> Job<'a> {
        match command::decode(&taken.stored.record.value) {
            Ok(command) => Job::Command(taken, Box::new(command)),
            Err(error) => dead(taken, DeadReason::BadCommand, "decode", error),
        }
    }

    fn publish(&mut self, effects: Effects, taken: Option<&Taken>, output: &mut Output) {
        output.outcome(effects.outcome);
        for change in effects.timers {
            output.timer(timer_key(change.timer), change.due);
        }
        for publish in effects.publish {
            match publish {
                Publish::Revision(revision) => {
                    self.buffer.clear();
                    let mut buffer = std::mem::take(&mut self.buffer);
                    incident_event::encode_revision(&revision, output.next_out_seq(), self.setting(), &mut buffer);
                    self.incident_record(revision.incident.id, buffer, output);
                }
                Publish::Answer(answer) => {
                    self.buffer.clear();
                    let mut buffer = std::mem::take(&mut self.buffer);
                    incident_event::encode_answer(&answer, output.next_out_seq(), self.current.epoch, &mut buffer);
                    self.incident_record(answer.incident, buffer, output);
                }
                Publish::Forward(home) => {
                    if let Some(taken) = taken {
                        output.publish(Topic::Triage, home.0, hop::forward(&taken.stored.record, taken.source));
                    }
                }
                Publish::DeadLetter { reason, detail } => {
                    if let Some(taken) = taken {
                        self.dead_letter(taken, reason, "judge", detail, output);
                    }
                }
            }
        }
    }

    fn incident_record(&mut self, id: campanile_model::IncidentId, buffer: Vec<u8>, output: &mut Output) {
        let record = Record::new(id.to_string(), Bytes::copy_from_slice(&buffer));
        output.publish(Topic::Incidents, self.shard.0, record);
        self.buffer = buffer;
    }

    fn dead_letter(&self, taken: &Taken, reason: DeadReason, stage: &'static str, detail: &str, output: &mut Output) {
        let position = dead_letter::Position {
            topic: match taken.lane {
                Lane::Door => Topic::Commands.name(),
                // A forwarded event stood first on the events topic, and that is where its sender will look.
                Lane::Main | Lane::Hop => Topic::Events.name(),
            },
            partition: taken.source.partition,
            offset: taken.source.offset,
            at: taken.source.at,
        };
        let Record { key, value, .. } = taken.stored.record.clone();
        output.dead_letter(stage, reason.as_str());
        let record = dead_letter::record(key, value, reason, stage, detail, Some(position));
        output.publish(Topic::DeadLetters, self.shard.0, record);
    }
}

fn dead<'a>(taken: &'a Taken, reason: DeadReason, stage: &'static str, detail: String) -> Job<'a> {
    Job::Dead(taken, Box::new(Dead { reason, stage, detail }))
}

fn sentence(problems: &[Problem]) -> String {
    let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
    list.join("; ")
}

fn timer_key(timer: Timer) -> TimerKey {
    TimerKey { kind: timer.kind.number(), object: timer.object }
}

/// `None`: a kind that only a newer program knows.
fn timer_of(key: TimerKey) -> Option<Timer> {
    Some(Timer { kind: TimerKind::from_number(key.kind)?, object: key.object })
}

impl Machine for TriageMachine {
    type Job<'a> = Job<'a>;

    fn open(&mut self, opening: &Opening) {
        let ids = Ids { ledger: opening.card.ledger, shard: self.shard, serial: opening.commit.serial };
        self.state = State::new(ids);
    }

    fn epochs(&self) -> (Epoch, Epoch) {
        (self.current.epoch, self.directory.load().epoch)
    }

    fn switch(&mut self) {
        self.current = self.directory.load_full();
    }

    fn serial(&self) -> u64 {
        self.state.ids.serial
    }

    fn decode<'a>(&mut self, taken: &'a Taken, scratch: &'a mut [u8]) -> Job<'a> {
        match taken.lane {
            Lane::Main => self.decode_event(taken, scratch),
            Lane::Hop if taken.source.hops == 0 => {
                dead(taken, DeadReason::Invalid, "decode", "a forwarded event without its envelope".to_owned())
            }
            Lane::Hop => self.decode_event(taken, scratch),
            Lane::Door => self.decode_command(taken),
        }
    }

    fn dead<'a>(&mut self, taken: &'a Taken, reason: DeadReason) -> Job<'a> {
        dead(taken, reason, "judge", "judging it broke a law twice; please report it with these bytes".to_owned())
    }

    fn timer(&mut self, key: TimerKey) -> Job<'static> {
        match timer_of(key) {
            Some(timer) => Job::Timer(timer),
            None => panic!("timer kind {} is not known: a newer version armed it", key.kind),
        }
    }

    fn event_time(&self, job: &Job<'_>) -> Option<Timestamp> {
        match job {
            Job::Event(event) => event.event_time(),
            Job::Command(..) | Job::Timer(_) | Job::Dead(..) => None,
        }
    }

    fn footprint(&mut self, job: &Job<'_>, now: Timestamp, wants: &mut Vec<RowKey>) {
        let mut missing = std::mem::take(&mut self.missing);
        let (current, state) = (&self.current, &mut self.state);
        match job {
            Job::Event(event) => {
                let event = event.event();
                campanile_triage::footprint(current, state, &Input::Event(&event), now, &mut missing);
            }
            Job::Command(taken, command) => {
                let input = Input::Command(command, taken.source);
                campanile_triage::footprint(current, state, &input, now, &mut missing);
            }
            Job::Timer(timer) => campanile_triage::footprint(current, state, &Input::Timer(*timer), now, &mut missing),
            Job::Dead(..) => {}
        }
        wants.extend(missing.drain(..).map(|want| RowKey(rows::keys::of(&want))));
        self.missing = missing;
    }

    fn load(&mut self, key: RowKey, value: Option<&[u8]>) -> Result<(), Damage> {
        let damage = |error: rows::RowError| Damage(format!("row {key:?}: {error}"));
        let Some(want) = rows::keys::read(&key.0) else {
            return Err(Damage(format!("row {key:?} is of no known kind")));
        };
        let state = &mut self.state;
        match want {
            Want::Alert(k) => state.alerts.load(k, value.map(rows::alert::decode).transpose().map_err(damage)?),
            Want::Details(k) => state.details.load(k, value.map(rows::details::decode).transpose().map_err(damage)?),
            Want::Incident(k) => {
                state.incidents.load(k, value.map(rows::incident::decode).transpose().map_err(damage)?)
            }
            Want::Group(k) => state.groups.load(k, value.map(rows::group::decode).transpose().map_err(damage)?),
            Want::Members(k) => state.members.load(k, value.map(rows::members::decode).transpose().map_err(damage)?),
            Want::Answer(k) => state.answers.load(k, value.map(rows::answer::decode).transpose().map_err(damage)?),
        }
        Ok(())
    }

    fn apply(&mut self, job: &Job<'_>, now: Timestamp, output: &mut Output) {
        match job {
            Job::Event(job) => {
                let event = job.event();
                let effects = campanile_triage::apply(&self.current, &mut self.state, &Input::Event(&event), now);
                self.publish(effects, Some(job.taken), output);
            }
            Job::Command(taken, command) => {
                let input = Input::Command(command, taken.source);
                let effects = campanile_triage::apply(&self.current, &mut self.state, &input, now);
                self.publish(effects, Some(taken), output);
            }
            Job::Timer(timer) => {
                let effects = campanile_triage::apply(&self.current, &mut self.state, &Input::Timer(*timer), now);
                self.publish(effects, None, output);
            }
            Job::Dead(taken, dead) => {
                output.outcome(Outcome::DeadLettered(dead.reason));
                self.dead_letter(taken, dead.reason, dead.stage, &dead.detail, output);
            }
        }
    }

    fn pending(&self) -> usize {
        self.state.changed()
    }

    fn drain(&mut self, out: &mut Rows, output: &mut Output) {
        // The records of a batch share one allocation, with room for as much as the last one had: thousands of small ones
        // cost more than writing what is in them.
        let mut arena: Vec<u8> = Vec::with_capacity(self.alerts_bytes);
        let mut ends = Vec::with_capacity(self.state.changed());
        self.state.announcements(|alert, details| {
            arena.extend_from_slice(alert.id.text().as_str().as_bytes());
            let key_end = arena.len();
            alert::encode(alert, details, &mut arena);
            ends.push((key_end, arena.len()));
        });
        self.alerts_bytes = arena.len();
        let arena = Bytes::from(arena);
        let mut start = 0;
        for (key_end, end) in ends {
            let record = Record::new(arena.slice(start..key_end), arena.slice(key_end..end));
            output.publish(Topic::Alerts, self.shard.0, record);
            start = end;
        }
        write_rows(&mut self.state, out);
    }

    fn timer_name(&self, key: TimerKey) -> &'static str {
        timer_of(key).map_or("unknown", |timer| timer.kind.as_str())
    }

    fn remembered(&self) -> Vec<(&'static str, usize)> {
        let state = &self.state;
        vec![
            ("alert", state.alerts.remembered()),
            ("details", state.details.remembered()),
            ("incident", state.incidents.remembered()),
            ("group", state.groups.remembered()),
            ("members", state.members.remembered()),
            ("answer", state.answers.remembered()),
        ]
    }
}

/// Changed rows of every kind, each kind in the order of its keys.
fn write_rows(state: &mut State, out: &mut Rows) {
    macro_rules! write {
        ($table:ident, $key:path, $encode:path) => {
            state.$table.drain(|key, value| {
                let key = RowKey($key(key));
                match value {
                    Some(value) => out.put(key, |bytes| $encode(value, bytes)),
                    None => out.delete(key),
                }
            });
        };
    }
    write!(alerts, rows::keys::alert, rows::alert::encode);
    write!(answers, rows::keys::answer, rows::answer::encode);
    write!(details, rows::keys::details, rows::details::encode);
    write!(groups, rows::keys::group, rows::group::encode);
    write!(incidents, rows::keys::incident, rows::incident::encode);
    write!(members, rows::keys::members, rows::members::encode);
}

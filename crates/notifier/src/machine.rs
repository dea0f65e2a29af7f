//! Escalation as the engine's machine: decoding in front of it, rows, records and deeds behind it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use campanile_clock::Clock;
use campanile_directory::Snapshot;
use campanile_engine::{Damage, Machine, Output, Taken};
use campanile_escalation::{
    self as escalation, Delivery, Effects, Hop, Ids, Input, Notice, Publish, Report, State, Timer, TimerKind, Want,
    What, World,
};
use campanile_ledger::{Appender, Lane, MachineId, Opening, Record, RowKey, Rows, Shard, Stop, TimerKey, Topic};
use campanile_model::outcome::DeadReason;
use campanile_model::{Epoch, LedgerId, Outcome, ShardId, Span, Timestamp};
use campanile_record::{answer, dead_letter, incident_notice, notification, page};
use campanile_rows as rows;
use campanile_rows::keys::Kind;
use campanile_rows::notifier_keys as keys;

use crate::audit;
use crate::deeds::Deeds;
use crate::figures::IncidentFigures;
use crate::lookout::HeldShards;
use crate::message::Directory;
use crate::outbox::answered;
use crate::service::Carriers;
use crate::telemetry;

/// A pass that ends so much earlier than the clock's time works off a backlog: the present is what the clock says. Ours:
/// more than any two clocks differ.
const BEHIND_MAX: Span = Span::minutes(5);

/// What the machines of all shards share.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) directory: Directory,
    pub(crate) paging: Arc<escalation::Options>,
    pub(crate) carriers: Carriers,
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) held: Arc<HeldShards>,
    /// The ledger's.
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) enum Job<'a> {
    Notice(Notice, &'a Taken),
    Hop(Hop),
    Report(Report),
    Timer(Timer),
    Dead(&'a Taken, DeadReason, String),
}

pub(crate) struct EscalationMachine {
    frame: Frame,
    current: Arc<Snapshot>,
    state: State,
    shard: ShardId,
    /// Log time where the shard opened.
    opened_at: Timestamp,
    /// The latest moment that a pass has come to.
    present: Timestamp,
    growing: Deeds,
    /// Deeds of sealed batches that are not durable yet, oldest first.
    sealed: VecDeque<(u64, Deeds)>,
    /// `None` until stored errands and orders were found again.
    audited: Option<Instant>,
    figures: IncidentFigures,
    /// Encoding buffer for records, kept for its room.
    buffer: Vec<u8>,
}

impl EscalationMachine {
    pub(crate) fn new(frame: Frame, shard: ShardId) -> Self {
        frame.carriers.own(shard);
        let current = frame.directory.load_full();
        frame.held.add(shard);
        Self {
            frame,
            current,
            state: State::new(Ids { ledger: LedgerId(0), shard, serial: 0 }),
            shard,
            opened_at: Timestamp::default(),
            present: Timestamp::default(),
            growing: Deeds::default(),
            sealed: VecDeque::new(),
            audited: None,
            figures: IncidentFigures::default(),
            buffer: Vec::with_capacity(1024),
        }
    }

    /// Errands and orders that a process before this one has left undone.
    fn find_again(&mut self, stored: &mut dyn Shard) -> Result<(), Stop> {
        let mut deeds = Deeds::default();
        audit::each_row(stored, Kind::Errand, |key, value| {
            if let Some(Want::Errand(key)) = keys::read(&key.0) {
                deeds.errands.push((key, Some(rows::errand::decode(value)?)));
            }
            Ok(())
        })?;
        audit::each_row(stored, Kind::Order, |_, value| {
            let order = rows::order::decode(value)?;
            if order.delivery == Delivery::Waiting {
                // One that was refused waits for its timer; one that nobody reported on may never have left.
                if order.attempts == 0 || order.due <= self.opened_at {
                    deeds.offers.push(order.id);
                }
                deeds.orders.push((order.id, Some(order)));
            }
            Ok(())
        })?;
        if !deeds.is_empty() {
            let (errands, orders) = (deeds.errands.len(), deeds.orders.len());
            tracing::info!(shard = %self.shard, errands, orders, "found again what was not done yet");
        }
        self.frame.carriers.take(self.shard, deeds);
        Ok(())
    }

    /// Tells the shard of every ladder without a future, by its own door, so that the repair is judged in order.
    fn audit(&mut self, stored: &mut dyn Shard) -> Result<(), Stop> {
        let found = audit::pass(stored)?;
        telemetry::audited(self.shard, &found);
        let records: Vec<_> =
            found.stranded.iter().map(|incident| answered(&incident.to_string(), &Report::Audit(*incident))).collect();
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len();
        tracing::error!(shard = %self.shard, count, "open incidents had no next deadline; they are given one");
        // Not taken now, they are found again at the next pass.
        self.frame.appender.append(Topic::Answers, self.shard.0, records, Box::new(|_| {}));
        Ok(())
    }

    fn decode_report<'a>(&self, taken: &'a Taken) -> Job<'a> {
        let report = match answer::decode(&taken.stored.record.value) {
            Ok(report) => report,
            Err(error) => return dead(taken, error),
        };
        let shards = self.current.shards;
        match &report {
            // What it asks goes to the incident's own partition, which must be there.
            Report::Person { incident: Some(incident), .. } if incident.shard().0 >= shards => {
                dead(taken, format!("incident {incident} was made on another ledger: this one has {shards} shards"))
            }
            Report::Person { .. }
            | Report::Order { .. }
            | Report::Sent { .. }
            | Report::Handoff(_)
            | Report::Audit(_) => Job::Report(report),
        }
    }

    fn publish(&mut self, effects: Effects, output: &mut Output) {
        output.outcome(effects.outcome);
        for change in effects.timers {
            output.timer(timer_key(change.timer), change.due);
        }
        for publish in effects.publish {
            match publish {
                Publish::Hop(home, hop) => {
                    let user = match &*hop {
                        Hop::Page(page) => page.user.to_string(),
                        Hop::Withdrawal(it) => it.user.to_string(),
                    };
                    let value = self.encoded(|out| page::encode(&hop, out));
                    output.publish(Topic::Pages, home.0, Record::new(user, value));
                }
                Publish::Notification(it) => {
                    if let What::Entered { .. } = it.what {
                        self.growing.levels.push(it.place.level);
                    }
                    let out_seq = output.next_out_seq();
                    let value = self.encoded(|out| notification::encode(&it, out_seq, out));
                    output.publish(Topic::Notifications, self.shard.0, Record::new(it.incident.to_string(), value));
                }
                // Its row says all; it is taken from there when the batch is sealed.
                Publish::Errand(..) => {}
                Publish::Order(id) => self.growing.offers.push(id),
            }
        }
    }

    fn encoded(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        self.buffer.clear();
        encode(&mut self.buffer);
        self.buffer.clone()
    }

    fn dead_letter(&self, taken: &Taken, reason: DeadReason, detail: &str, output: &mut Output) {
        let position = dead_letter::Position {
            topic: MachineId::Notifier.topic(taken.lane).name(),
            partition: self.shard.0,
            offset: taken.stored.offset,
            at: taken.stored.at,
        };
        let stage = if reason == DeadReason::Panicked { "judge" } else { "decode" };
        let Record { key, value, .. } = taken.stored.record.clone();
        output.dead_letter(stage, reason.as_str());
        let record = dead_letter::record(key, value, reason, stage, detail, Some(position));
        output.publish(Topic::DeadLetters, self.shard.0, record);
    }
}

fn dead(taken: &Taken, detail: String) -> Job<'_> {
    Job::Dead(taken, DeadReason::Invalid, detail)
}

fn timer_key(timer: Timer) -> TimerKey {
    TimerKey { kind: timer.kind.number(), object: timer.object }
}

/// `None`: a kind that only a newer program knows.
fn timer_of(key: TimerKey) -> Option<Timer> {
    Some(Timer { kind: TimerKind::from_number(key.kind)?, object: key.object })
}

/// What escalation is given; nothing for bytes that make no sense.
fn input<'a>(job: &'a Job<'_>) -> Option<Input<'a>> {
    match job {
        Job::Notice(notice, _) => Some(Input::Notice(notice)),
        Job::Hop(Hop::Page(page)) => Some(Input::Page(page)),
        Job::Hop(Hop::Withdrawal(it)) => Some(Input::Withdrawal(it)),
        Job::Report(report) => Some(Input::Report(report)),
        Job::Timer(timer) => Some(Input::Timer(*timer)),
        Job::Dead(..) => None,
    }
}

fn world<'a>(directory: &'a Snapshot, options: &'a escalation::Options) -> World<'a> {
    World { directory, oncall: directory, options }
}

impl Machine for EscalationMachine {
    type Job<'a> = Job<'a>;

    fn open(&mut self, opening: &Opening) {
        let ids = Ids { ledger: opening.card.ledger, shard: self.shard, serial: opening.commit.serial };
        self.state = State::new(ids);
        self.opened_at = opening.commit.now;
        self.growing = Deeds::default();
    }

    fn epochs(&self) -> (Epoch, Epoch) {
        (self.current.epoch, self.frame.directory.load().epoch)
    }

    fn switch(&mut self) {
        self.current = self.frame.directory.load_full();
    }

    fn serial(&self) -> u64 {
        self.state.ids.serial
    }

    fn decode<'a>(&mut self, taken: &'a Taken, _scratch: &'a mut [u8]) -> Job<'a> {
        let value = &taken.stored.record.value;
        match taken.lane {
            Lane::Main => match incident_notice::decode(value) {
                Ok(notice) => Job::Notice(notice, taken),
                Err(error) => dead(taken, error),
            },
            Lane::Hop => match page::decode(value) {
                Ok(hop) => Job::Hop(hop),
                Err(error) => dead(taken, error),
            },
            Lane::Door => self.decode_report(taken),
        }
    }

    fn dead<'a>(&mut self, taken: &'a Taken, reason: DeadReason) -> Job<'a> {
        Job::Dead(taken, reason, "judging it broke a law twice; please report it with these bytes".to_owned())
    }

    fn timer(&mut self, key: TimerKey) -> Job<'static> {
        match timer_of(key) {
            Some(timer) => Job::Timer(timer),
            None => panic!("timer kind {} is not known: a newer version armed it", key.kind),
        }
    }

    fn event_time(&self, _job: &Job<'_>) -> Option<Timestamp> {
        None
    }

    fn footprint(&mut self, job: &Job<'_>, _now: Timestamp, wants: &mut Vec<RowKey>) {
        let Some(input) = input(job) else { return };
        let mut missing: Vec<Want> = Vec::new();
        let world = world(&self.current, &self.frame.paging);
        escalation::footprint(world, &mut self.state, &input, &mut missing);
        wants.extend(missing.iter().map(|want| RowKey(keys::of(want))));
    }

    fn load(&mut self, key: RowKey, value: Option<&[u8]>) -> Result<(), Damage> {
        let damage = |error: rows::RowError| Damage(format!("row {key:?}: {error}"));
        let Some(want) = keys::read(&key.0) else {
            return Err(Damage(format!("row {key:?} is of no known kind")));
        };
        let state = &mut self.state;
        match want {
            Want::Ladder(k) => state.ladders.load(k, value.map(rows::ladder::decode).transpose().map_err(damage)?),
            Want::Ring(k) => state.rings.load(k, value.map(rows::ring::decode).transpose().map_err(damage)?),
            Want::Person(k) => state.persons.load(k, value.map(rows::person::decode).transpose().map_err(damage)?),
            Want::Order(k) => state.orders.load(k, value.map(rows::order::decode).transpose().map_err(damage)?),
            Want::Errand(k) => state.errands.load(k, value.map(rows::errand::decode).transpose().map_err(damage)?),
        }
        Ok(())
    }

    fn apply(&mut self, job: &Job<'_>, now: Timestamp, output: &mut Output) {
        if let Job::Dead(taken, reason, detail) = job {
            output.outcome(Outcome::DeadLettered(*reason));
            return self.dead_letter(taken, *reason, detail, output);
        }
        if let Job::Notice(_, taken) = job {
            self.figures.note(&taken.stored.record.value);
        }
        let Some(input) = input(job) else { return };
        let world = world(&self.current, &self.frame.paging);
        let effects = escalation::apply(world, &mut self.state, &input, now, self.present);
        if let (Input::Report(Report::Person { id, user, order, .. }), Outcome::Stale) = (&input, effects.outcome) {
            let order = order.map(|order| order.to_string());
            tracing::warn!(%id, %user, order, "a person answered an order that is not known any more; nothing is done");
        }
        self.publish(effects, output);
    }

    fn pending(&self) -> usize {
        self.state.changed()
    }

    fn drain(&mut self, out: &mut Rows, _output: &mut Output) {
        write_rows(&mut self.state, out, &mut self.growing);
    }

    fn present(&mut self, until: Timestamp) {
        let clock = self.frame.clock.now();
        let present = if clock > until + BEHIND_MAX { clock } else { until };
        self.present = self.present.max(present);
    }

    fn timer_name(&self, key: TimerKey) -> &'static str {
        timer_of(key).map_or("unknown", |timer| timer.kind.as_str())
    }

    fn remembered(&self) -> Vec<(&'static str, usize)> {
        let state = &self.state;
        vec![
            ("ladder", state.ladders.remembered()),
            ("ring", state.rings.remembered()),
            ("person", state.persons.remembered()),
            ("order", state.orders.remembered()),
            ("errand", state.errands.remembered()),
        ]
    }

    fn sealed(&mut self, seq: u64) {
        let deeds = std::mem::take(&mut self.growing);
        if !deeds.is_empty() {
            self.sealed.push_back((seq, deeds));
        }
    }

    fn committed(&mut self, seq: u64) {
        while let Some((_, deeds)) = self.sealed.pop_front_if(|(sealed, _)| *sealed <= seq) {
            self.frame.carriers.take(self.shard, deeds);
        }
    }

    fn look(&mut self, stored: &mut dyn Shard) -> Result<(), Stop> {
        match self.audited {
            None => self.find_again(stored)?,
            Some(at) if at.elapsed() < audit::EVERY => return Ok(()),
            Some(_) => self.audit(stored)?,
        }
        self.audited = Some(Instant::now());
        Ok(())
    }
}

impl Drop for EscalationMachine {
    fn drop(&mut self) {
        self.frame.carriers.forget(self.shard);
        self.frame.held.remove(self.shard);
    }
}

/// Changed rows of every kind, each kind in the order of its keys. Errands and orders are deeds as well.
fn write_rows(state: &mut State, out: &mut Rows, deeds: &mut Deeds) {
    macro_rules! write {
        ($table:ident, $key:path, $encode:path, $also:expr) => {
            state.$table.drain(|key, value| {
                $also(key, value);
                let key = RowKey($key(key));
                match value {
                    Some(value) => out.put(key, |bytes| $encode(value, bytes)),
                    None => out.delete(key),
                }
            });
        };
    }
    write!(errands, keys::errand, rows::errand::encode, |key: &_, value: Option<&_>| {
        deeds.errands.push((*key, value.cloned()));
    });
    write!(ladders, keys::ladder, rows::ladder::encode, |_: &_, _: Option<&_>| {});
    write!(orders, keys::order, rows::order::encode, |key: &_, value: Option<&_>| {
        deeds.orders.push((*key, value.cloned()));
    });
    write!(persons, keys::person, rows::person::encode, |_: &_, _: Option<&_>| {});
    write!(rings, keys::ring, rows::ring::encode, |_: &_, _: Option<&_>| {});
}

//! The life of one line: read, send, tell the log how far it is, again.
//!
//! A line is a task of its own, so that no subscription waits for another. After a kill -9 it sends again what was
//! delivered since its last cursor, at most [`UNTOLD_MAX`] and what was under way, under the same ids.

use std::sync::Arc;
use std::time::{Duration, Instant};

use campanile_directory::Subscription;
use campanile_ledger::{AppendError, Record, Stored, TailError, Topic};
use campanile_model::Timestamp;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::task::JoinSet;
use tracing::{error, warn};

use super::compose::{Happened, happened};
use super::cursor::{self, Cursor};
use super::deliver::{Attempt, Verdict, attempt, webhook_id};
use super::endpoint::Gate;
use super::line::{Job, Line};
use super::{House, Seat, telemetry};

/// Deliveries that the log was not told of, beyond which none is begun.
const UNTOLD_MAX: usize = 100;
/// How long the log is not told at most.
const UNTOLD_FOR: Duration = Duration::from_millis(200);
/// A cursor that does not change is written again this often, so that trimming never reaches the newest.
const WRITTEN_AGAIN: Duration = Duration::from_secs(60);
/// Longest pause without a look around.
const LOOK: Duration = Duration::from_secs(1);
/// Pause while the receiver has as many deliveries as it may.
const CROWDED: Duration = Duration::from_millis(100);
/// How far before its end a partition is searched for what a new subscription should have had.
const LOOK_BACK: u64 = 200;

pub(crate) struct Runner {
    house: Arc<House>,
    seat: Arc<Seat>,
    partition: u16,
    line: Line,
    sending: JoinSet<(u64, Attempt, OwnedSemaphorePermit)>,
    untold: usize,
    /// The cursor on the log is not the line's.
    is_dirty: bool,
    told_at: Instant,
    mended: u64,
    url: String,
}

impl Runner {
    /// A line from its cursor on, or from the end of the partition.
    pub(crate) async fn open(house: Arc<House>, seat: Arc<Seat>, partition: u16, cursor: Option<Cursor>) -> Self {
        let (reading, id) = (Arc::clone(&house), seat.id.clone());
        let opened = tokio::task::spawn_blocking(move || open_line(&reading, &id, partition, cursor)).await;
        let line = opened.unwrap_or_else(|panic| {
            error!(%panic, partition, "a webhook's queue could not be opened; it begins at the end of the log");
            Line::new(house.tail.ends(Topic::Incidents, partition).end)
        });
        let sending = JoinSet::new();
        let told_at = Instant::now();
        let (mended, url) = (0, String::new());
        Self { house, seat, partition, line, sending, untold: 0, is_dirty: true, told_at, mended, url }
    }

    /// Goes on until `stop` is set or the subscription is gone; then waits for what is under way and tells the log.
    pub(crate) async fn run(mut self, mut end: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let Some(subscription) = self.house.subscription(&self.seat.id) else {
                self.sending.shutdown().await;
                let _ = self.append(Topic::Webhooks, cursor::removed(&self.seat.id)).await;
                self.seat.forget(self.partition);
                return;
            };
            self.mind(&subscription);
            let known_end = *end.borrow_and_update();
            let has_more = self.read_on(&subscription, known_end).await;
            self.dispatch(&subscription);
            self.tell_if_due().await;
            self.seat.show(self.partition, &self.line);
            if has_more && !self.line.is_full() {
                tokio::task::yield_now().await;
                continue;
            }
            let pause = self.pause(subscription.active);
            tokio::select! {
                Some(sent) = self.sending.join_next(), if !self.sending.is_empty() => self.came(sent).await,
                _ = end.changed(), if !self.line.is_full() => {}
                () = self.seat.wake.notified() => {}
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while let Some(sent) = self.sending.join_next().await {
            self.came(sent).await;
        }
        self.tell().await;
    }

    /// Follows changes of the subscription and of its receiver's standing.
    fn mind(&mut self, subscription: &Subscription) {
        let now = self.house.clock.now();
        if self.url != subscription.url {
            if !self.url.is_empty() {
                self.seat.endpoint().enable();
            }
            self.url.clone_from(&subscription.url);
        }
        let mended = self.seat.endpoint().mended;
        if self.mended != mended {
            self.mended = mended;
            self.line.hurry(now);
            self.is_dirty = true;
        }
    }

    /// Takes what happened since; says whether there may be more.
    async fn read_on(&mut self, subscription: &Subscription, end: u64) -> bool {
        if self.line.is_full() || self.line.next >= end {
            return false;
        }
        let (house, partition, from) = (Arc::clone(&self.house), self.partition, self.line.next);
        let read = tokio::task::spawn_blocking(move || house.reader.read(partition, from)).await;
        match read {
            Ok(Ok(records)) => {
                let directory = self.house.directory.load_full();
                for stored in &records {
                    if self.line.is_full() {
                        break;
                    }
                    self.is_dirty = true;
                    match happened(&stored.record.value, &directory) {
                        Ok(Some(it)) => {
                            let is_wanted = subscription.active && it.is_for(subscription, &directory);
                            self.line.take(stored.offset, stored.at, it, is_wanted);
                        }
                        Ok(None) => self.line.next = stored.offset + 1,
                        Err(reason) => {
                            error!(partition, offset = stored.offset, reason, "a record of an incident is damaged");
                            self.line.next = stored.offset + 1;
                        }
                    }
                }
                !records.is_empty()
            }
            Ok(Err(TailError::Trimmed { asked, start })) => {
                error!(partition, asked, start, subscription = %self.seat.id, "the log was trimmed below a webhook");
                telemetry::lost(start - asked);
                self.line.next = start;
                true
            }
            Ok(Err(TailError::Damaged(reason))) => {
                error!(partition, reason, "the incidents topic cannot be read; webhooks wait");
                tokio::time::sleep(LOOK).await;
                false
            }
            Err(_) => false,
        }
    }

    fn dispatch(&mut self, subscription: &Arc<Subscription>) {
        let now = self.house.clock.now();
        if !subscription.active {
            return;
        }
        let room = UNTOLD_MAX.saturating_sub(self.untold + self.sending.len());
        if room == 0 || self.line.len() == 0 {
            return;
        }
        let gate = self.seat.endpoint().gate(&self.house.options.patience(), now);
        let ready = match gate {
            Gate::Shut(_) => return,
            Gate::Open => self.line.ready(now, room, false),
            Gate::Probe => self.line.ready(now, 1, true),
        };
        if ready.is_empty() && gate == Gate::Probe {
            self.seat.endpoint().probe_unused(now);
        }
        for offset in ready {
            let Ok(permit) = Arc::clone(&self.seat.permits).try_acquire_owned() else { return };
            self.send(offset, subscription, now, permit);
        }
    }

    fn send(&mut self, offset: u64, subscription: &Arc<Subscription>, now: Timestamp, permit: OwnedSemaphorePermit) {
        let Some(job) = self.line.job(offset) else { return };
        let (event, at) = (job.event.clone(), job.at);
        self.line.sending(offset, now);
        let (house, subscription) = (Arc::clone(&self.house), Arc::clone(subscription));
        self.sending.spawn(async move {
            let options = &house.options;
            let url = &options.public_url;
            let sent = attempt(&house.egress, &subscription, &event, (at, now), url, options.timeout).await;
            (offset, sent, permit)
        });
    }

    async fn came(&mut self, sent: Result<(u64, Attempt, OwnedSemaphorePermit), tokio::task::JoinError>) {
        let (offset, sent, permit) = match sent {
            Ok(sent) => sent,
            Err(panic) => {
                error!(%panic, subscription = %self.seat.id, "an attempt panicked; its event is sent after the next start");
                return;
            }
        };
        drop(permit);
        let (house, now) = (Arc::clone(&self.house), self.house.clock.now());
        let patience = house.options.patience();
        self.is_dirty = true;
        let expired = self
            .line
            .job(offset)
            .is_some_and(|job| job.since.is_some_and(|since| now.since(since) >= house.options.retried_for));
        match sent.verdict {
            Verdict::Delivered => {
                self.seat.endpoint().delivered();
                telemetry::attempted("delivered", sent.took);
                if let Some(job) = self.line.done(offset) {
                    telemetry::delivered(now.since(job.at));
                }
                self.untold += 1;
            }
            Verdict::Failed if !expired => {
                self.seat.endpoint().failed(&patience, now);
                telemetry::attempted("failed", sent.took);
                self.line.failed(offset, now, true);
                self.seat.said(&sent.detail);
            }
            Verdict::Failed | Verdict::Refused => {
                telemetry::attempted("refused", sent.took);
                self.seat.said(&sent.detail);
                if self.seat.endpoint().gives_up(&patience, now) {
                    self.give_up(offset, &sent.detail, now).await;
                } else {
                    self.line.failed(offset, now, false);
                }
            }
        }
        // Others of the same receiver may go now.
        self.seat.wake.notify_waiters();
    }

    /// An event that will not be delivered is told on `campanile.notifications`, and only then left behind.
    async fn give_up(&mut self, offset: u64, detail: &str, now: Timestamp) {
        let Some(job) = self.line.job(offset) else { return };
        let Some(subscription) = self.house.subscription(&self.seat.id) else { return };
        let record = given_up(job, &subscription, detail, now);
        warn!(subscription = %self.seat.id, incident = %job.incident, detail, "a webhook was given up");
        if self.append(Topic::Notifications, record).await.is_err() {
            self.line.failed(offset, now, true);
            return;
        }
        telemetry::gave_up();
        self.line.done(offset);
        self.untold += 1;
    }

    async fn tell_if_due(&mut self) {
        let is_due = self.is_dirty && (self.untold >= UNTOLD_MAX || self.told_at.elapsed() >= UNTOLD_FOR);
        if is_due || self.told_at.elapsed() >= WRITTEN_AGAIN {
            self.tell().await;
        }
    }

    async fn tell(&mut self) {
        let parked_until = self.seat.endpoint().parked_until;
        let record = cursor::record(&self.seat.id, &self.line, parked_until);
        match self.append(Topic::Webhooks, record).await {
            Ok(()) => {
                self.untold = 0;
                self.is_dirty = false;
            }
            Err(reason) => warn!(%reason, "a webhook's cursor was not taken by the log; it is written again"),
        }
        self.told_at = Instant::now();
    }

    async fn append(&self, topic: Topic, record: Record) -> Result<(), AppendError> {
        let (tx, rx) = oneshot::channel();
        let done = Box::new(move |answer: Result<_, AppendError>| drop(tx.send(answer.map(drop))));
        self.house.appender.append(topic, self.partition, vec![record], done);
        rx.await.unwrap_or_else(|_| Err(AppendError::InDoubt("the ledger closed before it answered".to_owned())))
    }

    fn pause(&self, is_active: bool) -> Duration {
        let now = self.house.clock.now();
        let until = |at: Timestamp| Duration::from_millis(at.since(now).0.clamp(1, 1_000) as u64);
        let mut pause = self.line.next_due().map_or(LOOK, until);
        // Whoever ends a delivery wakes all lines of the receiver; the clock is only there in case that is missed.
        if self.seat.permits.available_permits() == 0 || !is_active {
            pause = pause.max(CROWDED);
        }
        let parked = self.seat.endpoint().parked_until;
        if let Some(at) = parked.or(self.seat.endpoint().probe_at).filter(|at| *at > now) {
            pause = pause.max(until(at)).min(LOOK);
        }
        if self.is_dirty {
            pause = pause.min(UNTOLD_FOR.saturating_sub(self.told_at.elapsed()).max(Duration::from_millis(1)));
        }
        pause
    }
}

fn given_up(job: &Job, subscription: &Subscription, detail: &str, now: Timestamp) -> Record {
    let value = json!({
        "v": 1,
        "type": "webhook_given_up",
        "incident": job.incident.to_string(),
        "occurred_at": now.to_string(),
        "subscription": subscription.id.as_str(),
        "event": job.event.id,
        "event_type": job.event.event_type,
        "webhook": webhook_id(subscription, &job.event, job.at),
        "attempts": job.attempts + 1,
        "detail": detail,
    });
    Record::new(job.incident.to_string(), value.to_string())
}

fn open_line(house: &House, id: &str, partition: u16, cursor: Option<Cursor>) -> Line {
    let Some(cursor) = cursor else {
        return Line::new(first_position(house, id, partition));
    };
    let directory = house.directory.load_full();
    let read = |offset: u64| -> Option<(Stored, Happened)> {
        let stored = house.reader.one(partition, offset)?;
        let it = happened(&stored.record.value, &directory).ok().flatten()?;
        Some((stored, it))
    };
    let mut line = Line::new(cursor.next);
    for pending in cursor.pending {
        let Some((stored, it)) = read(pending.offset) else {
            error!(partition, offset = pending.offset, subscription = id, "the log was trimmed below a webhook");
            telemetry::lost(1);
            continue;
        };
        let data = (pending.data_offset != pending.offset).then(|| read(pending.data_offset)).flatten();
        line.restore(pending, stored.at, it, data.as_ref().map(|(_, it)| it));
    }
    line
}

/// Where a subscription without a cursor begins: at what was judged under the directory that brought it, as far as a
/// short look back reaches, else at the end.
fn first_position(house: &House, id: &str, partition: u16) -> u64 {
    let ends = house.tail.ends(Topic::Incidents, partition);
    let from = ends.end.saturating_sub(LOOK_BACK).max(ends.start);
    let directory = house.directory.load_full();
    let epoch = house.seen_since(id);
    let records = house.tail.read(Topic::Incidents, partition, from, LOOK_BACK as usize).unwrap_or_default();
    let is_new = |stored: &&Stored| {
        happened(&stored.record.value, &directory).ok().flatten().is_some_and(|it| it.epoch >= epoch)
    };
    records.iter().find(is_new).map_or(ends.end, |stored| stored.offset)
}

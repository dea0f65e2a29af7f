//! One subscription's queue on one partition: what is still to be delivered, in order for each incident.
//!
//! Pure: the caller reads, sends, and tells what came of it. What is kept in memory is bounded; the rest waits on the
//! log, so a subscription that is parked for a week costs no more than one that is parked for a minute.

use std::collections::{BTreeMap, HashMap, VecDeque};

use campanile_model::{Change, IncidentId, Span, Timestamp};
use campanile_pagerduty::webhooks_v3::payload::{Data, Event};

use super::compose::Happened;

/// Most deliveries of a line that are held in memory and named in its cursor; beyond them nothing more is read.
pub(crate) const JOBS_MAX: usize = 1_000;

/// How long an event waits for its people. With a priority's delay, or nobody to assign, they come later or never.
pub(crate) const PEOPLE_WAIT: Span = Span::seconds(2);

/// First and longest pause between two attempts. Source: reference of this project, "slow webhook".
const PAUSE: (i64, i64) = (1_000, 3_600_000);

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) incident: IncidentId,
    pub(crate) event: Event,
    /// The record that its data is from: its own, or the one that brought its people.
    pub(crate) data_offset: u64,
    /// When it happened, in log time.
    pub(crate) at: Timestamp,
    /// When it was first attempted.
    pub(crate) since: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) due: Timestamp,
    in_flight: bool,
    awaits_people: bool,
}

/// What a cursor says of a delivery that was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) offset: u64,
    pub(crate) data_offset: u64,
    pub(crate) since: Option<Timestamp>,
    pub(crate) attempts: u32,
}

#[derive(Debug)]
pub(crate) struct Line {
    /// The next record to read.
    pub(crate) next: u64,
    jobs: BTreeMap<u64, Job>,
    /// Offsets of each incident's jobs in order; only the first may be sent.
    incidents: HashMap<IncidentId, VecDeque<u64>>,
}

impl Line {
    pub(crate) fn new(next: u64) -> Self {
        Self { next, jobs: BTreeMap::new(), incidents: HashMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.jobs.len() >= JOBS_MAX
    }

    pub(crate) fn job(&self, offset: u64) -> Option<&Job> {
        self.jobs.get(&offset)
    }

    /// Time of the oldest event that is still to be delivered.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.jobs.values().next().map(|job| job.at)
    }

    /// Takes what the record at `offset` says. `is_wanted`: the subscription is to be sent its event.
    pub(crate) fn take(&mut self, offset: u64, at: Timestamp, happened: Happened, is_wanted: bool) {
        self.next = self.next.max(offset + 1);
        self.people_came(offset, &happened);
        if is_wanted && happened.event.is_some() {
            self.put(offset, Pending { offset, data_offset: offset, since: None, attempts: 0 }, at, happened);
        }
    }

    /// Takes a delivery that a cursor named, its data from `data`, if that is another record than its own.
    pub(crate) fn restore(&mut self, pending: Pending, at: Timestamp, happened: Happened, data: Option<&Happened>) {
        self.put(pending.offset, pending, at, happened);
        if let (Some(job), Some(data)) = (self.jobs.get_mut(&pending.offset), data) {
            replace(job, pending.data_offset, data);
        }
    }

    fn put(&mut self, offset: u64, pending: Pending, at: Timestamp, happened: Happened) {
        let awaits_people = happened.awaits_people() && pending.attempts == 0;
        let Some(event) = happened.event else { return };
        let job = Job {
            incident: happened.incident,
            event,
            data_offset: pending.data_offset,
            at,
            since: pending.since,
            attempts: pending.attempts,
            due: if awaits_people { at + PEOPLE_WAIT } else { at },
            in_flight: false,
            awaits_people,
        };
        self.incidents.entry(job.incident).or_default().push_back(offset);
        self.jobs.insert(offset, job);
    }

    /// Whatever happens next to an incident ends the waiting for its people; if it is their coming, they are shown.
    fn people_came(&mut self, offset: u64, happened: &Happened) {
        let Some(last) = self.incidents.get(&happened.incident).and_then(|jobs| jobs.back()) else { return };
        let Some(job) = self.jobs.get_mut(last).filter(|job| job.awaits_people) else { return };
        job.awaits_people = false;
        job.due = job.at;
        if happened.change == Change::Assigned && !job.in_flight && job.attempts == 0 {
            replace(job, offset, happened);
        }
    }

    /// Offsets that may be sent now, the oldest first, at most `max`. With `is_probe` one of those that wait for their
    /// next attempt will do, but one that was not tried yet goes first: it may be the event that is refused, not all.
    pub(crate) fn ready(&self, now: Timestamp, max: usize, is_probe: bool) -> Vec<u64> {
        let heads = self.incidents.values().filter_map(|jobs| jobs.front()).copied();
        let may = |offset: &u64| {
            let job = &self.jobs[offset];
            !job.in_flight && (job.due <= now || (is_probe && job.attempts > 0))
        };
        let mut ready: Vec<u64> = heads.filter(may).collect();
        ready.sort_unstable_by_key(|offset| (if is_probe { self.jobs[offset].attempts } else { 0 }, *offset));
        ready.truncate(max);
        ready
    }

    /// When the next delivery that is not under way is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let heads = self.incidents.values().filter_map(|jobs| jobs.front());
        heads.map(|offset| &self.jobs[offset]).filter(|job| !job.in_flight).map(|job| job.due).min()
    }

    pub(crate) fn sending(&mut self, offset: u64, now: Timestamp) {
        if let Some(job) = self.jobs.get_mut(&offset) {
            job.in_flight = true;
            job.awaits_people = false;
            job.since.get_or_insert(now);
        }
    }

    /// It was delivered or given up.
    pub(crate) fn done(&mut self, offset: u64) -> Option<Job> {
        let job = self.jobs.remove(&offset)?;
        if let Some(jobs) = self.incidents.get_mut(&job.incident) {
            jobs.retain(|of| *of != offset);
            if jobs.is_empty() {
                self.incidents.remove(&job.incident);
            }
        }
        Some(job)
    }

    /// It was not; another attempt comes later, if `counts`, or as soon as it may.
    pub(crate) fn failed(&mut self, offset: u64, now: Timestamp, counts: bool) {
        if let Some(job) = self.jobs.get_mut(&offset) {
            job.in_flight = false;
            job.attempts += u32::from(counts);
            job.due = if counts { now + pause(offset, job.attempts) } else { now };
        }
    }

    /// Everything that waits for its next attempt is due now.
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        for job in self.jobs.values_mut().filter(|job| job.attempts > 0 && job.due > now) {
            job.due = now;
        }
    }

    pub(crate) fn pending(&self) -> Vec<Pending> {
        let pending = |(offset, job): (&u64, &Job)| Pending {
            offset: *offset,
            data_offset: job.data_offset,
            since: job.since,
            attempts: job.attempts,
        };
        self.jobs.iter().map(pending).collect()
    }
}

fn replace(job: &mut Job, offset: u64, happened: &Happened) {
    job.data_offset = offset;
    if let Data::Incident(_) = job.event.data {
        job.event.data = Data::Incident(Box::new(happened.standing.clone()));
    }
}

/// Doubles from a second to an hour, less up to half of it by lot, so that receivers that come back are not met by all
/// at once. The lot is drawn from offset and attempt: the same again after a restart, which does no harm.
fn pause(offset: u64, attempts: u32) -> Span {
    let whole = PAUSE.0.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(PAUSE.1);
    let lot = (offset ^ u64::from(attempts) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    Span(whole / 2 + (lot as i64 % (whole / 2 + 1)))
}

//! The noise: a stream of alert events with the mix, the skew and the sizes of real monitoring, the same for the same
//! seed on every machine. docs/reference/workload.md describes it for someone who builds it again.
//!
//! One event takes about a microsecond, so that the generator is never what a figure measures.

use campanile_model::Timestamp;

use crate::event_json::Writer;
use crate::organisation::{maintained, routing_keys};
use crate::random::{Random, Weighted};

/// Event time of event 0, and how many events one second of event time holds. Source: performance.md 2.
pub const BEGINS: Timestamp = Timestamp(1_790_000_000_000);
const EVENTS_PER_SECOND: u64 = 700;

/// Of a thousand events, those below each bound. Source: performance.md 2.
const MAINTAINED_BELOW: u64 = 100;
const REPEAT_BELOW: u64 = 700;
const RESOLVE_BELOW: u64 = 750;
const ACKNOWLEDGE_BELOW: u64 = 770;
/// Of a hundred picks of an open alert, those among the newest; the others are the cold traffic.
const NEWEST_PERCENT: u64 = 80;
const NEWEST: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    /// 1 to [`crate::organisation::SERVICES_MAX`].
    pub services: u16,
}

/// What an event says, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    pub index: u64,
    pub at: Timestamp,
    pub action: Action,
    /// 0-based rank.
    pub service: u16,
    /// Number of the alert, counted over all services; names one dedup key.
    pub alert: u32,
    /// 0 to 47.
    pub class: u8,
}

pub struct Workload {
    random: Random,
    writer: Writer,
    keys: Vec<String>,
    quiet: Weighted,
    loud: Weighted,
    /// Open alerts by service, oldest first.
    open: Vec<Vec<u32>>,
    events: u64,
    alerts: u32,
}

impl Workload {
    pub fn new(options: Options) -> Self {
        let Options { seed, services } = options;
        let quiet = maintained(services);
        let loud = (0..services).filter(|rank| quiet.binary_search(rank).is_err());
        Self {
            random: Random::new(seed),
            writer: Writer::new(seed),
            keys: routing_keys(seed, services),
            loud: Weighted::zipf(loud),
            quiet: Weighted::zipf(quiet),
            open: vec![Vec::new(); usize::from(services)],
            events: 0,
            alerts: 0,
        }
    }

    /// With the keys of an organisation that another seed made, so that several streams can speak of one.
    #[must_use]
    pub fn keyed_by(mut self, seed: u64) -> Self {
        self.keys = routing_keys(seed, self.keys.len() as u16);
        self
    }

    /// With another index for the first event, so that the events of several streams can be told apart.
    #[must_use]
    pub fn starting_at(mut self, index: u64) -> Self {
        self.events = index;
        self
    }

    /// By 0-based rank of the service.
    pub fn routing_key(&self, service: u16) -> &str {
        &self.keys[usize::from(service)]
    }

    /// Writes the next event's JSON into `out`, in place of what was there.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> Fact {
        let at = BEGINS + campanile_model::Span::millis((self.events * 1000 / EVENTS_PER_SECOND) as i64);
        self.write_next_at(at, out)
    }

    /// The same event with another time in it: for paced runs, where event time is wall time.
    pub fn write_next_at(&mut self, at: Timestamp, out: &mut Vec<u8>) -> Fact {
        let fact = self.decide(at);
        let key = &self.keys[usize::from(fact.service)];
        self.writer.write(&fact, key, out);
        fact
    }

    /// The dedup key that the event carries.
    pub fn dedup_key(&self, fact: &Fact) -> String {
        self.writer.dedup_key(fact.service, fact.alert)
    }

    fn decide(&mut self, at: Timestamp) -> Fact {
        let index = self.events;
        self.events += 1;
        let kind = self.random.below(1000);
        let (action, service, alert) = if kind < MAINTAINED_BELOW && !self.quiet.is_empty() {
            // A new alert each time, as in the seed: 1000 raw, 600 repeats, 100 of the 400 alerts under maintenance.
            (Action::Trigger, self.quiet.pick(&mut self.random).unwrap_or_default(), self.number())
        } else {
            let service = self.loud.pick(&mut self.random).unwrap_or_default();
            self.decide_loud(kind, service)
        };
        Fact { index, at, action, service, alert, class: self.writer.class(alert) }
    }

    fn decide_loud(&mut self, kind: u64, service: u16) -> (Action, u16, u32) {
        let action = match kind {
            MAINTAINED_BELOW..REPEAT_BELOW => Action::Trigger,
            REPEAT_BELOW..RESOLVE_BELOW => Action::Resolve,
            RESOLVE_BELOW..ACKNOWLEDGE_BELOW => Action::Acknowledge,
            _ => return (Action::Trigger, service, self.open_one(service)),
        };
        let Some(place) = self.pick_open(service) else { return (Action::Trigger, service, self.open_one(service)) };
        let open = &mut self.open[usize::from(service)];
        let alert = open[place];
        if action == Action::Resolve {
            close(open, place);
        }
        (action, service, alert)
    }

    fn number(&mut self) -> u32 {
        let number = self.alerts;
        self.alerts += 1;
        number
    }

    fn open_one(&mut self, service: u16) -> u32 {
        let number = self.number();
        self.open[usize::from(service)].push(number);
        number
    }

    /// Place of an open alert of the service: two draws, or none when nothing is open.
    fn pick_open(&mut self, service: u16) -> Option<usize> {
        let open = self.open[usize::from(service)].len();
        if open == 0 {
            return None;
        }
        let among_newest = self.random.below(100) < NEWEST_PERCENT;
        Some(if among_newest {
            open - 1 - self.random.below(open.min(NEWEST) as u64) as usize
        } else {
            self.random.below(open as u64) as usize
        })
    }
}

/// Removes one, keeping the newest in order; the gap of an older one is filled by the youngest of the older ones, so
/// that no removal moves more than 32 numbers.
fn close(open: &mut Vec<u32>, place: usize) {
    let mut place = place;
    if let Some(youngest_older) = open.len().checked_sub(NEWEST + 1)
        && place < youngest_older
    {
        open.swap(place, youngest_older);
        place = youngest_older;
    }
    open.remove(place);
}

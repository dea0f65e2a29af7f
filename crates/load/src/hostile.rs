//! The traffic for exactly-once tests: few keys used by many, everything repeated, resolved and taken up again, and,
//! where the door is an append, bytes that no gateway would let through.
//!
//! Stateless but for bursts: every event is drawn afresh from small pools, so that whatever can meet does meet. What
//! must come of it is for an oracle that reads the input topics; nothing here predicts it.

use campanile_directory::Kind;
use serde_json::{Value, json};

use crate::organisation::{Object, integration, policy, routing_key, user, window};
use crate::random::{Random, Weighted};
use crate::workload::Action;

/// Services when nobody asks for a number: each of the eight characters below three times.
pub const SERVICES: u16 = 24;
/// Dedup keys per integration.
const KEYS: u64 = 40;
/// Events of one burst on one key: so many, and up to as many more.
const BURST: u64 = 30;
const BURST_ONE_IN: u64 = 400;
/// Characters beyond which the log cuts a summary. Source: PagerDuty Events API v2.
const SUMMARY_CHARS_MAX: usize = 1024;
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];
const SETTING: &str = "PLOADG1";

/// What is special about a service: its rank modulo 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Character {
    ContentAll,
    ContentAny,
    /// A fixed window of one minute, and low urgency by severity.
    Time,
    Intelligent,
    /// Not grouped; auto-resolve after 20 s, acknowledgement time-out after 10 s.
    Hasty,
    /// Grouped by a detail; auto-resolve after 20 s.
    Detail,
    /// In one grouping setting with its like: its events have their home elsewhere.
    Joined,
    /// In maintenance, every second one disabled instead.
    Hidden,
}

const CHARACTERS: [Character; 8] = [
    Character::ContentAll,
    Character::ContentAny,
    Character::Time,
    Character::Intelligent,
    Character::Hasty,
    Character::Detail,
    Character::Joined,
    Character::Hidden,
];

fn character(rank: u16) -> Character {
    CHARACTERS[usize::from(rank % 8)]
}

fn service_id(rank: u16) -> String {
    format!("PHOST{:03}", rank + 1)
}

/// Two keys of a service: the second is another way in, whose alerts are strangers to the first's.
fn keys(seed: u64, rank: u16) -> [String; 2] {
    let stream = |nth: u64| 1_000_000 + 2 * u64::from(rank) + nth;
    [0, 1].map(|nth| routing_key(seed, &service_id(rank), stream(nth)))
}

/// Every object of the hostile organisation.
pub fn objects(seed: u64, services: u16) -> Vec<Object> {
    let of = |wanted: Character| (0..services).filter(move |rank| character(*rank) == wanted).map(service_id);
    let mut objects = vec![user(), policy()];
    objects.extend((0..services).map(|rank| service(seed, rank)));
    let joined: Vec<Value> = of(Character::Joined).map(|id| json!({ "id": id, "type": "service_reference" })).collect();
    if !joined.is_empty() {
        let body = json!({ "alert_grouping_setting": {
            "id": SETTING, "name": "joined", "type": "content_based", "services": joined,
            "config": { "aggregate": "any", "fields": ["class", "component"], "time_window": 300 },
        }});
        objects.push((Kind::Grouping, SETTING.to_owned(), body.to_string().into_bytes()));
    }
    let quiet: Vec<String> = of(Character::Hidden).step_by(2).collect();
    if !quiet.is_empty() {
        objects.push(window("PHOSTM1", &quiet));
    }
    objects
}

fn service(seed: u64, rank: u16) -> Object {
    let id = service_id(rank);
    let is = character(rank);
    let disabled = is == Character::Hidden && (rank / 8) % 2 == 1;
    let auto_resolve = matches!(is, Character::Hasty | Character::Detail).then_some(20);
    let urgency = if is == Character::Time { "severity_based" } else { "high" };
    let [first, second] = keys(seed, rank);
    let mut body = json!({
        "id": id, "type": "service", "name": format!("hostile service {:03}", rank + 1),
        "status": if disabled { "disabled" } else { "active" },
        "escalation_policy": { "id": "PLOADE1", "type": "escalation_policy_reference" },
        "alert_creation": "create_alerts_and_incidents",
        "auto_resolve_timeout": auto_resolve,
        "acknowledgement_timeout": (is == Character::Hasty).then_some(10),
        "incident_urgency_rule": { "type": "constant", "urgency": urgency },
        "integrations": [
            integration(&format!("PHOSTI{:03}A", rank + 1), "first way in", &first),
            integration(&format!("PHOSTI{:03}B", rank + 1), "second way in", &second),
        ],
    });
    let content = |aggregate: &str, fields: &[&str]| {
        json!({ "type": "content_based",
            "config": { "aggregate": aggregate, "fields": fields, "time_window": 300 } })
    };
    body["alert_grouping_parameters"] = match is {
        Character::ContentAll => content("all", &["class", "component"]),
        Character::ContentAny => content("any", &["class", "component"]),
        Character::Detail => content("all", &["custom_details.host"]),
        // Minutes, on a service.
        Character::Time => json!({ "type": "time", "config": { "timeout": 1 } }),
        Character::Intelligent => json!({ "type": "intelligent", "config": { "time_window": 300 } }),
        Character::Hasty | Character::Joined | Character::Hidden => Value::Null,
    };
    (Kind::Service, id, json!({ "service": body }).to_string().into_bytes())
}

/// Which door the traffic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Only what the gateway answers with 202.
    Http,
    /// Everything that a producer may put on the topic.
    Append,
}

/// What an event is about; its bytes are in the caller's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub index: u64,
    /// The record's key: mostly the routing key, sometimes a foreign one or none (empty), so that the event lands on a
    /// wrong shard.
    pub record_key: String,
    /// Empty when the event has none.
    pub dedup_key: String,
    pub action: Action,
}

/// One key under fire.
#[derive(Clone, Copy, Debug)]
struct Target {
    service: u16,
    way: usize,
    key: u64,
}

pub struct Hostile {
    random: Random,
    door: Door,
    keys: Vec<[String; 2]>,
    ranks: Weighted,
    burst: Option<(Target, u64)>,
    events: u64,
}

impl Hostile {
    pub fn new(seed: u64, services: u16, door: Door) -> Self {
        Self {
            random: Random::new(seed),
            door,
            keys: (0..services).map(|rank| keys(seed, rank)).collect(),
            ranks: Weighted::zipf(0..services),
            burst: None,
            events: 0,
        }
    }

    /// With the keys of an organisation that another seed made, so that several streams can fight over one.
    #[must_use]
    pub fn keyed_by(mut self, seed: u64) -> Self {
        self.keys = (0..self.keys.len() as u16).map(|rank| keys(seed, rank)).collect();
        self
    }

    /// With another index for the first event, so that the events of several streams can be told apart.
    #[must_use]
    pub fn starting_at(mut self, index: u64) -> Self {
        self.events = index;
        self
    }

    /// Writes the next event into `out`, in place of what was there.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> Sent {
        let index = self.events;
        self.events += 1;
        let target = self.aim();
        let action = match self.random.below(100) {
            0..60 => Action::Trigger,
            60..85 => Action::Resolve,
            _ => Action::Acknowledge,
        };
        let mut sent = Sent { index, record_key: self.key(target), dedup_key: dedup_key(target), action };
        let mut event = self.event(target, &sent);
        let broken = if self.door == Door::Append { self.damage(&mut event, &mut sent) } else { None };
        let text = broken.unwrap_or_else(|| event.to_string());
        out.clear();
        out.extend_from_slice(text.as_bytes());
        sent
    }

    /// The running burst's key, or a fresh one, which may begin a burst.
    fn aim(&mut self) -> Target {
        if let Some((target, left)) = self.burst {
            self.burst = (left > 1).then_some((target, left - 1));
            return target;
        }
        let service = self.ranks.pick(&mut self.random).unwrap_or_default();
        // The second way in is the rarer: most of its acknowledges and resolves hit nothing.
        let way = usize::from(self.random.below(100) < 20);
        let target = Target { service, way, key: self.random.below(KEYS) };
        if self.random.below(BURST_ONE_IN) == 0 {
            self.burst = Some((target, BURST + self.random.below(BURST)));
        }
        target
    }

    fn key(&self, target: Target) -> String {
        self.keys[usize::from(target.service)][target.way].clone()
    }

    fn event(&mut self, target: Target, sent: &Sent) -> Value {
        let mut event = json!({
            "routing_key": self.key(target), "event_action": sent.action.as_str(), "dedup_key": sent.dedup_key,
            "client": "campanile-load",
        });
        // A name of its own on the top level, where every kind of event may carry one and nothing reads it.
        event["event"] = sent.index.into();
        if sent.action == Action::Trigger || self.random.below(2) == 0 {
            event["payload"] = self.payload(sent.index);
        }
        if self.random.below(10) == 0 {
            event["links"] = json!([{ "href": "", "text": "said \"so\"" }]);
        }
        event
    }

    fn payload(&mut self, index: u64) -> Value {
        let host = format!("h{}", self.random.below(6));
        let mut payload = json!({
            "summary": format!("queue {} is {}% full – Füllstand 🔔", self.random.below(3), self.random.below(100)),
            "source": host,
            "severity": SEVERITIES[self.random.below(4) as usize],
            "custom_details": { "host": host, "nth": index },
        });
        // Fields that grouping compares are there or not: a missing one joins nobody under `any`.
        if self.random.below(8) > 0 {
            payload["class"] = format!("class-{}", self.random.below(4)).into();
        }
        if self.random.below(8) > 0 {
            payload["component"] = format!("component-{}", self.random.below(4)).into();
        }
        payload
    }

    /// What only the log sees. Gives text in place of the event when it is no JSON any more.
    fn damage(&mut self, event: &mut Value, sent: &mut Sent) -> Option<String> {
        match self.random.below(100) {
            // A trigger without a dedup key: the log makes one from the event's place.
            0..2 => {
                event["event_action"] = "trigger".into();
                sent.action = Action::Trigger;
                event["payload"] = self.payload(sent.index);
                event["dedup_key"] = Value::Null;
                sent.dedup_key.clear();
            }
            // A summary that has to be cut; characters, not bytes.
            2 => event["payload"]["summary"] = format!("{}é", "long summary ".repeat(SUMMARY_CHARS_MAX / 10)).into(),
            3 => event["routing_key"] = "0123456789abcdef0123456789abcdef".into(),
            4 => event["event_action"] = "escalate".into(),
            5 => return Some(format!("{{\"event\":{},\"routing_key\":\"", sent.index)),
            // Without a record key: any shard may get it.
            6 => sent.record_key.clear(),
            // Under somebody else's key: it lands on a wrong shard, and its order against its like is open.
            7..11 => {
                let service = self.ranks.pick(&mut self.random).unwrap_or_default();
                sent.record_key = self.keys[usize::from(service)][0].clone();
            }
            _ => {}
        }
        None
    }
}

/// Names that are easy to get wrong: quotes, spaces, letters beyond ASCII, the longest one allowed.
fn dedup_key(target: Target) -> String {
    let Target { service, key, .. } = target;
    match key {
        0 => format!("s{service}/\"quoted\" \\ key"),
        1 => format!("s{service}/schlüssel 🔑"),
        2 => format!("{:-<255}", format!("s{service}/longest")),
        _ => format!("s{service}/k{key}"),
    }
}

//! A processor and a notifier side by side on one memory ledger, with a hand-turned clock and a small organisation.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use campanile_clock::{Clock, Hand};
use campanile_directory::{Channel as Kind, ContactMethod};
use campanile_ledger::memory::Memory;
use campanile_ledger::{Card, MachineId, Record, Topic};
use campanile_model::murmur2::partition_of;
use campanile_model::{Epoch, LedgerId, Span, Timestamp};
use campanile_notifier::{
    Accepted, Channel, Channels, Delivery, Directory, Drained, Handle, Message, Options, Ports, Refused, Service,
};
use campanile_pagerduty::objects::snapshot_from_records;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub const KEY: &str = "10000000000000000000000000000001";
pub const SHARDS: u16 = 4;
/// How long a fact may take to appear before the test fails; nothing waits so long when it works.
const PATIENCE: Duration = Duration::from_secs(20);

/// A channel that keeps what it was given, and answers as it is told to.
#[derive(Default)]
pub struct Phone {
    taken: Mutex<Vec<Message>>,
    arrived: Condvar,
    refusing: Mutex<Option<Refused>>,
}

impl Channel for Phone {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(async move {
            self.taken.lock().unwrap().push(message.clone());
            self.arrived.notify_all();
            match self.refusing.lock().unwrap().clone() {
                Some(refused) => Err(refused),
                None => Ok(Accepted { provider: "phone".into(), detail: "rang".to_owned(), reference: String::new() }),
            }
        })
    }
}

impl Phone {
    pub fn refuse(&self, refused: Option<Refused>) {
        *self.refusing.lock().unwrap() = refused;
    }

    pub fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// The first `count` messages; waits for them.
    pub fn messages(&self, count: usize) -> Vec<Message> {
        let until = Instant::now() + PATIENCE;
        let mut taken = self.taken.lock().unwrap();
        while taken.len() < count {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} messages of {count} came: {taken:#?}", taken.len());
            taken = self.arrived.wait_timeout(taken, left).unwrap().0;
        }
        taken[..count].to_vec()
    }
}

pub fn contact_of(message: &Message) -> &ContactMethod {
    &message.contact
}

pub struct House {
    pub memory: Memory,
    pub phone: Arc<Phone>,
    clock: Arc<Hand>,
    directory: Directory,
    runtime: Runtime,
    processor: Option<campanile_processor::Handle>,
    notifier: Option<Handle>,
    paging: campanile_escalation::Options,
}

fn user(id: &str, name: &str) -> (&'static str, String, Value) {
    let contact = format!("{id}TERM");
    let object = json!({"user": {
        "name": name, "email": format!("{}@example.com", name.to_lowercase()),
        "contact_methods": [{"id": contact, "type": "terminal_contact_method", "label": "here", "address": "tty"}],
        "notification_rules": [
            {"id": format!("{id}RULE"), "type": "assignment_notification_rule", "start_delay_in_minutes": 0,
             "urgency": "high", "contact_method": {"id": contact, "type": "terminal_contact_method"}},
            {"id": format!("{id}LOW"), "type": "assignment_notification_rule", "start_delay_in_minutes": 0,
             "urgency": "low", "contact_method": {"id": contact, "type": "terminal_contact_method"}}
        ]
    }});
    ("users", id.to_owned(), object)
}

pub type Objects = Vec<(&'static str, String, Value)>;

pub fn organisation() -> Objects {
    let rule = |id: &str| json!({"escalation_delay_in_minutes": 5, "targets": [{"id": id, "type": "user_reference"}]});
    let policy = json!({"escalation_policy": {
        "name": "on-call", "num_loops": 1, "escalation_rules": [rule("PANN"), rule("PBOB")]}});
    let service = json!({"service": {
        "name": "web", "escalation_policy": {"id": "PPOLICY", "type": "escalation_policy_reference"},
        "priority_by_severity": {"critical": "P1", "error": "P2"},
        "integrations": [{"id": "PINT", "type": "events_api_v2_inbound_integration", "name": "web",
                          "integration_key": KEY}]}});
    vec![
        user("PANN", "Ann"),
        user("PBOB", "Bob"),
        ("escalation_policies", "PPOLICY".to_owned(), policy),
        ("services", "PWEB".to_owned(), service),
    ]
}

fn directory(objects: Objects) -> Directory {
    let objects: Vec<_> = objects
        .into_iter()
        .map(|(folder, id, object)| {
            let kind = campanile_directory::Kind::ALL.into_iter().find(|kind| kind.folder() == folder).unwrap();
            (kind, id, object.to_string().into_bytes())
        })
        .collect();
    let records = objects.iter().map(|(kind, id, bytes)| (*kind, id.as_str(), bytes.as_slice()));
    let snapshot = snapshot_from_records(records, Epoch(1), SHARDS).unwrap_or_else(|problems| {
        panic!("the organisation is sound: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    Arc::new(ArcSwap::from_pointee(snapshot))
}

impl House {
    pub fn open() -> Self {
        Self::with(campanile_escalation::Options::default())
    }

    pub fn with(paging: campanile_escalation::Options) -> Self {
        Self::of(organisation(), paging)
    }

    pub fn of(objects: Objects, paging: campanile_escalation::Options) -> Self {
        let clock = Arc::new(Hand::at(Timestamp(1_790_000_000_000)));
        let of_ledger = clock.clone();
        let card = Card { ledger: LedgerId(7), shards: SHARDS, format: 1 };
        let memory = Memory::new(card, Box::new(move || of_ledger.now()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (processor, notifier) = (None, None);
        let phone = Arc::default();
        let mut house =
            Self { memory, phone, clock, directory: directory(objects), runtime, processor, notifier, paging };
        house.start_processor();
        house.start_notifier();
        house
    }

    pub fn start_processor(&mut self) {
        let options = campanile_processor::Options { threads: Some(1), ..Default::default() };
        let handle = campanile_processor::Service::start(options, self.memory.shards(), self.directory.clone());
        self.processor = Some(handle.expect("threads"));
    }

    pub fn start_notifier(&mut self) {
        let ports = Ports {
            appender: self.memory.appender(),
            tail: self.memory.tail(),
            directory: self.directory.clone(),
            channels: Channels::default().with(Kind::Terminal, self.phone.clone() as Arc<dyn Channel>),
            webhooks: None,
            clock: self.clock.clone(),
            runtime: self.runtime.handle().clone(),
        };
        let options = Options { paging: self.paging.clone(), ..Options::default() };
        let handle = Service::start(options, self.memory.shards_of(MachineId::Notifier), ports);
        self.notifier = Some(handle.expect("threads"));
    }

    pub fn stop_processor(&mut self) {
        assert_eq!(self.processor.take().unwrap().drain(PATIENCE), Drained::Clean);
    }

    pub fn stop_notifier(&mut self) {
        let handle = self.notifier.take().unwrap();
        assert_eq!(handle.failed(), None);
        assert_eq!(handle.drain(PATIENCE), Drained::Clean);
    }

    pub fn turn(&self, by: Span) {
        self.clock.turn(by);
    }

    pub fn trigger(&self, dedup_key: &str) {
        self.event(&json!({
            "routing_key": KEY, "event_action": "trigger", "dedup_key": dedup_key,
            "payload": {"summary": format!("trouble {dedup_key}"), "source": "host", "severity": "critical"}
        }));
    }

    pub fn resolve(&self, dedup_key: &str) {
        self.event(&json!({"routing_key": KEY, "event_action": "resolve", "dedup_key": dedup_key}));
    }

    fn event(&self, event: &Value) {
        let partition = partition_of(KEY.as_bytes(), SHARDS);
        let record = Record::new(KEY, event.to_string());
        self.memory.appender().append_wait(Topic::Events, partition, vec![record]).expect("appended");
    }

    pub fn append(&self, topic: Topic, partition: u16, text: &str) {
        let record = Record::new("key", text.to_owned());
        self.memory.appender().append_wait(topic, partition, vec![record]).expect("appended");
    }

    /// All records of a topic, partition by partition.
    pub fn records(&self, topic: Topic) -> Vec<Value> {
        let tail = self.memory.tail();
        let of = |partition| tail.read(topic, partition, 0, usize::MAX).expect("readable");
        let stored = (0..SHARDS).flat_map(of);
        stored.map(|stored| serde_json::from_slice(&stored.record.value).unwrap_or(Value::Null)).collect()
    }

    /// The first record that fits; waits for it.
    pub fn record(&self, topic: Topic, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let records = self.records(topic);
            if let Some(found) = records.iter().find(|it| fits(it)) {
                return found.clone();
            }
            assert!(Instant::now() < until, "{} has no such record: {records:#?}", topic.name());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it is so.
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < until, "it never came that {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the notifier has judged every answer there is.
    pub fn answers_are_judged(&self) {
        let tail = self.memory.tail();
        self.until("the answers are judged", || {
            let status = self.notifier.as_ref().unwrap().status();
            status.iter().all(|it| it.next[2] >= tail.ends(Topic::Answers, it.shard).end)
        });
    }

    pub fn told(&self, kind: &str) -> Value {
        self.record(Topic::Notifications, |it| it["type"] == kind)
    }

    pub fn incident(&self) -> String {
        let record = self.record(Topic::Incidents, |it| it["event_type"] == "incident.triggered");
        record["data"]["id"].as_str().unwrap().to_owned()
    }

    pub fn command(&self, incident: &str, verb: &str) {
        let id: campanile_model::IncidentId = incident.parse().unwrap();
        let command = json!({
            "v": 1, "id": format!("{verb}-{incident}"), "actor": {"type": "user_reference", "id": "PANN"},
            "incident": incident, "verb": verb,
        });
        self.append(Topic::Commands, id.shard().0, &command.to_string());
    }
}

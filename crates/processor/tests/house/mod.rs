//! A processor on the memory ledger with a hand-turned clock and a small organisation.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use campanile_clock::{Clock, Hand};
use campanile_directory::{Kind, Snapshot};
use campanile_ledger::memory::Memory;
use campanile_ledger::{Card, Record, Stored, Topic};
use campanile_model::murmur2::partition_of;
use campanile_model::{Epoch, LedgerId, Span, Timestamp};
use campanile_pagerduty::objects::snapshot_from_records;
use campanile_processor::{Directory, Drained, Handle, Options, Service};
use serde_json::{Value, json};

pub const KEY_LONE: &str = "10000000000000000000000000000001";
pub const KEY_DISK: &str = "20000000000000000000000000000002";
pub const KEY_HOP: &str = "30000000000000000000000000000003";

/// How long a fact may take to appear before the test fails; nothing waits so long when it works.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct House {
    memory: Memory,
    clock: Arc<Hand>,
    directory: Directory,
    objects: Vec<(Kind, String, Vec<u8>)>,
    shards: u16,
    handle: Option<Handle>,
}

pub fn trigger(key: &str, dedup_key: &str, severity: &str) -> Value {
    json!({
        "routing_key": key, "event_action": "trigger", "dedup_key": dedup_key,
        "payload": {"summary": format!("trouble {dedup_key}"), "source": "host", "severity": severity,
                    "class": "disk", "custom_details": {"n": 1.5}}
    })
}

fn service(id: &str, name: &str, key: &str, more: &Value) -> (Kind, String, Vec<u8>) {
    let mut object = json!({
        "name": name, "escalation_policy": {"id": "PPOLICY", "type": "escalation_policy_reference"},
        "priority_by_severity": {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"},
        "integrations": [{"id": format!("{id}INT"), "type": "events_api_v2_inbound_integration", "name": name,
                          "integration_key": key}]
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    (Kind::Service, id.to_owned(), json!({ "service": object }).to_string().into_bytes())
}

fn organisation() -> Vec<(Kind, String, Vec<u8>)> {
    let user = json!({"user": {"name": "Ann", "email": "ann@example.com"}});
    let policy = json!({"escalation_policy": {"name": "on-call", "escalation_rules": [
        {"escalation_delay_in_minutes": 5, "targets": [{"id": "PU", "type": "user_reference"}]}]}});
    vec![
        (Kind::User, "PU".to_owned(), user.to_string().into_bytes()),
        (Kind::Policy, "PPOLICY".to_owned(), policy.to_string().into_bytes()),
        service("PLONE", "lone", KEY_LONE, &json!({})),
        service("PDISK", "disk", KEY_DISK, &json!({"auto_resolve_timeout": 60})),
        service("PHOP", "hop", KEY_HOP, &json!({})),
    ]
}

fn snapshot(objects: &[(Kind, String, Vec<u8>)], epoch: u64, shards: u16) -> Snapshot {
    let records = objects.iter().map(|(kind, id, bytes)| (*kind, id.as_str(), bytes.as_slice()));
    snapshot_from_records(records, Epoch(epoch), shards).unwrap_or_else(|problems| {
        panic!("the organisation is sound: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

impl House {
    /// Everything but the processor.
    pub fn stopped(shards: u16) -> Self {
        let clock = Arc::new(Hand::at(Timestamp(1_790_000_000_000)));
        let of_ledger = clock.clone();
        let card = Card { ledger: LedgerId(7), shards, format: 1 };
        let memory = Memory::new(card, Box::new(move || of_ledger.now()));
        let objects = organisation();
        let directory = Arc::new(ArcSwap::from_pointee(snapshot(&objects, 1, shards)));
        Self { memory, clock, directory, objects, shards, handle: None }
    }

    pub fn open(shards: u16) -> Self {
        Self::stopped(shards).start()
    }

    pub fn start(mut self) -> Self {
        let options = Options { threads: Some(2), ..Options::default() };
        self.handle = Some(Service::start(options, self.memory.shards(), self.directory.clone()).expect("threads"));
        self
    }

    pub fn close(mut self) -> Drained {
        let handle = self.handle.take().expect("a processor");
        assert_eq!(handle.failed(), None);
        handle.drain(PATIENCE)
    }

    pub fn restart(mut self) -> Self {
        assert_eq!(self.handle.take().expect("a processor").drain(PATIENCE), Drained::Clean);
        self.start()
    }

    pub fn home_of(&self, scope: &str) -> u16 {
        partition_of(scope.as_bytes(), self.shards)
    }

    pub fn turn(&self, by: Span) {
        self.clock.turn(by);
    }

    /// Puts the event where a producer keyed by routing key would.
    pub fn send(&self, event: &Value) {
        let key = event["routing_key"].as_str().unwrap_or_default();
        self.append(partition_of(key.as_bytes(), self.shards), event);
    }

    pub fn append(&self, partition: u16, event: &Value) {
        let key = event["routing_key"].as_str().unwrap_or_default().to_owned();
        let record = Record::new(key, event.to_string());
        self.memory.appender().append_wait(Topic::Events, partition, vec![record]).expect("appended");
    }

    pub fn send_raw(&self, bytes: impl Into<bytes::Bytes>) {
        let record = Record { key: None, headers: Default::default(), value: bytes.into() };
        self.memory.appender().append_wait(Topic::Events, 0, vec![record]).expect("appended");
    }

    pub fn command(&self, command: &Value) {
        let record = Record::new("incident", command.to_string());
        self.memory.appender().append_wait(Topic::Commands, 0, vec![record]).expect("appended");
    }

    pub fn add_service(&self, id: &str, name: &str, key: &str) {
        let mut objects = self.objects.clone();
        objects.push(service(id, name, key, &json!({})));
        let epoch = self.directory.load().epoch.0 + 1;
        self.directory.store(Arc::new(snapshot(&objects, epoch, self.shards)));
    }

    /// The first `count` records of a partition; waits for them.
    pub fn stored_at(&self, topic: Topic, partition: u16, count: usize) -> Vec<Stored> {
        let tail = self.memory.tail();
        assert!(
            tail.wait(topic, partition, count as u64 - 1, PATIENCE),
            "{} has {:?}, not {count} records",
            topic.name(),
            tail.ends(topic, partition)
        );
        tail.read(topic, partition, 0, count).expect("readable")
    }

    pub fn stored(&self, topic: Topic, count: usize) -> Vec<Stored> {
        self.stored_at(topic, 0, count)
    }

    pub fn read(&self, topic: Topic, count: usize) -> Vec<Value> {
        self.stored(topic, count).iter().map(json).collect()
    }

    /// At least `count` records over all partitions.
    pub fn read_all(&self, topic: Topic, count: usize) -> Vec<Value> {
        let tail = self.memory.tail();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut all = Vec::new();
            for partition in 0..self.shards {
                all.extend(tail.read(topic, partition, 0, usize::MAX).expect("readable").iter().map(json));
            }
            if all.len() >= count || Instant::now() > deadline {
                return all;
            }
            let partition = self.home_of("PLONE");
            let end = tail.ends(topic, partition).end;
            tail.wait(topic, partition, end, Duration::from_millis(100));
        }
    }

    pub fn alerts(&self) -> Vec<Value> {
        self.read_all(Topic::Alerts, 1)
    }

    pub fn steps(&self) -> Vec<Value> {
        let home = self.home_of("PLONE");
        let tail = self.memory.tail();
        tail.read(Topic::Steps, home, 0, usize::MAX).expect("readable").iter().map(json).collect()
    }
}

fn json(stored: &Stored) -> Value {
    serde_json::from_slice(&stored.record.value).expect("a topic of ours is JSON")
}

//! Lines on a memory ledger, with receivers of flesh: what is sent, in which order, what waits, what a restart repeats.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use campanile_clock::{Clock, Steady};
use campanile_directory::{Kind, Snapshot};
use campanile_ledger::memory::Memory;
use campanile_ledger::{Card, Record, Topic};
use campanile_model::{Epoch, IncidentId, LedgerId, ShardId, Span};
use campanile_notifier::egress::{Allowed, Egress, EgressOptions};
use campanile_notifier::{WebhookOptions, WebhookPorts, Webhooks, request_enabling};
use campanile_pagerduty::objects::snapshot_from_records;
use campanile_pagerduty::webhooks_v3::signature::sign;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const SECRETS: [&str; 2] = ["0123456789abcdef", "fedcba9876543210"];
const PATIENCE: Duration = Duration::from_secs(20);

struct Taken {
    signature: String,
    webhook: String,
    body: Vec<u8>,
    event: Value,
}

/// The status that an event is answered with.
type Manner = Box<dyn FnMut(&Value) -> u16 + Send>;

/// Answers each delivery as `manner` says of its event.
struct Receiver {
    address: SocketAddr,
    taken: Mutex<Vec<Taken>>,
    manner: Mutex<Manner>,
}

impl Receiver {
    fn open(runtime: &Runtime, manner: impl FnMut(&Value) -> u16 + Send + 'static) -> Arc<Self> {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Arc::new(Self { address, taken: Mutex::default(), manner: Mutex::new(Box::new(manner)) });
        let serving = Arc::clone(&receiver);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&serving), stream));
            }
        });
        receiver
    }

    fn behave(&self, manner: impl FnMut(&Value) -> u16 + Send + 'static) {
        *self.manner.lock().unwrap() = Box::new(manner);
    }

    /// Types and titles of the events that were answered with 200.
    fn events(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let shown = |it: &Taken| format!("{} {}", word(&it.event["event_type"]), word(&it.event["data"]["title"]));
        taken.iter().map(shown).collect()
    }

    fn wait(&self, count: usize) -> Vec<String> {
        wait_until(&format!("{count} events"), || self.events().len() >= count);
        self.events()
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn serve(receiver: Arc<Receiver>, stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut length, mut signature, mut webhook) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.trim().split_once(": ") else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "x-pagerduty-signature" => value.clone_into(&mut signature),
                "x-webhook-id" => value.clone_into(&mut webhook),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let event = serde_json::from_slice::<Value>(&body).unwrap()["event"].take();
        let status = receiver.manner.lock().unwrap()(&event);
        if status == 200 {
            receiver.taken.lock().unwrap().push(Taken { signature, webhook, body, event });
        }
        let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n");
        stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct House {
    runtime: Runtime,
    memory: Memory,
    clock: Arc<Steady>,
    directory: Arc<ArcSwap<Snapshot>>,
    webhooks: Option<Webhooks>,
}

impl House {
    fn new() -> Self {
        let clock = Arc::new(Steady::new());
        let of_ledger = Arc::clone(&clock);
        let card = Card { ledger: LedgerId(7), shards: 1, format: 1 };
        let memory = Memory::new(card, Box::new(move || of_ledger.now()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let directory = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        Self { runtime, memory, clock, directory, webhooks: None }
    }

    fn subscribe(&self, subscriptions: &[(&str, &Receiver)]) {
        let objects = subscriptions.iter().map(|(id, receiver)| {
            let object = json!({
                "events": ["incident.triggered", "incident.acknowledged", "incident.resolved", "incident.annotated"],
                "filter": {"type": "account_reference"},
                "delivery_method": {
                    "type": "http_delivery_method",
                    "url": format!("http://{}/", receiver.address),
                    "secret": SECRETS[0],
                    "previous_secret": {"secret": SECRETS[1], "valid_until": "2100-01-01T00:00:00Z"},
                },
            });
            (Kind::Subscription, *id, object.to_string().into_bytes())
        });
        let snapshot = snapshot_from_records(objects, Epoch(1), 1).unwrap();
        self.directory.store(Arc::new(snapshot));
    }

    fn start(&mut self) {
        let allow = vec![Allowed::parse("127.0.0.1").unwrap()];
        let options = WebhookOptions { probe_every: Span::millis(200), ..WebhookOptions::default() };
        let webhooks = Webhooks::new(
            options,
            WebhookPorts {
                appender: self.memory.appender(),
                tail: self.memory.tail(),
                directory: Arc::clone(&self.directory),
                egress: Egress::new(EgressOptions { allow, ..EgressOptions::default() }).unwrap(),
                clock: self.clock.clone(),
                runtime: self.runtime.handle().clone(),
            },
        );
        webhooks.own(0);
        self.webhooks = Some(webhooks);
    }

    fn stop(&mut self) {
        self.webhooks.take().unwrap().close();
    }

    /// A revision of an incident as the processor writes it.
    fn happens(&self, serial: u64, revision: u64, event_type: &str, people: &[&str]) {
        let people: Vec<_> =
            people.iter().map(|id| json!({"id": id, "type": "user_reference", "summary": "Ann"})).collect();
        let id = IncidentId::derive(LedgerId(7), ShardId(0), serial).to_string();
        let record = json!({
            "v": 1, "event_type": event_type, "revision": revision, "epoch": 1,
            "occurred_at": self.clock.now().to_string(), "agent": null, "cause": {"type": "event"},
            "note": if event_type == "incident.annotated" { json!({"content": "seen"}) } else { Value::Null },
            "data": {
                "id": id, "number": 1, "status": "triggered", "incident_key": "k", "title": format!("I{serial}"),
                "created_at": self.clock.now().to_string(), "urgency": "high", "priority": null, "resolve_reason": null,
                "service": {"id": "PWEB", "type": "service_reference", "summary": "web"},
                "escalation_policy": {"id": "PPOL", "type": "escalation_policy_reference", "summary": "on-call"},
                "assignees": people,
            },
        });
        self.memory.appender().append_wait(Topic::Incidents, 0, vec![Record::new(id, record.to_string())]).unwrap();
    }

    fn given_up(&self) -> Vec<Value> {
        let records = self.memory.tail().read(Topic::Notifications, 0, 0, usize::MAX).unwrap();
        records.iter().map(|it| serde_json::from_slice(&it.record.value).unwrap()).collect()
    }
}

#[test]
fn triggered_carries_its_first_people_and_both_signatures() {
    let mut house = House::new();
    let receiver = Receiver::open(&house.runtime, |_| 200);
    house.subscribe(&[("PONE", &receiver)]);
    house.start();
    house.happens(1, 1, "incident.triggered", &[]);
    house.happens(1, 2, "incident.assigned", &["PANN"]);
    house.happens(1, 3, "incident.snoozed", &["PANN"]);
    house.happens(1, 4, "incident.acknowledged", &["PANN"]);
    assert_eq!(receiver.wait(2), ["incident.triggered I1", "incident.acknowledged I1"]);
    let taken = receiver.taken.lock().unwrap();
    assert_eq!(taken[0].event["data"]["assignees"][0]["id"], "PANN");
    for it in taken.iter() {
        assert_eq!(it.signature, sign(SECRETS, &it.body));
    }
    drop(taken);
    house.stop();
}

#[test]
fn triggered_without_people_leaves_after_two_seconds() {
    let mut house = House::new();
    let receiver = Receiver::open(&house.runtime, |_| 200);
    house.subscribe(&[("PONE", &receiver)]);
    house.start();
    let began = Instant::now();
    house.happens(1, 1, "incident.triggered", &[]);
    receiver.wait(1);
    let waited = began.elapsed();
    assert!((1_900..3_500).contains(&waited.as_millis()), "{waited:?}");
    assert_eq!(receiver.taken.lock().unwrap()[0].event["data"]["assignees"], json!([]));
    house.stop();
}

#[test]
fn a_failing_incident_holds_up_itself_alone() {
    let mut house = House::new();
    let mut left = 2;
    let receiver = Receiver::open(&house.runtime, move |event| {
        let fails = event["data"]["title"] == "I1" && left > 0;
        left -= i32::from(fails);
        if fails { 503 } else { 200 }
    });
    house.subscribe(&[("PONE", &receiver)]);
    house.start();
    for (serial, revision, event_type) in [
        (1, 1, "incident.triggered"),
        (1, 2, "incident.acknowledged"),
        (2, 1, "incident.triggered"),
        (2, 2, "incident.resolved"),
        (1, 3, "incident.resolved"),
    ] {
        house.happens(serial, revision, event_type, &["PANN"]);
    }
    assert_eq!(
        receiver.wait(5),
        [
            "incident.triggered I2",
            "incident.resolved I2",
            "incident.triggered I1",
            "incident.acknowledged I1",
            "incident.resolved I1"
        ]
    );
    house.stop();
}

#[test]
fn three_refusals_park_the_rest_which_drains_after_enable_even_over_a_restart() {
    let mut house = House::new();
    let receiver = Receiver::open(&house.runtime, |_| 404);
    house.subscribe(&[("PONE", &receiver)]);
    house.start();
    for serial in 1..=40 {
        house.happens(serial, 1, "incident.triggered", &["PANN"]);
    }
    let parked = |house: &House| house.webhooks.as_ref().unwrap().status()[0].parked_until.is_some();
    wait_until("parking", || parked(&house));
    wait_until("three given up", || house.given_up().len() == 3);
    house.stop();
    house.start();
    wait_until("parking again", || parked(&house));
    receiver.behave(|_| 200);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(receiver.events().len(), 0, "a parked subscription sends nothing");
    request_enabling(house.memory.appender().as_ref(), "PONE").unwrap();
    receiver.wait(37);
    std::thread::sleep(Duration::from_millis(300));
    let given_up = house.given_up();
    assert_eq!((receiver.events().len(), given_up.len()), (37, 3));
    assert!(given_up.iter().all(|it| it["type"] == "webhook_given_up" && it["subscription"] == "PONE"));
    house.stop();
}

#[test]
fn a_clean_restart_repeats_nothing_and_goes_on_with_what_failed() {
    let mut house = House::new();
    let (good, bad) = (Receiver::open(&house.runtime, |_| 200), Receiver::open(&house.runtime, |_| 500));
    house.subscribe(&[("PGOOD", &good), ("PBAD", &bad)]);
    house.start();
    for serial in 1..=30 {
        house.happens(serial, 1, "incident.triggered", &["PANN"]);
    }
    good.wait(30);
    house.stop();
    house.happens(31, 1, "incident.triggered", &["PANN"]);
    bad.behave(|_| 200);
    house.start();
    good.wait(31);
    bad.wait(31);
    house.stop();
    assert_eq!((good.events().len(), bad.events().len(), house.given_up().len()), (31, 31, 0));
}

#[test]
fn a_new_subscription_gets_nothing_of_what_was_before_it() {
    let mut house = House::new();
    let receiver = Receiver::open(&house.runtime, |_| 200);
    house.start();
    let id = IncidentId::derive(LedgerId(7), ShardId(0), 1).to_string();
    let old = json!({"v": 1, "event_type": "incident.triggered", "revision": 1, "epoch": 0,
        "occurred_at": "2026-01-01T00:00:00.000Z", "cause": {"type": "event"}, "data": {
            "id": id, "number": 1, "status": "triggered", "incident_key": "k", "title": "old",
            "created_at": "2026-01-01T00:00:00.000Z", "urgency": "high",
            "service": {"id": "PWEB", "type": "service_reference", "summary": "web"}, "assignees": [],
            "escalation_policy": {"id": "PPOL", "type": "escalation_policy_reference", "summary": "on-call"}}});
    house.memory.appender().append_wait(Topic::Incidents, 0, vec![Record::new(id, old.to_string())]).unwrap();
    // Judged under the epoch that brought the subscription, before anybody here saw it.
    house.happens(2, 1, "incident.triggered", &["PANN"]);
    house.subscribe(&[("PONE", &receiver)]);
    house.happens(3, 1, "incident.triggered", &["PANN"]);
    let mut events = receiver.wait(2);
    events.sort_unstable();
    assert_eq!(events, ["incident.triggered I2", "incident.triggered I3"]);
    house.stop();
}

#[test]
fn every_attempt_has_the_same_id() {
    let mut house = House::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let receiver = Receiver::open(&house.runtime, move |event| {
        let mut seen = noted.lock().unwrap();
        seen.push(word(&event["id"]).to_owned());
        if seen.len() < 3 { 500 } else { 200 }
    });
    house.subscribe(&[("PONE", &receiver)]);
    house.start();
    house.happens(1, 1, "incident.triggered", &["PANN"]);
    receiver.wait(1);
    let seen = seen.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|id| *id == seen[0]), "{seen:?}");
    assert_eq!(receiver.taken.lock().unwrap()[0].webhook.len(), 26);
    drop(seen);
    house.stop();
}

//! The door over real HTTP: who may answer, what is appended, and what a repeat does.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use campanile_clock::{Clock, Hand};
use campanile_directory::{Channel as Kind, ContactMethod, Object, Snapshot, User, build};
use campanile_escalation::{Reply, Report};
use campanile_ledger::memory::Memory;
use campanile_ledger::{Card, Topic};
use campanile_model::{Epoch, Span, UserId, Verb};
use campanile_notifier::channels::twilio;
use campanile_notifier::door::{
    Door, DoorOptions, Handle, LIFE, Links, Purpose, Recall, ServeOptions, Service, TwilioAccount,
};
use campanile_record::answer;
use support::{LEDGER, NOON, incident, item, links, message, order, signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHARDS: u16 = 8;
const TOKEN: &str = "12345";

struct House {
    ledger: Memory,
    clock: Arc<Hand>,
    recall: Arc<Recall>,
    handle: Handle,
}

fn ann() -> Snapshot {
    let contact = |id: &str, channel, address: &str| ContactMethod {
        id: id.into(),
        channel,
        address: address.into(),
        label: "".into(),
        country_code: 1,
        enabled: true,
    };
    let user = Object::User(User {
        id: UserId::new("PANN"),
        name: "Ann Lee".into(),
        email: "ann@example.com".into(),
        zone: None,
        role: Default::default(),
        job_title: "".into(),
        description: String::new(),
        teams: vec![],
        contact_methods: vec![contact("C1", Kind::Sms, "5551234567"), contact("C2", Kind::Slack, "UANN")],
        notification_rules: vec![],
        handoff_rules: Vec::new(),
    });
    build(Epoch(1), SHARDS, [user]).expect("the directory is right")
}

async fn house_with(options: ServeOptions) -> House {
    let clock = Arc::new(Hand::at(NOON));
    let time = clock.clone();
    let card = Card { ledger: LEDGER, shards: SHARDS, format: 2 };
    let ledger = Memory::new(card, Box::new(move || time.now()));
    let recall = Arc::new(Recall::new(None));
    let door_options = DoorOptions {
        links: links(),
        ledger: LEDGER,
        twilio: vec![TwilioAccount { sid: "AC1".to_owned(), auth_token: TOKEN.to_owned() }],
        slack: None,
    };
    let directory = Arc::new(ArcSwap::from_pointee(ann()));
    let door = Door::new(door_options, ledger.appender(), directory, recall.clone(), clock.clone());
    let options = ServeOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..options };
    let handle = Service::bind(options, door).await.expect("a free port").start();
    House { ledger, clock, recall, handle }
}

async fn house() -> House {
    house_with(ServeOptions::default()).await
}

impl House {
    /// Status, head and body of one request.
    async fn ask(&self, request: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.handle.local_addr()).await.expect("the door is open");
        stream.write_all(request.as_bytes()).await.expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, head.to_lowercase(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
    }

    async fn post(&self, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}");
        self.ask(&format!("{head}\r\n{body}")).await
    }

    /// As Twilio does it: a form, signed for the address that it was told.
    async fn twilio(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let fields = [vec![("AccountSid".to_owned(), "AC1".to_owned())], fields].concat();
        let signature = twilio::signature(TOKEN, &format!("https://answers.example/c{path}"), &fields);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        self.post(path, &format!("x-twilio-signature: {signature}\r\n"), &body).await
    }

    /// Everything that was appended, with its partition.
    fn answers(&self) -> Vec<(u16, Report)> {
        let tail = self.ledger.tail();
        let read = |partition| tail.read(Topic::Answers, partition, 0, 100).expect("it can be read");
        (0..SHARDS)
            .flat_map(|partition| read(partition).into_iter().map(move |stored| (partition, stored)))
            .map(|(partition, stored)| (partition, answer::decode(&stored.record.value).expect("an answer")))
            .collect()
    }
}

fn path(link: &str) -> String {
    link.strip_prefix("https://answers.example/c").expect("our base").to_owned()
}

fn link(purpose: Purpose) -> String {
    let page = message(Kind::Email, "ann@example.com", vec![item(12, "x")]);
    path(&links().answer(&page, &page.items[0], purpose).expect("a page can be answered"))
}

#[tokio::test]
async fn link_asks_and_its_button_does_it_once() {
    let house = house().await;
    let path = link(Purpose::Acknowledge);
    let (status, head, page) = house.get(&path).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("Acknowledge incident #12003 as Ann Lee?") && page.contains("<form method=\"post\">"),
        "{page}"
    );
    for header in
        ["cache-control: no-store", "referrer-policy: no-referrer", "content-security-policy: default-src 'none'"]
    {
        assert!(head.contains(header), "{head}");
    }
    house.ask(&format!("HEAD {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
    assert!(house.answers().is_empty(), "looking does nothing");

    let (status, _, page) = house.post(&path, "", "").await;
    assert_eq!(status, 200, "{page}");
    house.post(&path, "", "").await;
    let answers = house.answers();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1], "a repeat has the same id, which the processor knows for a day");
    let (partition, Report::Person { id, user, order, incident: about, verb }) = &answers[0] else {
        panic!("a person's answer, not {answers:?}")
    };
    assert_eq!(*partition, incident(12).shard().0);
    assert_eq!((user.as_str(), *order, *about, verb), ("PANN", None, Some(incident(12)), &Verb::Acknowledge));
    assert!(id.starts_with("link-") && id.len() == 37, "{id}");
}

#[tokio::test]
async fn link_that_is_forged_expired_or_of_nobody_does_nothing() {
    let house = house().await;
    let path = link(Purpose::Resolve);
    let forged = path.replace("/answer/A", "/answer/B");
    assert_eq!(house.post(&forged, "", "").await.0, 403);
    assert_eq!(house.get("/answer/%00").await.0, 403);
    assert_eq!(house.get(&format!("/answer/{}", "A".repeat(5000))).await.0, 403);
    let page = message(Kind::Sms, "1", vec![item(12, "x")]);
    let receipt = links().receipt(&page, "twilio").expect("a page has a receipt");
    let receipt = receipt.rsplit('/').next().unwrap_or_default();
    assert_eq!(house.post(&format!("/answer/{receipt}"), "", "").await.0, 403, "a provider's link is no person's");
    let mut other = message(Kind::Email, "x@example.com", vec![item(12, "x")]);
    other.recipient.id = UserId::new("PGONE");
    let gone = links().answer(&other, &other.items[0], Purpose::Resolve).expect("a page can be answered");
    assert_eq!(house.post(&self::path(&gone), "", "").await.0, 403);
    house.clock.turn(LIFE);
    assert_eq!(house.get(&path).await.0, 410);
    assert_eq!(house.post(&path, "", "").await.0, 410);
    assert!(house.answers().is_empty());
}

#[tokio::test]
async fn door_turns_away_what_is_not_for_it() {
    let house = house().await;
    assert_eq!(house.get("/").await.0, 200);
    assert_eq!(house.get("/nowhere").await.0, 404);
    assert_eq!(house.get("/twilio/sms").await.0, 405);
    assert_eq!(house.post("/slack/actions", "", "payload={}").await.0, 403, "no app is configured");
    let large = "x".repeat(256 * 1024 + 1);
    assert_eq!(house.post("/twilio/sms", "", &large).await.0, 413);
    assert!(house.answers().is_empty());
}

#[tokio::test]
async fn slow_and_silent_callers_are_cut() {
    let quick = Duration::from_millis(100);
    let house =
        house_with(ServeOptions { header_timeout: quick, request_timeout: quick, ..ServeOptions::default() }).await;
    let (status, _, _) =
        house.ask("POST /twilio/sms HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status, 408, "a body that does not come");
    let (_, head, _) = house.ask("POST /twilio/sms HTTP/1.1\r\nhost").await;
    assert!(head.is_empty() || head.contains("408"), "half a head is not waited for: {head}");
    house.handle.drain(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn answer_that_cannot_be_recorded_is_told() {
    let house = house().await;
    house.ledger.hold();
    let (status, head, page) = house.post(&link(Purpose::Resolve), "", "").await;
    assert_eq!(status, 503, "{page}");
    assert!(head.contains("retry-after: 5"), "{head}");
}

#[tokio::test]
async fn callback_without_a_good_signature_does_nothing() {
    let house = house().await;
    let body = "AccountSid=AC1&From=%2B15551234567&Body=4&MessageSid=SM1";
    for headers in ["", "x-twilio-signature: AAAA\r\n", "x-twilio-signature: \r\n"] {
        assert_eq!(house.post("/twilio/sms", headers, body).await.0, 403);
    }
    let fields = [("AccountSid".to_owned(), "AC2".to_owned())];
    let signature = twilio::signature(TOKEN, "https://answers.example/c/twilio/sms", &fields);
    let headers = format!("x-twilio-signature: {signature}\r\n");
    assert_eq!(house.post("/twilio/sms", &headers, "AccountSid=AC2").await.0, 403, "another account's");
    assert!(house.answers().is_empty());
}

#[tokio::test]
async fn reply_answers_the_last_message_that_arrived_there() {
    let house = house().await;
    let sms = async |body, sid| {
        house.twilio("/twilio/sms", &[("From", "+15551234567"), ("Body", body), ("MessageSid", sid)]).await
    };
    let (status, head, text) = sms("4", "SM1").await;
    assert!(status == 200 && head.contains("content-type: text/xml"), "{head}");
    assert!(text.contains("<Message>No message of the last day waits for your answer.</Message>"), "{text}");

    let note = |line: String| house.recall.note(line.as_bytes(), house.clock.now());
    let head = format!(r#""incident":"{}","order":"{}","user":"PANN""#, incident(12), order());
    note(format!(r#"{{"v":1,"type":"ordered",{head},"channel":"sms","contact_method":"C1"}}"#));
    assert!(sms("4", "SM1").await.2.contains("No message"), "it has not left yet");
    note(format!(r#"{{"v":1,"type":"accepted",{head},"channel":"sms","provider":"twilio"}}"#));
    note("garbage".to_owned());
    assert!(sms(" Ack ", "SM2").await.2.contains("<Message>Acknowledged what the last message said.</Message>"));
    assert!(sms("6", "SM3").await.2.contains("Resolved what the last message said."));
    assert!(sms("8 #12003", "SM4").await.2.contains("Escalated #12003."));
    assert!(sms("what?", "SM5").await.2.contains("Reply 4 to acknowledge"));
    assert!(sms("4 7", "SM6").await.2.contains("There is no incident #7."));
    assert!(sms("4 #12o03", "SM8").await.2.contains("#12o03 is no number of an incident. Nothing was done."));
    let person = |id: &str, verb, about: bool| Report::Person {
        id: id.into(),
        user: UserId::new("PANN"),
        order: (!about).then(order),
        incident: about.then(|| incident(12)),
        verb,
    };
    let answers: Vec<_> = house.answers();
    assert_eq!(
        answers,
        [
            (order().shard().0, person("sms-SM2", Verb::Acknowledge, false)),
            (order().shard().0, person("sms-SM3", Verb::Resolve, false)),
            (incident(12).shard().0, person("sms-SM4", Verb::RequestEscalation(None), true)),
        ]
    );
    house.clock.turn(Span(LIFE.0 + 1));
    assert!(sms("4", "SM7").await.2.contains("No message of the last day"));
    let stranger = house.twilio("/twilio/sms", &[("From", "+15550000000"), ("Body", "4"), ("MessageSid", "SM8")]).await;
    assert!(stranger.2.contains("does not know this number"));
}

#[tokio::test]
async fn call_reads_the_page_and_takes_a_key() {
    let house = house().await;
    let page = message(Kind::Phone, "5551234567", vec![item(12, "Disk full")]);
    let call = path(&links().call(&page, "This is Campanile.").expect("a page can be called about"));
    let (status, _, text) = house.twilio(&call, &[("CallSid", "CA1"), ("AnsweredBy", "human")]).await;
    assert_eq!(status, 200);
    assert!(text.contains("<Say>This is Campanile. Press 4 to acknowledge. Press 6 to resolve."), "{text}");
    assert!(text.contains(&format!("action=\"https://answers.example/c{call}/key\"")), "{text}");
    assert!(text.contains("?said=1</Redirect>"), "{text}");
    let (_, _, text) = house.twilio(&format!("{call}?said=3"), &[]).await;
    assert!(text.contains("No key was pressed") && text.contains("<Hangup/>"), "{text}");
    let (_, _, text) = house.twilio(&call, &[("AnsweredBy", "machine_start")]).await;
    assert!(!text.contains("Gather") && text.contains("This is Campanile."), "nobody presses a key there: {text}");

    let key = format!("{call}/key");
    for (digit, says) in [("0", "stops the paging"), ("*", "This is Campanile. Press 4"), ("5", "means nothing")] {
        let (_, _, text) = house.twilio(&key, &[("Digits", digit)]).await;
        assert!(text.contains(says) && text.contains("<Gather"), "{digit}: {text}");
    }
    assert!(house.answers().is_empty());
    let (_, _, text) = house.twilio(&key, &[("Digits", "4")]).await;
    assert!(text.contains("Acknowledged. Goodbye."), "{text}");
    house.twilio(&key, &[("Digits", "6")]).await;
    let verbs: Vec<_> = house
        .answers()
        .into_iter()
        .map(|(_, report)| match report {
            Report::Person { verb, incident: Some(about), .. } if about == incident(12) => verb,
            other => panic!("a person's answer, not {other:?}"),
        })
        .collect();
    assert_eq!(verbs, [Verb::Acknowledge, Verb::Resolve]);
}

#[tokio::test]
async fn receipt_says_whether_it_arrived() {
    let house = house().await;
    let page = message(Kind::Sms, "5551234567", vec![item(12, "x")]);
    let receipt = path(&links().receipt(&page, "twilio").expect("a page has a receipt"));
    for fields in [
        vec![("MessageStatus", "sent")],
        vec![("MessageStatus", "delivered")],
        vec![("MessageStatus", "undelivered"), ("ErrorCode", "30003")],
        vec![("CallStatus", "completed"), ("AnsweredBy", "human")],
        vec![("CallStatus", "completed"), ("AnsweredBy", "machine_start")],
        vec![("CallStatus", "busy")],
    ] {
        assert_eq!(house.twilio(&receipt, &fields).await.0, 204);
    }
    let arrived = || Reply::Arrived { provider: "twilio".into() };
    let refused =
        |detail: &str| Reply::Refused { provider: "twilio".into(), permanent: false, detail: detail.to_owned() };
    let replies =
        [arrived(), refused("undelivered, error 30003"), arrived(), refused("answered by a machine"), refused("busy")];
    let expected = replies.map(|reply| (order().shard().0, Report::Order { order: order(), reply }));
    assert_eq!(house.answers(), expected);
}

#[test]
fn base_without_a_slash_and_with_one_are_the_same() {
    assert_eq!(Links::new("https://x/", signer()).base(), "https://x");
}

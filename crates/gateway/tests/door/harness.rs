//! A gateway on a free port, an organisation of one service, and a client that knows no more than sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use campanile_directory::Snapshot;
use campanile_gateway::{Handle, Options, Readiness, Service};
use campanile_ledger::memory::Memory;
use campanile_ledger::{AppendError, Appended, Appender, Card, Done, Record, Stored, Topic};
use campanile_model::{Epoch, LedgerId, Timestamp};
use campanile_pagerduty::objects::{File, Known, load};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SHARDS: u16 = 4;

/// Longest wait for anything that should happen. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const ACCEPTED_K: &str = r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#;

const SERVICE: &str = r#"{"name": "api", "escalation_policy": {"id": "PP"}, "integrations": [
  {"name": "Prometheus", "integration_key": "0123456789abcdef0123456789abcdef"},
  {"name": "Datadog", "integration_key": "ABCDEF0123456789ABCDEF0123456789"}]}"#;
const POLICY: &str = r#"{"name": "p", "escalation_rules": [
  {"escalation_delay_in_minutes": 1, "targets": [{"id": "PU", "type": "user_reference"}]}]}"#;
const USER: &str = r#"{"name": "John Doe", "email": "john@example.com"}"#;

pub(crate) fn directory() -> Snapshot {
    let files = [("services/PS.json", SERVICE), ("escalation_policies/PP.json", POLICY), ("users/PU.json", USER)]
        .map(|(path, text)| File::new(path, text.as_bytes().to_vec()).expect("sound").expect("an object"));
    load(&files, Known::NOTHING, &mut || [7; 16], Epoch(1), SHARDS).expect("sound").snapshot
}

pub(crate) fn ledger() -> Memory {
    let card = Card { ledger: LedgerId(1), shards: SHARDS, format: 1 };
    Memory::new(card, Box::new(|| Timestamp(1_000)))
}

/// All records of a topic, by partition.
pub(crate) fn records(ledger: &Memory, topic: Topic) -> Vec<(u16, Stored)> {
    let tail = ledger.tail();
    (0..topic.partitions(SHARDS))
        .flat_map(|partition| {
            let read = tail.read(topic, partition, 0, usize::MAX).expect("nothing is trimmed");
            read.into_iter().map(move |stored| (partition, stored))
        })
        .collect()
}

pub(crate) fn options() -> Options {
    Options { listen: "127.0.0.1:0".parse().expect("an address"), ..Options::default() }
}

pub(crate) fn bind(options: Options, appender: Arc<dyn Appender>) -> Service {
    let directory = Arc::new(ArcSwap::from_pointee(directory()));
    let page = || "# HELP campanile_build_info It is.\n".to_owned();
    Service::bind(options, appender, directory, Arc::new(|| Readiness::Ready), Arc::new(page)).expect("a free port")
}

pub(crate) struct Gateway {
    pub(crate) handle: Handle,
    pub(crate) ledger: Memory,
}

/// A gateway with these options.
pub(crate) fn gateway(options: Options) -> Gateway {
    let ledger = ledger();
    let handle = bind(options, ledger.appender()).start();
    Gateway { handle, ledger }
}

impl Gateway {
    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.local_addr()
    }
}

/// An appender that refuses everything in one way.
pub(crate) struct Refusing(pub(crate) AppendError);

impl Appender for Refusing {
    fn partitions(&self, topic: Topic) -> u16 {
        topic.partitions(SHARDS)
    }

    fn append(&self, _topic: Topic, _partition: u16, _records: Vec<Record>, done: Done) {
        done(Err(self.0.clone()));
    }
}

/// An appender that hands each append to the test, which answers when it likes.
struct Holding(UnboundedSender<Held>);

/// An append that waits for the test.
pub(crate) struct Held {
    pub(crate) records: Vec<Record>,
    done: Done,
}

impl Held {
    pub(crate) fn release(self) {
        (self.done)(Ok(Appended { first: 0, at: Timestamp(1_000) }));
    }
}

impl Appender for Holding {
    fn partitions(&self, topic: Topic) -> u16 {
        topic.partitions(SHARDS)
    }

    fn append(&self, _topic: Topic, _partition: u16, records: Vec<Record>, done: Done) {
        self.0.send(Held { records, done }).expect("the test holds the other end");
    }
}

/// A gateway whose appends wait in the channel.
pub(crate) fn held_gateway(options: Options) -> (Handle, UnboundedReceiver<Held>) {
    let (appends, held) = unbounded_channel();
    (bind(options, Arc::new(Holding(appends))).start(), held)
}

pub(crate) fn trigger(dedup_key: &str) -> String {
    format!(
        r#"{{"routing_key":"{KEY}","event_action":"trigger","dedup_key":"{dedup_key}","payload":{{"summary":"Disk full","source":"web-1","severity":"critical"}}}}"#
    )
}

/// A trigger whose body has exactly so many bytes.
pub(crate) fn trigger_of_bytes(bytes: usize) -> String {
    let frame = trigger("k");
    let details = r#","custom_details":"""#;
    let padding = "x".repeat(bytes - frame.len() - details.len());
    let body = frame.replace(r#""critical"}"#, &format!(r#""critical","custom_details":"{padding}"}}"#));
    assert_eq!(body.len(), bytes);
    body
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// Lines of the head after the first, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn check(&self, code: u16, body: &str) {
        assert_eq!((self.code, self.body.as_str()), (code, body));
    }
}

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the gateway listens"), buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the gateway reads");
    }

    /// Sends what can be sent: the gateway may have closed already.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    pub(crate) async fn close_half(&mut self) {
        self.stream.shutdown().await.expect("the connection is open");
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer in time").expect("an answer")
    }

    /// Whether no answer comes in the time given.
    pub(crate) async fn is_silent_for(&mut self, wait: Duration) -> bool {
        let mut byte = [0];
        tokio::time::timeout(wait, self.stream.peek(&mut byte)).await.is_err()
    }

    /// Waits until the gateway closes the connection; gives what it said before.
    pub(crate) async fn closed(&mut self) -> String {
        let mut said = std::mem::take(&mut self.buffer);
        let end = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut said)).await.expect("closed in time");
        // A reset is a close too, if bytes of ours were never read.
        drop(end);
        String::from_utf8(said).expect("text")
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let head_end = loop {
            match self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.read_more().await?,
            }
        };
        let head = String::from_utf8(self.buffer.drain(..head_end).collect()).expect("text");
        let mut lines = head.trim_end().split("\r\n");
        let code = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length =
            headers.iter().find(|(name, _)| name == "content-length").map_or(Some(0), |(_, v)| v.parse().ok())?;
        while self.buffer.len() < length {
            self.read_more().await?;
        }
        let body = String::from_utf8(self.buffer.drain(..length).collect()).expect("text");
        Some(Answer { code, headers, body })
    }

    async fn read_more(&mut self) -> Option<()> {
        let count = self.stream.read_buf(&mut self.buffer).await.ok()?;
        (count > 0).then_some(())
    }
}

pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::connect(address).await;
    client.send(request).await;
    client.answer().await
}

/// One event on a connection of its own.
pub(crate) async fn enqueue(address: SocketAddr, body: &str) -> Answer {
    ask(address, post("/v2/enqueue", "content-type: application/json\r\n", body)).await
}

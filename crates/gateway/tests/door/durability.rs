//! 202 means durable: no answer before the log has answered.

use std::sync::Arc;
use std::time::Duration;

use campanile_gateway::{Drained, Options};
use campanile_ledger::{Appender, Done, Record, Topic};

use crate::harness::{ACCEPTED_K, Client, SHARDS, bind, gateway, held_gateway, options, post, records, trigger};

/// Long enough to tell "not answered" from "not yet answered" on a busy machine.
const MOMENT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn nobody_is_answered_before_the_event_is_durable() {
    let gateway = gateway(options());
    gateway.ledger.hold();
    let mut client = Client::connect(gateway.address()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    assert!(client.is_silent_for(MOMENT).await, "answered before it was durable");
    assert_eq!(records(&gateway.ledger, Topic::Events), []);

    gateway.ledger.release();
    client.answer().await.check(202, ACCEPTED_K);
    assert_eq!(records(&gateway.ledger, Topic::Events).len(), 1);
}

#[tokio::test]
async fn a_log_that_does_not_answer_in_time_leaves_the_event_in_doubt() {
    let gateway = gateway(Options { append_timeout: Duration::from_millis(50), ..options() });
    gateway.ledger.hold();
    let mut client = Client::connect(gateway.address()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    let answer = client.answer().await;
    assert_eq!(answer.code, 503);
    assert!(answer.body.contains("It is not known whether the event was stored"), "{}", answer.body);
}

/// Closes before it has answered.
struct Closing;

impl Appender for Closing {
    fn partitions(&self, topic: Topic) -> u16 {
        topic.partitions(SHARDS)
    }

    fn append(&self, _topic: Topic, _partition: u16, _records: Vec<Record>, done: Done) {
        drop(done);
    }
}

#[tokio::test]
async fn a_log_that_closes_leaves_the_event_in_doubt() {
    let handle = bind(options(), Arc::new(Closing)).start();
    let mut client = Client::connect(handle.local_addr()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    assert_eq!(client.answer().await.code, 503);
}

#[tokio::test]
async fn an_event_whose_sender_has_left_is_appended_all_the_same() {
    let (handle, mut held) = held_gateway(options());
    let mut client = Client::connect(handle.local_addr()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    let append = held.recv().await.expect("an append");
    drop(client);
    assert_eq!(append.records[0].value, trigger("k").as_bytes());
    // Nobody listens any more, and that harms nobody.
    append.release();
    assert_eq!(handle.drain(Duration::from_secs(20)).await, Drained::Clean);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_at_once_lose_nothing() {
    let gateway = gateway(options());
    let address = gateway.address();
    let senders: Vec<_> = (0..64)
        .map(|sender| {
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                for count in 0..32 {
                    client.send(post("/v2/enqueue", "", &trigger(&format!("{sender}-{count}")))).await;
                    let answer = client.answer().await;
                    assert_eq!(answer.code, 202, "{answer:?}");
                    assert!(answer.body.contains(&format!(r#""dedup_key":"{sender}-{count}""#)));
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("every answer was 202");
    }
    let mut bodies: Vec<_> =
        records(&gateway.ledger, Topic::Events).into_iter().map(|(_, stored)| stored.record.value).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 64 * 32);
}

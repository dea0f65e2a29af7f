//! Senders that are slow, and how long each is waited for. The options make the times short; nothing here sleeps.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use campanile_gateway::Options;
use campanile_ledger::Topic;

use crate::harness::{ACCEPTED_K, Client, gateway, options, post, records, trigger};

const SHORT: Duration = Duration::from_millis(100);
/// More than any test takes.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let gateway = gateway(Options { first_byte_timeout: SHORT, header_timeout: LONG, ..options() });
    let started = Instant::now();
    assert_eq!(Client::connect(gateway.address()).await.closed().await, "");
    assert!(started.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let gateway = gateway(Options { header_timeout: SHORT, first_byte_timeout: LONG, ..options() });
    let mut client = Client::connect(gateway.address()).await;
    let started = Instant::now();
    let head = b"POST /v2/enqueue HTTP/1.1\r\nhost: gateway\r\nx-long: ";
    client.send(head).await;
    // Each byte comes well within the time, the end of the head does not.
    while client.is_silent_for(SHORT / 5).await && started.elapsed() < LONG {
        client.try_send("a").await;
    }
    assert_eq!(client.closed().await, "");
    assert!(started.elapsed() >= SHORT && started.elapsed() < LONG / 2);
}

#[tokio::test]
async fn a_second_head_on_the_same_connection_has_the_same_time() {
    let gateway = gateway(Options { header_timeout: SHORT, ..options() });
    let mut client = Client::connect(gateway.address()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    client.answer().await.check(202, ACCEPTED_K);
    client.send("POST /v2/enq").await;
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_for_longer_than_a_head_may_take() {
    let gateway = gateway(Options { header_timeout: SHORT, idle_timeout: 15 * SHORT, ..options() });
    let mut client = Client::connect(gateway.address()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    client.answer().await.check(202, ACCEPTED_K);
    assert!(client.is_silent_for(3 * SHORT).await, "closed too early");
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    client.answer().await.check(202, ACCEPTED_K);
    let started = Instant::now();
    assert_eq!(client.closed().await, "");
    assert!(started.elapsed() >= 14 * SHORT);
}

#[tokio::test]
async fn an_event_that_waits_for_the_disk_is_not_cut_off() {
    let gateway =
        gateway(Options { header_timeout: SHORT / 4, idle_timeout: SHORT / 4, first_byte_timeout: SHORT, ..options() });
    gateway.ledger.hold();
    let mut client = Client::connect(gateway.address()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    assert!(client.is_silent_for(3 * SHORT).await);
    gateway.ledger.release();
    client.answer().await.check(202, ACCEPTED_K);
}

#[tokio::test]
async fn a_body_that_stops_is_answered_408_and_closed() {
    let gateway = gateway(Options { body_timeout: SHORT, ..options() });
    let mut client = Client::connect(gateway.address()).await;
    let request = post("/v2/enqueue", "", &trigger("k"));
    client.send(&request[..request.len() - 10]).await;
    let answer = client.answer().await;
    let expected = r#"{"status":"request timeout","message":"The body did not arrive in time","errors":["The event was not stored; send it again"]}"#;
    answer.check(408, expected);
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(client.closed().await, "");
    assert_eq!(records(&gateway.ledger, Topic::Events), []);
}

#[tokio::test]
async fn a_body_below_the_lowest_rate_is_cut_off_after_the_grace() {
    let rate = NonZeroU32::new(1_000_000).expect("not 0");
    let gateway =
        gateway(Options { body_timeout: LONG, body_grace: SHORT, body_bytes_per_second_min: rate, ..options() });
    let mut client = Client::connect(gateway.address()).await;
    let started = Instant::now();
    client.send("POST /v2/enqueue HTTP/1.1\r\nhost: gateway\r\ncontent-length: 100000\r\n\r\n").await;
    while client.is_silent_for(SHORT / 5).await && started.elapsed() < LONG {
        client.try_send("a").await;
    }
    assert_eq!(client.answer().await.code, 408);
    assert!(started.elapsed() < LONG / 2);
}

//! Rates, memory and events under way.

use std::num::NonZeroU32;

use campanile_gateway::Options;
use campanile_ledger::Topic;

use crate::harness::{
    ACCEPTED_K, Client, KEY, enqueue, gateway, held_gateway, options, post, records, trigger, trigger_of_bytes,
};

#[tokio::test]
async fn above_its_rate_a_key_is_answered_429_and_its_events_are_not_stored() {
    let gateway = gateway(Options { events_per_key_per_minute_max: NonZeroU32::new(2), ..options() });
    for _ in 0..2 {
        enqueue(gateway.address(), &trigger("k")).await.check(202, ACCEPTED_K);
    }
    let answer = enqueue(gateway.address(), &trigger("k")).await;
    answer.check(429, "Request Limit Exceeded");
    let wait: u64 = answer.header("retry-after").and_then(|v| v.parse().ok()).expect("seconds to wait");
    assert!((1..=60).contains(&wait), "{wait}");

    let other_key = trigger("k").replace(KEY, "ABCDEF0123456789ABCDEF0123456789");
    enqueue(gateway.address(), &other_key).await.check(202, ACCEPTED_K);
    assert_eq!(records(&gateway.ledger, Topic::Events).len(), 3);
}

#[tokio::test]
async fn without_a_limit_no_key_is_held_back() {
    let gateway = gateway(options());
    let mut client = Client::connect(gateway.address()).await;
    for _ in 0..500 {
        client.send(post("/v2/enqueue", "", &trigger("k"))).await;
        client.answer().await.check(202, ACCEPTED_K);
    }
}

#[tokio::test]
async fn events_under_way_are_bounded() {
    let (handle, mut held) = held_gateway(Options { in_flight_max: 1, ..options() });
    let mut first = Client::connect(handle.local_addr()).await;
    first.send(post("/v2/enqueue", "", &trigger("k"))).await;
    let append = held.recv().await.expect("an append");
    let answer = enqueue(handle.local_addr(), &trigger("k")).await;
    assert_eq!((answer.code, answer.header("retry-after")), (503, Some("5")));

    append.release();
    first.answer().await.check(202, ACCEPTED_K);
    first.send(post("/v2/enqueue", "", &trigger("k"))).await;
    held.recv().await.expect("an append").release();
    first.answer().await.check(202, ACCEPTED_K);
}

#[tokio::test]
async fn memory_for_bodies_is_bounded_and_given_back() {
    let gateway = gateway(Options { body_memory_bytes_max: 10_000, ..options() });
    assert_eq!(enqueue(gateway.address(), &trigger_of_bytes(20_000)).await.code, 503);
    for _ in 0..3 {
        enqueue(gateway.address(), &trigger_of_bytes(9_000)).await.check(202, ACCEPTED_K);
    }
}

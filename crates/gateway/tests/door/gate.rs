//! Connections: how many, and how many from one address.

use std::num::NonZeroU32;
use std::time::Duration;

use campanile_gateway::Options;

use crate::harness::{ACCEPTED_K, Client, gateway, options, post, trigger};

#[tokio::test]
async fn above_the_limit_a_connection_waits_for_another_to_end() {
    let gateway = gateway(Options { connections_max: 1, ..options() });
    let mut first = Client::connect(gateway.address()).await;
    first.send(post("/v2/enqueue", "", &trigger("k"))).await;
    first.answer().await.check(202, ACCEPTED_K);

    let mut second = Client::connect(gateway.address()).await;
    second.send(post("/v2/enqueue", "", &trigger("k"))).await;
    assert!(second.is_silent_for(Duration::from_millis(150)).await, "served above the limit");
    drop(first);
    second.answer().await.check(202, ACCEPTED_K);
}

#[tokio::test]
async fn above_the_limit_of_its_address_a_connection_is_closed() {
    let gateway = gateway(Options { connections_per_address_max: NonZeroU32::MIN, ..options() });
    let mut first = Client::connect(gateway.address()).await;
    first.send(post("/v2/enqueue", "", &trigger("k"))).await;
    first.answer().await.check(202, ACCEPTED_K);

    assert_eq!(Client::connect(gateway.address()).await.closed().await, "");
    first.send(post("/v2/enqueue", "", &trigger("k"))).await;
    first.answer().await.check(202, ACCEPTED_K);
}

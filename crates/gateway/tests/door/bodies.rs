//! Bodies of every size and framing.

use std::sync::Arc;

use campanile_ledger::{AppendError, Topic};

use crate::harness::{
    ACCEPTED_K, Client, Refusing, ask, bind, enqueue, gateway, options, post, records, trigger, trigger_of_bytes,
};

const LIMIT: usize = 524_288;
/// Most bytes of an oversized body that are kept.
const KEPT: usize = 983_040;
const TOO_LARGE: &str = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Event object is too large (maximum is 524288 bytes)"]}"#;

fn chunked(body: &str, chunk: usize) -> Vec<u8> {
    let mut request = b"POST /v2/enqueue HTTP/1.1\r\nhost: gateway\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in body.as_bytes().chunks(chunk) {
        request.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        request.extend_from_slice(piece);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

#[tokio::test]
async fn chunked_bodies_are_put_together() {
    let gateway = gateway(options());
    let body = trigger_of_bytes(65_536);
    for chunk in [1_000, 65_536] {
        ask(gateway.address(), chunked(&body, chunk)).await.check(202, ACCEPTED_K);
    }
    ask(gateway.address(), chunked(&trigger("k"), 1)).await.check(202, ACCEPTED_K);
    let stored = records(&gateway.ledger, Topic::Events);
    assert_eq!(
        stored.iter().map(|(_, s)| s.record.value.len()).collect::<Vec<_>>(),
        [65_536, 65_536, trigger("k").len()]
    );
    assert_eq!(stored[0].1.record.value, body.as_bytes());
}

#[tokio::test]
async fn a_body_at_the_limit_is_taken() {
    let gateway = gateway(options());
    let body = trigger_of_bytes(LIMIT);
    enqueue(gateway.address(), &body).await.check(202, ACCEPTED_K);
    assert_eq!(records(&gateway.ledger, Topic::Events)[0].1.record.value, body.as_bytes());
}

#[tokio::test]
async fn a_body_one_past_the_limit_is_refused_and_kept_whole() {
    let gateway = gateway(options());
    let body = trigger_of_bytes(LIMIT + 1);
    for request in [post("/v2/enqueue", "", &body).into_bytes(), chunked(&body, 10_000)] {
        let mut client = Client::connect(gateway.address()).await;
        client.send(request).await;
        client.answer().await.check(400, TOO_LARGE);
        client.send(post("/v2/enqueue", "", &trigger("k"))).await;
        client.answer().await.check(202, ACCEPTED_K);
    }
    let dead = records(&gateway.ledger, Topic::DeadLetters);
    assert_eq!(dead.len(), 2);
    for (_, stored) in dead {
        assert_eq!(stored.record.value, body.as_bytes());
        let header = |name| stored.record.header(name).map(|v| String::from_utf8_lossy(v).into_owned());
        assert_eq!(header("campanile-reason").as_deref(), Some("too_large"));
        assert_eq!(header("campanile-stage").as_deref(), Some("gateway"));
        assert_eq!(
            header("campanile-detail").as_deref(),
            Some("body of 524289 bytes exceeds the limit of 524288 bytes")
        );
    }
}

#[tokio::test]
async fn of_a_very_large_body_the_beginning_is_kept_and_marked() {
    let gateway = gateway(options());
    let body = trigger_of_bytes(KEPT + 1);
    enqueue(gateway.address(), &body).await.check(400, TOO_LARGE);
    let [(_, stored)] = &records(&gateway.ledger, Topic::DeadLetters)[..] else { panic!("one record") };
    assert_eq!(stored.record.value, body.as_bytes()[..KEPT]);
    let detail = stored.record.header("campanile-detail").expect("a detail");
    let expected = "body of 983041 bytes exceeds the limit of 524288 bytes; truncated to its first 983040 bytes";
    assert_eq!(detail, expected);
}

#[tokio::test]
async fn beyond_sixteen_mebibytes_nobody_reads_on() {
    let gateway = gateway(options());
    let mut client = Client::connect(gateway.address()).await;
    client.send("POST /v2/enqueue HTTP/1.1\r\nhost: gateway\r\ncontent-length: 1000000000\r\n\r\n").await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..17 {
        if !client.try_send(&piece).await {
            break;
        }
    }
    let answer = client.answer().await;
    answer.check(400, TOO_LARGE);
    assert_eq!(answer.header("connection"), Some("close"));
    let [(_, stored)] = &records(&gateway.ledger, Topic::DeadLetters)[..] else { panic!("one record") };
    let detail = String::from_utf8_lossy(stored.record.header("campanile-detail").expect("a detail")).into_owned();
    assert!(detail.starts_with("body of at least 16"), "{detail}");
}

#[tokio::test]
async fn a_too_large_body_that_cannot_be_kept_now_is_asked_for_again() {
    let handle = bind(options(), Arc::new(Refusing(AppendError::Unavailable("full".to_owned())))).start();
    assert_eq!(enqueue(handle.local_addr(), &trigger_of_bytes(LIMIT + 1)).await.code, 503);
}

#[tokio::test]
async fn too_large_bodies_are_kept_only_up_to_an_amount_per_minute() {
    let bytes = LIMIT + 1;
    let gateway =
        gateway(campanile_gateway::Options { too_large_kept_bytes_per_minute_max: 2 * bytes as u64, ..options() });
    for _ in 0..3 {
        enqueue(gateway.address(), &trigger_of_bytes(bytes)).await.check(400, TOO_LARGE);
    }
    assert_eq!(records(&gateway.ledger, Topic::DeadLetters).len(), 2);
}

#[tokio::test]
async fn a_sender_that_expects_a_continue_gets_one() {
    let gateway = gateway(options());
    let mut client = Client::connect(gateway.address()).await;
    let request = post("/v2/enqueue", "expect: 100-continue\r\n", &trigger("k"));
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    client.send(format!("{head}\r\n\r\n")).await;
    assert_eq!(client.answer().await.code, 100);
    client.send(body).await;
    client.answer().await.check(202, ACCEPTED_K);
}

#[tokio::test]
async fn a_sender_that_closes_its_half_gets_its_answer() {
    let gateway = gateway(options());
    let mut client = Client::connect(gateway.address()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    client.close_half().await;
    client.answer().await.check(202, ACCEPTED_K);
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let gateway = gateway(options());
    let mut client = Client::connect(gateway.address()).await;
    let first = post("/v2/enqueue", "", &trigger("a"));
    client.send(format!("{first}{}", post("/v2/enqueue", "", &trigger("b")))).await;
    assert!(client.answer().await.body.contains(r#""dedup_key":"a""#));
    assert!(client.answer().await.body.contains(r#""dedup_key":"b""#));
}

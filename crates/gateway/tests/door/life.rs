//! Binding and draining.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use campanile_gateway::{BindError, Drained, Options, Readiness, Service};
use tokio::net::TcpStream;

use crate::harness::{ACCEPTED_K, Client, bind, directory, gateway, held_gateway, ledger, options, post, trigger};

const LONG: Duration = Duration::from_secs(20);

fn try_bind(options: Options) -> Result<Service, BindError> {
    let directory = Arc::new(ArcSwap::from_pointee(directory()));
    Service::bind(options, ledger().appender(), directory, Arc::new(|| Readiness::Ready), Arc::new(String::new))
}

#[tokio::test]
async fn a_busy_port_is_named_with_its_owner_and_the_flag_to_change_it() {
    let first = bind(options(), ledger().appender());
    let address = first.local_addr();
    let Err(error) = try_bind(Options { listen: address, ..options() }) else { panic!("bound twice") };
    let text = error.to_string();
    assert!(text.starts_with(&format!("port {} on 127.0.0.1 is in use", address.port())), "{text}");
    assert!(text.contains("--listen 127.0.0.1:PORT"), "{text}");
    assert!(text.ends_with("(CAMP0001)"), "{text}");
    if cfg!(target_os = "linux") {
        assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused_with_the_flag() {
    let Err(error) = try_bind(Options { listen: "192.0.2.1:0".parse().expect("an address"), ..options() }) else {
        panic!("bound an address that is not ours")
    };
    assert!(error.to_string().contains("cannot listen on 192.0.2.1:0"), "{error}");
    assert!(error.to_string().contains("--listen"), "{error}");
}

#[tokio::test]
async fn draining_answers_what_is_under_way_and_takes_nothing_new() {
    let (handle, mut held) = held_gateway(options());
    let address = handle.local_addr();
    let mut idle = Client::connect(address).await;
    let mut busy = Client::connect(address).await;
    busy.send(post("/v2/enqueue", "", &trigger("k"))).await;
    let append = held.recv().await.expect("an append");

    let drained = tokio::spawn(handle.drain(LONG));
    assert_eq!(idle.closed().await, "");
    assert!(TcpStream::connect(address).await.is_err(), "a new connection was taken");
    assert!(!drained.is_finished());

    append.release();
    let answer = busy.answer().await;
    answer.check(202, ACCEPTED_K);
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(drained.await.expect("no panic"), Drained::Clean);
}

#[tokio::test]
async fn draining_does_not_wait_for_ever() {
    let (handle, mut held) = held_gateway(options());
    let mut client = Client::connect(handle.local_addr()).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    let _never_answered = held.recv().await.expect("an append");
    let drained = handle.drain(Duration::from_millis(50)).await;
    assert_eq!(drained, Drained::TimedOut { connections: 1 });
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn readiness_ends_before_the_door_closes() {
    let gateway = gateway(Options { drain_notice: Duration::from_millis(500), ..options() });
    let mut client = Client::connect(gateway.address()).await;
    let get = "GET /health/ready HTTP/1.1\r\nhost: gateway\r\n\r\n";
    client.send(get).await;
    assert_eq!(client.answer().await.code, 200);

    let address = gateway.address();
    let drained = tokio::spawn(gateway.handle.drain(LONG));
    let answer = loop {
        client.send(get).await;
        let answer = client.answer().await;
        if answer.code != 200 {
            break answer;
        }
    };
    answer.check(503, r#"{"reasons":["the gateway is shutting down"],"status":"not ready"}"#);
    let mut late = Client::connect(address).await;
    late.send(post("/v2/enqueue", "", &trigger("k"))).await;
    late.answer().await.check(202, ACCEPTED_K);
    assert_eq!(drained.await.expect("no panic"), Drained::Clean);
}

#[tokio::test]
async fn run_ends_when_it_is_told() {
    let service = bind(options(), ledger().appender());
    let address = service.local_addr();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(service.run(async move { drop(stopped.await) }));
    let mut client = Client::connect(address).await;
    client.send(post("/v2/enqueue", "", &trigger("k"))).await;
    client.answer().await.check(202, ACCEPTED_K);
    stop.send(()).expect("it runs");
    assert_eq!(running.await.expect("no panic"), Drained::Clean);
}

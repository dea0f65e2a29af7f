//! The doors for machines that watch: live, ready, metrics.

use std::sync::Arc;

use arc_swap::ArcSwap;
use campanile_gateway::{Readiness, Service};

use crate::harness::{ask, directory, gateway, ledger, options};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: gateway\r\n\r\n")
}

#[tokio::test]
async fn live_ready_and_metrics_answer() {
    let gateway = gateway(options());
    ask(gateway.address(), get("/health/live")).await.check(200, r#"{"status":"live"}"#);
    ask(gateway.address(), get("/health/live/")).await.check(200, r#"{"status":"live"}"#);
    ask(gateway.address(), get("/health/ready")).await.check(200, r#"{"status":"ready"}"#);
    let metrics = ask(gateway.address(), get("/metrics")).await;
    metrics.check(200, "# HELP campanile_build_info It is.\n");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[tokio::test]
async fn not_ready_says_why() {
    let reasons = vec!["shard 3 is halted: the disk is \"full\"".to_owned(), "restoring".to_owned()];
    let ready = move || Readiness::NotReady(reasons.clone());
    let directory = Arc::new(ArcSwap::from_pointee(directory()));
    let service = Service::bind(options(), ledger().appender(), directory, Arc::new(ready), Arc::new(String::new))
        .expect("bound");
    let handle = service.start();
    let answer = ask(handle.local_addr(), get("/health/ready")).await;
    answer.check(503, r#"{"reasons":["shard 3 is halted: the disk is \"full\"","restoring"],"status":"not ready"}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    ask(handle.local_addr(), get("/health/live")).await.check(200, r#"{"status":"live"}"#);
}

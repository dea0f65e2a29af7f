//! The bytes of one noise event: Events API v2 JSON, about 617 of them in the mean.
//!
//! Attributes come from a hash of the alert's number, so that a repeat says what the first event said. Written piece by
//! piece into the caller's buffer: formatting machinery would take longer than everything else.

use campanile_model::Timestamp;

use crate::random::mix;
use crate::workload::Fact;

const WHAT: [&str; 8] = ["cpu", "memory", "disk", "network", "latency", "errors", "queue", "certificate"];
const HOW: [&str; 6] = ["high", "low", "spike", "saturated", "flapping", "absent"];
const COMPONENTS: [&str; 10] = [
    "checkout-api",
    "payment-worker",
    "postgres-primary",
    "redis-cache",
    "edge-proxy",
    "search-index",
    "session-store",
    "mail-relay",
    "image-resizer",
    "ledger-writer",
];
const REGIONS: [&str; 4] = ["eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"];
const ENVIRONMENTS: [&str; 3] = ["production", "production", "staging"];
/// By sixteenths: critical 2, error 4, warning 7, info 3.
const SEVERITIES: [&str; 16] = [
    "critical", "critical", "error", "error", "error", "error", "warning", "warning", "warning", "warning", "warning",
    "warning", "warning", "info", "info", "info",
];
/// Hosts that a service may name.
const HOSTS: u64 = 400;
const LINKS_PERCENT: u64 = 18;
const IMAGES_PERCENT: u64 = 3;

/// What all events of one alert share.
#[derive(Clone, Copy, Debug)]
struct Attributes {
    class: u8,
    component: &'static str,
    region: &'static str,
    environment: &'static str,
    severity: &'static str,
    host: u64,
    limit: u64,
    has_links: bool,
    has_images: bool,
}

pub(crate) struct Writer {
    seed: u64,
    /// The instant of the last event and its text: most events share all but its milliseconds.
    second: i64,
    time: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, second: i64::MIN, time: Vec::new() }
    }

    pub(crate) fn class(&self, alert: u32) -> u8 {
        self.attributes(alert).class
    }

    pub(crate) fn dedup_key(&self, service: u16, alert: u32) -> String {
        let mut out = Vec::with_capacity(40);
        put_dedup_key(&mut out, service, alert, &self.attributes(alert));
        String::from_utf8_lossy(&out).into_owned()
    }

    fn attributes(&self, alert: u32) -> Attributes {
        let hash = mix(self.seed ^ mix(u64::from(alert)));
        let part = |shift: u32, bound: u64| ((hash >> shift) & 0xff) * bound / 256;
        Attributes {
            class: part(0, 48) as u8,
            component: COMPONENTS[part(8, 10) as usize],
            region: REGIONS[part(16, 4) as usize],
            environment: ENVIRONMENTS[part(24, 3) as usize],
            severity: SEVERITIES[part(32, 16) as usize],
            has_links: part(40, 100) < LINKS_PERCENT,
            has_images: part(48, 100) < IMAGES_PERCENT,
            limit: 50 + part(56, 50),
            host: mix(hash) % HOSTS,
        }
    }

    pub(crate) fn write(&mut self, fact: &Fact, routing_key: &str, out: &mut Vec<u8>) {
        let it = self.attributes(fact.alert);
        self.tell_time(fact.at);
        out.clear();
        put(out, &["{\"routing_key\":\"", routing_key, "\",\"event_action\":\"", fact.action.as_str()]);
        put(out, &["\",\"dedup_key\":\""]);
        put_dedup_key(out, fact.service, fact.alert, &it);
        self.put_payload(fact, &it, out);
        put(out, &[",\"client\":\"Prometheus ", it.region, "\""]);
        if it.has_links {
            put(
                out,
                &[",\"links\":[{\"href\":\"https://runbooks.example.com/", what(&it), "\",\"text\":\"Runbook \\\""],
            );
            put(out, &[what(&it), " ", how(&it), "\\\"\"}]"]);
        }
        if it.has_images {
            put(
                out,
                &[",\"images\":[{\"src\":\"https://graphs.example.com/", what(&it), ".png\",\"alt\":\"last hour\"}]"],
            );
        }
        out.push(b'}');
    }

    fn put_payload(&self, fact: &Fact, it: &Attributes, out: &mut Vec<u8>) {
        // The measured value differs from event to event, as it does in life; nothing may group or deduplicate by it.
        let value = 50 + mix(fact.index) % 50;
        put(out, &["\",\"payload\":{\"summary\":\"", what(it), " is ", how(it), " on "]);
        put_host(out, it);
        put(out, &[" of ", it.component, ": limit of "]);
        put_number(out, it.limit, 2);
        put(out, &[" exceeded for 5 minutes\",\"source\":\""]);
        put_host(out, it);
        put(out, &["\",\"severity\":\"", it.severity, "\",\"timestamp\":\""]);
        out.extend_from_slice(&self.time);
        put(out, &["\",\"component\":\"", it.component, "\",\"group\":\"", it.environment, "\",\"class\":\""]);
        put(out, &[what(it), "_", how(it), "\",\"custom_details\":{\"host\":\""]);
        put_host(out, it);
        put(out, &["\",\"region\":\"", it.region, "\",\"env\":\"", it.environment, "\",\"value\":"]);
        put_number(out, value, 2);
        put(out, &[",\"rule\":\"", what(it), "_", how(it), " for 5m\",\"event\":"]);
        put_number(out, fact.index, 1);
        put(out, &["}}"]);
    }

    fn tell_time(&mut self, at: Timestamp) {
        let (second, ms) = (at.0.div_euclid(1000), at.0.rem_euclid(1000) as u64);
        if second != self.second || self.time.is_empty() {
            self.second = second;
            self.time = at.to_string().into_bytes();
            return;
        }
        // "2026-09-21T14:13:20.000Z": the milliseconds stand before the last byte.
        self.time.truncate(self.time.len() - 4);
        put_number(&mut self.time, ms, 3);
        self.time.push(b'Z');
    }
}

fn what(it: &Attributes) -> &'static str {
    WHAT[usize::from(it.class / 6)]
}

fn how(it: &Attributes) -> &'static str {
    HOW[usize::from(it.class % 6)]
}

/// `s017/cpu_high/h123/0000a1b2`.
fn put_dedup_key(out: &mut Vec<u8>, service: u16, alert: u32, it: &Attributes) {
    out.push(b's');
    put_number(out, u64::from(service) + 1, 3);
    put(out, &["/", what(it), "_", how(it), "/h"]);
    put_number(out, it.host, 3);
    out.push(b'/');
    out.extend((0..8).rev().map(|place| b"0123456789abcdef"[(alert >> (4 * place)) as usize & 15]));
}

fn put_host(out: &mut Vec<u8>, it: &Attributes) {
    out.push(b'h');
    put_number(out, it.host, 3);
    put(out, &[".", it.region, ".example.net"]);
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Decimal, with zeros in front up to `digits_min` places.
fn put_number(out: &mut Vec<u8>, value: u64, digits_min: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = value;
    while rest > 0 || digits.len() - at < digits_min {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

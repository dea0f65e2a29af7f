//! What one event of typical size costs to decode, and beside it what the same costs by the usual way, so that the
//! special parser has to earn its place again with each version.
//!
//! `cargo bench -p campanile-pagerduty --bench events_v2`

use std::borrow::Cow;
use std::hint::black_box;

use campanile_pagerduty::events_v2::{Decoder, locate, validate_logged};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;

const BODY: &[u8] = include_bytes!("../fixtures/events_v2/typical_617_bytes.json");

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are what is parsed")]
struct Borrowed<'a> {
    routing_key: Option<&'a str>,
    event_action: Option<&'a str>,
    #[serde(borrow)]
    dedup_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<BorrowedPayload<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are what is parsed")]
struct BorrowedPayload<'a> {
    #[serde(borrow)]
    summary: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    severity: Option<&'a str>,
    timestamp: Option<&'a str>,
    #[serde(borrow)]
    component: Option<Cow<'a, str>>,
    #[serde(borrow)]
    group: Option<Cow<'a, str>>,
    #[serde(borrow)]
    class: Option<Cow<'a, str>>,
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("events_v2");
    group.throughput(Throughput::Bytes(BODY.len() as u64));
    let mut decoder = Decoder::new();
    let mut scratch = Vec::new();
    // The copy is part of the price: the decoder rewrites its bytes, and the original must stay.
    group.bench_function("copy_and_decode", |b| {
        b.iter(|| {
            scratch.clear();
            scratch.extend_from_slice(black_box(BODY));
            black_box(decoder.decode(&mut scratch)).is_ok()
        });
    });
    group.bench_function("copy_decode_validate_locate", |b| {
        b.iter(|| {
            scratch.clear();
            scratch.extend_from_slice(black_box(BODY));
            let event = decoder.decode(&mut scratch);
            let valid = event.map(|event| black_box(validate_logged(&event)).is_ok());
            black_box(locate(black_box(BODY)));
            valid
        });
    });
    group.bench_function("locate", |b| b.iter(|| locate(black_box(BODY))));
    group.bench_function("serde_json_borrowed", |b| {
        b.iter(|| black_box(serde_json::from_slice::<Borrowed<'_>>(black_box(BODY))).is_ok());
    });
    group.bench_function("serde_json_value", |b| {
        b.iter(|| black_box(serde_json::from_slice::<serde_json::Value>(black_box(BODY))).is_ok());
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);

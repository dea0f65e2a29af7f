//! The promise of the hot path, counted: a decoder that is warm allocates nothing for an event, nor do the rules, nor
//! does the search for the raw parts.
#![allow(unsafe_code, reason = "an allocator that counts is the only witness, and the trait is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use campanile_pagerduty::events_v2::{Decoder, limits, locate, validate_logged, validate_request};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; the counter is a constant-initialised thread local
// without a destructor, so that touching it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size_bytes: usize) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        unsafe { System.realloc(ptr, layout, size_bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often the act allocates on this thread.
fn allocations(act: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    act();
    ALLOCATIONS.get() - before
}

const BODIES: [&[u8]; 4] = [
    include_bytes!("../fixtures/events_v2/alertmanager_trigger.json"),
    include_bytes!("../fixtures/events_v2/curl_heartbeat.json"),
    include_bytes!("../fixtures/events_v2/datadog_trigger.json"),
    include_bytes!("../fixtures/events_v2/typical_617_bytes.json"),
];

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
}

#[test]
fn a_warm_decoder_allocates_nothing_for_an_event() {
    let mut decoder = Decoder::new();
    let mut scratch = Vec::with_capacity(4096);
    let mut all = |decoder: &mut Decoder| {
        for body in BODIES {
            scratch.clear();
            scratch.extend_from_slice(body);
            let event = decoder.decode(&mut scratch).expect("fixtures are JSON objects");
            assert!(validate_request(&event).is_ok() && validate_logged(&event).is_ok());
            assert!(locate(body).details.is_some() == event.has_details);
        }
    };
    all(&mut decoder);
    assert_eq!(allocations(|| (0..100).for_each(|_| all(&mut decoder))), 0);
}

#[test]
fn a_decoder_gives_back_what_a_giant_body_took_and_keeps_what_a_large_one_did() {
    for (items, again) in [(10_000, false), (100_000, true)] {
        let body = format!(r#"{{"x":[{}1]}}"#, "1,".repeat(items));
        assert_eq!(body.len() > limits::BUFFERS_KEPT_BYTES_MAX, again);
        let (mut first, mut second) = (body.clone().into_bytes(), body.into_bytes());
        let mut decoder = Decoder::new();
        assert!(decoder.decode(&mut first).is_ok());
        let count = allocations(|| assert!(decoder.decode(&mut second).is_ok()));
        assert_eq!(count > 0, again, "{items} items: {count} allocations");
    }
}

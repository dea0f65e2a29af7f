//! The engine with a machine small enough to see through: every input is a word, every word is written to a row, and
//! some words do things.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use campanile_clock::{Clock, Hand};
use campanile_engine::{Cadence, Damage, Machine, Output, Progress, Runner, RunnerOptions, Taken};
use campanile_ledger::memory::{Memory, MemoryShard};
use campanile_ledger::{Card, Claim, Lane, Opening, Record, RowKey, Rows, Shard, Shards, TimerKey, Topic};
use campanile_model::outcome::DeadReason;
use campanile_model::{Epoch, LedgerId, Outcome, Span, Timestamp};

/// How long a fact may take to appear before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

const START: Timestamp = Timestamp(1_000_000);

/// Publishes each word it judges, with the time it saw. `boom` panics, `once` panics the first time, `arm:N` sets a
/// timer N milliseconds ahead.
#[derive(Default)]
struct Words {
    serial: u64,
    panicked: Arc<std::sync::atomic::AtomicBool>,
}

enum Job {
    Word(String),
    Timer(u128),
    Dead(DeadReason),
}

impl Machine for Words {
    type Job<'a> = Job;

    fn open(&mut self, opening: &Opening) {
        self.serial = opening.commit.serial;
    }

    fn epochs(&self) -> (Epoch, Epoch) {
        (Epoch(0), Epoch(0))
    }

    fn switch(&mut self) {}

    fn serial(&self) -> u64 {
        self.serial
    }

    fn decode<'a>(&mut self, taken: &'a Taken, scratch: &'a mut [u8]) -> Job {
        let word = String::from_utf8_lossy(scratch).into_owned();
        // What decoding does to its scratch copy never reaches the record.
        scratch.fill(0);
        assert_eq!(taken.stored.record.value, word.as_bytes());
        Job::Word(word)
    }

    fn dead(&mut self, _: &Taken, reason: DeadReason) -> Job {
        Job::Dead(reason)
    }

    fn timer(&mut self, key: TimerKey) -> Job {
        Job::Timer(key.object)
    }

    fn event_time(&self, _: &Job) -> Option<Timestamp> {
        None
    }

    fn footprint(&mut self, _: &Job, _: Timestamp, _: &mut Vec<RowKey>) {}

    fn load(&mut self, _: RowKey, _: Option<&[u8]>) -> Result<(), Damage> {
        Ok(())
    }

    fn apply(&mut self, job: &Job, now: Timestamp, output: &mut Output) {
        let said = match job {
            Job::Word(word) => {
                if word == "boom" || word == "once" && !self.panicked.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    panic!("the word was {word}");
                }
                if let Some(ahead) = word.strip_prefix("arm:") {
                    let ahead: i64 = ahead.parse().unwrap();
                    output.timer(TimerKey { kind: 1, object: ahead as u128 }, Some(now + Span(ahead)));
                }
                word.clone()
            }
            Job::Timer(object) => format!("timer {object}"),
            Job::Dead(reason) => format!("dead {}", reason.as_str()),
        };
        self.serial += 1;
        output.outcome(Outcome::Triggered);
        output.publish(Topic::Incidents, 0, Record::new("k", format!("{said} @{}", now.since(START).0)));
    }

    fn pending(&self) -> usize {
        0
    }

    fn drain(&mut self, _: &mut Rows, _: &mut Output) {}

    fn timer_name(&self, _: TimerKey) -> &'static str {
        "auto_resolve"
    }

    fn remembered(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }
}

struct Bench {
    memory: Memory,
    clock: Arc<Hand>,
    runner: Runner<Words, MemoryShard>,
}

impl Bench {
    fn open() -> Self {
        let clock = Arc::new(Hand::at(START));
        let of_ledger = clock.clone();
        let card = Card { ledger: LedgerId(1), shards: 1, format: 1 };
        let memory = Memory::new(card, Box::new(move || of_ledger.now()));
        let runner = Self::runner(&memory);
        Self { memory, clock, runner }
    }

    fn runner(memory: &Memory) -> Runner<Words, MemoryShard> {
        let mut claims = memory.shards().claims(Duration::from_secs(1));
        let Some(Claim::Granted(shard)) = claims.pop() else { panic!("one shard is granted") };
        let machine = campanile_ledger::MachineId::Triage;
        let options = RunnerOptions { cadence: Cadence::for_shards(1), event_time: false, steps: true, machine };
        Runner::new(shard, Words::default(), options)
    }

    fn put(&self, topic: Topic, word: &str) {
        self.memory.appender().append_wait(topic, 0, vec![Record::new("k", word.to_owned())]).unwrap();
    }

    /// A record as a sibling shard would forward it, first appended `ago` before now.
    fn hop(&self, word: &str, ago: i64) {
        let source = format!("9;1;{};1", (self.clock.now() - Span(ago)).0);
        let record = Record::new("k", word.to_owned()).with_header("campanile-source", source);
        self.memory.appender().append_wait(Topic::Triage, 0, vec![record]).unwrap();
    }

    /// Steps until `count` records are out.
    fn said(&mut self, count: u64) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        while self.memory.tail().ends(Topic::Incidents, 0).end < count && Instant::now() < deadline {
            if let Progress::Idle(wait) = self.runner.step(self.clock.now()).unwrap() {
                self.runner.shard().idle(wait);
            }
        }
        let records = self.memory.tail().read(Topic::Incidents, 0, 0, 1000).unwrap();
        records.iter().map(|r| String::from_utf8_lossy(&r.record.value).into_owned()).collect()
    }
}

#[test]
fn the_older_head_of_main_and_hop_goes_first() {
    let mut bench = Bench::open();
    bench.clock.turn(Span(100));
    bench.put(Topic::Events, "main-100");
    bench.hop("hop-50", 50);
    bench.clock.turn(Span(100));
    bench.put(Topic::Events, "main-200");
    bench.hop("hop-150", 50);
    let said = bench.said(4);
    assert_eq!(said, ["hop-50 @50", "main-100 @100", "hop-150 @150", "main-200 @200"]);
}

#[test]
fn the_door_goes_first_and_does_not_move_log_time() {
    let mut bench = Bench::open();
    bench.put(Topic::Events, "event");
    bench.clock.turn(Span(500));
    bench.put(Topic::Commands, "command");
    assert_eq!(bench.said(2), ["command @500", "event @0"]);
    assert_eq!(bench.runner.standing().now, START, "a command must not age the backlog behind it");
}

#[test]
fn timers_fire_before_a_later_input_in_order_of_due() {
    let mut bench = Bench::open();
    bench.put(Topic::Events, "arm:300");
    bench.put(Topic::Events, "arm:100");
    bench.clock.turn(Span(200));
    bench.put(Topic::Events, "between");
    bench.clock.turn(Span(200));
    bench.put(Topic::Events, "after");
    let said = bench.said(6);
    assert_eq!(said, ["arm:300 @0", "arm:100 @0", "timer 100 @100", "between @200", "timer 300 @300", "after @400"]);
}

#[test]
fn an_idle_shard_fires_at_the_horizon_and_not_before() {
    let mut bench = Bench::open();
    bench.put(Topic::Events, "arm:1000");
    assert_eq!(bench.said(1).len(), 1);
    bench.clock.turn(Span(999));
    for _ in 0..50 {
        let _ = bench.runner.step(bench.clock.now()).unwrap();
    }
    assert_eq!(bench.said(1).len(), 1, "one millisecond too early");
    bench.clock.turn(Span(1));
    assert_eq!(bench.said(2)[1], "timer 1000 @1000");
}

#[test]
fn an_input_that_panics_twice_is_set_aside_and_its_neighbours_are_judged_once() {
    let mut bench = Bench::open();
    for word in ["before", "boom", "after"] {
        bench.put(Topic::Events, word);
    }
    assert_eq!(bench.said(3), ["before @0", "dead panicked @0", "after @0"]);
}

#[test]
fn an_input_that_panics_once_is_judged_the_second_time() {
    let mut bench = Bench::open();
    bench.put(Topic::Events, "once");
    assert_eq!(bench.said(1), ["once @0"]);
}

#[test]
fn a_restart_goes_on_behind_the_last_commit() {
    let mut bench = Bench::open();
    bench.put(Topic::Events, "one");
    bench.said(1);
    assert!(bench.runner.drain(Duration::from_secs(5)).unwrap());
    let before = bench.runner.standing().clone();
    bench.memory.crash();
    bench.runner = Bench::runner(&bench.memory);
    bench.put(Topic::Events, "two");
    assert_eq!(bench.said(2), ["one @0", "two @0"]);
    assert_eq!(bench.runner.standing().next[Lane::Main as usize], before.next[Lane::Main as usize] + 1);
}

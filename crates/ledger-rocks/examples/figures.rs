//! Figures of the embedded ledger on this machine.
//!
//! `cargo run --release -p campanile-ledger-rocks --example figures -- <directory> [<reads>]`; the directory is emptied first.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use campanile_clock::Wall;
use campanile_ledger::{Batch, Claim, Intake, Record, RowKey, Shard, Shards as _, TimerKey, Topic};
use campanile_ledger_rocks::{Ledger, Options, RocksShard};
use campanile_model::Timestamp;

fn main() {
    let directory = std::env::args().nth(1).expect("usage: figures <directory> [<reads>]");
    drop(std::fs::remove_dir_all(&directory));
    let options = || Options { shards: Some(2), ..Options::new(Path::new(&directory), Arc::new(Wall)) };
    let ledger = Ledger::open(options()).expect("open");
    appends(&ledger, 64);
    appends(&ledger, 1);
    commits(&ledger);
    let before = ledger.tail().ends(Topic::Events, 0).end;
    fill(&ledger, 1_000_000, 1000);
    read("newest, of memtables and files", &ledger, before);
    let began = Instant::now();
    ledger.close();
    println!("close: {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let ledger = Ledger::open(options()).expect("open");
    println!("open: {:.2} s", began.elapsed().as_secs_f64());
    for _ in 0..std::env::args().nth(2).map_or(1, |times| times.parse().expect("times")) {
        read("reopened, of blob files", &ledger, before);
    }
    println!("{:#?}", ledger.health());
}

/// CPU time of this process, in microseconds.
fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<u64>().expect("ticks");
    (ticks(11) + ticks(12)) * 10_000
}

fn event(n: u64, size: usize) -> Record {
    let mut value = format!("{{\"routing_key\":\"R0{:030}\",\"dedup_key\":\"{n:016x}\",", n % 97).into_bytes();
    let mut word = n;
    while value.len() < size {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        value.extend_from_slice(format!("\"f{}\":\"text\",", word >> 52).as_bytes());
    }
    value.truncate(size);
    Record::new(n.to_be_bytes().to_vec(), value)
}

fn appends(ledger: &Ledger, threads: u64) {
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let (began, cpu, syncs) = (Instant::now(), cpu_us(), ledger.health().syncs);
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        let work = |thread: u64| {
            let (stop, count, appender) = (&stop, &count, ledger.appender());
            move || {
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let records = vec![event(thread, 600)];
                    appender.append_wait(Topic::Events, (thread % 2) as u16, records).expect("append");
                    waits.push(began.elapsed());
                    count.fetch_add(1, Ordering::Relaxed);
                }
                waits
            }
        };
        let handles: Vec<_> = (0..threads).map(|thread| scope.spawn(work(thread))).collect();
        std::thread::sleep(Duration::from_secs(5));
        stop.store(true, Ordering::Relaxed);
        handles.into_iter().flat_map(|handle| handle.join().expect("appender")).collect()
    });
    let (seconds, count) = (began.elapsed().as_secs_f64(), count.into_inner());
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_micros();
    let after = ledger.health().syncs;
    let synced = after.count - syncs.count;
    println!(
        "{threads} appenders of 600 B: {:.0} appends/s, p50 {} µs, p99 {} µs, max {} µs, {:.1} µs CPU each; {:.0} syncs/s of {} µs",
        count as f64 / seconds,
        at(0.5),
        at(0.99),
        at(1.0),
        (cpu_us() - cpu) as f64 / count as f64,
        synced as f64 / seconds,
        (after.total_us - syncs.total_us) / synced.max(1),
    );
}

fn claim(ledger: &Ledger) -> RocksShard {
    match ledger.shards().claims(Duration::ZERO).remove(0) {
        Claim::Granted(shard) => shard,
        Claim::Revoked(_) | Claim::Lost(_) => unreachable!("all shards are granted at once"),
    }
}

fn commits(ledger: &Ledger) {
    let mut shard = claim(ledger);
    let next = shard.opening().commit.next;
    for (what, timers) in [("", 0), (" and 2 000 timers", 2000)] {
        let (mut sealing, mut settling, mut reading, mut batches) = (0, 0, 0, 0);
        let cpu = cpu_us();
        for n in 0..50_u64 {
            let mut batch = Batch { next, ..Batch::default() };
            let mut keys = Vec::new();
            for row in 0..20_000_u64 {
                let mut key = [0; 22];
                key[6..14]
                    .copy_from_slice(&(row * 7919 + n * 104_729).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
                keys.push(RowKey(key));
                batch.rows.put(RowKey(key), |out| out.extend_from_slice(&[n as u8; 60]));
            }
            for timer in 0..timers {
                batch
                    .timers
                    .push((TimerKey { kind: 1, object: timer }, Some(Timestamp((n * 10 + timer as u64) as i64))));
            }
            let began = Instant::now();
            shard.rows(&keys).expect("rows");
            reading += began.elapsed().as_nanos();
            let began = Instant::now();
            shard.seal(batch).expect("seal");
            sealing += began.elapsed().as_nanos();
            let began = Instant::now();
            shard.settled(Duration::from_secs(9)).expect("settled");
            settling += began.elapsed().as_nanos();
            batches += 1;
        }
        let each = |nanos: u128| nanos as f64 / 1000.0 / f64::from(batches) / 20_000.0;
        println!(
            "commit of 20 000 rows of 60 B{what}: seal {:.2} µs a row, settle {:.1} ms a batch, rows() {:.2} µs a key, CPU of all {:.2} µs a row",
            each(sealing),
            settling as f64 / 1e6 / f64::from(batches),
            each(reading),
            (cpu_us() - cpu) as f64 / f64::from(batches) / 20_000.0,
        );
    }
}

fn fill(ledger: &Ledger, count: u64, group: u64) {
    let (appender, began, cpu) = (ledger.appender(), Instant::now(), cpu_us());
    for first in (0..count).step_by(group as usize) {
        let records = (first..first + group).map(|n| event(n, 617)).collect();
        appender.append_wait(Topic::Events, 0, records).expect("append");
    }
    let each = |us: f64| us / count as f64;
    println!(
        "fill of {count} events of 617 B in groups of {group}: {:.2} µs an event, {:.2} µs CPU (making them included)",
        each(began.elapsed().as_secs_f64() * 1e6),
        each((cpu_us() - cpu) as f64)
    );
}

fn read(what: &str, ledger: &Ledger, from: u64) {
    let end = ledger.tail().ends(Topic::Events, 0).end;
    let mut shard = claim(ledger);
    let mut intake = Intake::default();
    let skip = |intake: &Intake| intake.main.back().is_some_and(|stored| stored.offset + 1 >= from);
    while from > 0 && !skip(&intake) {
        intake.main.clear();
        let left = from - intake.main.back().map_or(0, |stored| stored.offset);
        shard.read(left.min(1000) as usize, Duration::from_millis(100), &mut intake).expect("read");
    }
    let (began, cpu) = (Instant::now(), cpu_us());
    let (mut count, mut bytes) = (0_u64, 0_usize);
    while count < (end - from).saturating_sub(1000) {
        intake.main.clear();
        shard.read(20_000, Duration::from_millis(100), &mut intake).expect("read");
        count += intake.main.len() as u64;
        bytes += intake.main.iter().map(|stored| stored.record.size()).sum::<usize>();
    }
    println!(
        "read ({what}): {:.3} µs an event, {:.3} µs CPU, {} events, {} MB",
        began.elapsed().as_secs_f64() * 1e6 / count as f64,
        (cpu_us() - cpu) as f64 / count as f64,
        count,
        bytes >> 20
    );
}

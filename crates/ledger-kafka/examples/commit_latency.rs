//! How long a commit takes, part by part, on a bare producer and through the ledger. For docs/adr/0004-one-producer.md.
//!
//!   make kafka-up && cargo run --release -p campanile-ledger-kafka --example commit_latency -- 127.0.0.1:19092
#![allow(clippy::unwrap_used, reason = "a measurement that fails ends")]

use std::time::{Duration, Instant};

use campanile_ledger::{Batch, Claim, Publish, Record, RowKey, Settled, Shard, Shards, Topic};
use campanile_ledger_kafka::{Ledger, Options, topics};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::util::Timeout;

const ROW_BYTES: usize = 150;

fn main() {
    let brokers = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:19092".to_owned());
    let data = tempfile::TempDir::new().expect("a directory for the state");
    let prefix = format!("latency-{}", std::process::id());
    let options = Options { prefix: prefix.clone(), ..Options::new(&brokers, data.path(), "latency") };
    topics::create(&options, 2, 1).expect("a broker at that address");
    println!("{:<44} {:>7} {:>7} {:>7}", "milliseconds", "p50", "p99", "max");
    for (records, rounds) in [(1, 400), (1000, 100), (20_000, 20)] {
        bare(&brokers, &prefix, records, rounds);
    }
    for (rows, rounds) in [(1, 400), (1000, 100), (20_000, 20)] {
        through_ledger(&options, rows, rounds);
    }
}

/// A transaction of so many records to the changelog and nothing else, driven as the committer drives it.
fn bare(brokers: &str, prefix: &str, records: usize, rounds: usize) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", format!("{prefix}.bare.{records}"))
        .set("retry.backoff.ms", "5")
        .set("compression.type", "lz4")
        .set("batch.size", "1000000")
        .set("linger.ms", std::env::var("LINGER_MS").unwrap_or_else(|_| "2".to_owned()))
        .create()
        .expect("settings that the client knows");
    producer.init_transactions(Duration::from_secs(10)).expect("a coordinator");
    let topic = format!("{prefix}.changelog.triage");
    let (mut sent, mut ended, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let began = Instant::now();
        producer.begin_transaction().expect("no transaction is open");
        for n in 0..records {
            let mut value = [b'x'; ROW_BYTES];
            value[..8].copy_from_slice(&((round * records + n) as u64).to_be_bytes());
            let key = (n as u64).to_be_bytes();
            let mut record = BaseRecord::to(&topic).partition(1).key(&key[..]).payload(&value[..]);
            while let Err((_, back)) = producer.send(record) {
                record = back;
                producer.poll(Duration::from_millis(1));
            }
        }
        loop {
            producer.poll(Duration::ZERO);
            if producer.in_flight_count() == 0 {
                break;
            }
            // The committer's own pace between two looks.
            std::thread::sleep(Duration::from_micros(200));
        }
        let drained = Instant::now();
        producer.commit_transaction(Timeout::Never).expect("committed");
        sent.push(drained - began);
        ended.push(drained.elapsed());
        whole.push(began.elapsed());
    }
    report(&format!("bare, {records} records: send and drain"), sent);
    report(&format!("bare, {records} records: commit"), ended);
    report(&format!("bare, {records} records: whole"), whole);
}

/// From seal to committed, with offsets, commit record and digest.
fn through_ledger(options: &Options, rows: usize, rounds: usize) {
    let ledger = Ledger::open(options.clone()).expect("the topics just made");
    let mut shards = ledger.shards();
    let mut shard = loop {
        let found = shards.claims(Duration::from_secs(1)).into_iter().find_map(|claim| match claim {
            Claim::Granted(shard) if shard.id().0 == 0 => Some(shard),
            _ => None,
        });
        if let Some(shard) = found {
            break shard;
        }
    };
    let (mut seals, mut times) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut batch = Batch { next: shard.opening().commit.next, ..Batch::default() };
        for n in 0..rows {
            let mut key = [0; campanile_ledger::batch::ROW_KEY_BYTES];
            key[..8].copy_from_slice(&(n as u64).to_be_bytes());
            batch.rows.put(RowKey(key), |out| {
                out.extend_from_slice(&(round as u64).to_be_bytes());
                out.resize(out.len() + ROW_BYTES - 8, b'x');
            });
        }
        let record = Record::new("key", "an incident");
        batch.publish.push(Publish { topic: Topic::Incidents, partition: 0, record });
        let began = Instant::now();
        let seq = shard.seal(batch).expect("the shard is ours");
        seals.push(began.elapsed());
        while !matches!(shard.settled(Duration::from_millis(100)), Ok(Settled::Committed(done)) if done >= seq) {}
        times.push(began.elapsed());
    }
    report(&format!("ledger, {rows} rows: seal, on the worker"), seals);
    report(&format!("ledger, {rows} rows: seal to committed"), times);
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{what:<44} {:>7.1} {:>7.1} {:>7.1}", at(0.5), at(0.99), at(1.0));
}

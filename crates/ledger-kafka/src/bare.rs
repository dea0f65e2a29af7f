//! What measurements are set beside: transactions with nothing around them, and a reader as anybody outside would have one.

use std::time::{Duration, Instant};

use campanile_ledger::{Stored, Topic};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

use crate::native::{self, Event};
use crate::options::Options;
use crate::topics::{Names, TopicsError, unreachable};

/// Between two looks at what is in flight; the committer's own pace.
const NAP: Duration = Duration::from_micros(200);
/// Transactions before those that count.
const WARM_UP: usize = 100;

/// How long each of so many transactions of one record takes, from begin to committed, one after the other.
///
/// # Errors
/// The cluster is out of reach.
pub fn transactions(options: &Options, rounds: usize) -> Result<Vec<Duration>, TopicsError> {
    run_transactions(options, rounds).map_err(|error| unreachable(options, &error))
}

fn run_transactions(options: &Options, rounds: usize) -> Result<Vec<Duration>, KafkaError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &options.brokers).set("linger.ms", "2").set("retry.backoff.ms", "5");
    config.set("transactional.id", format!("{}.bare", options.prefix));
    let producer: BaseProducer = options.with_passed_through(config).create()?;
    producer.init_transactions(Duration::from_secs(30))?;
    let names = Names::new(options);
    let mut took = Vec::with_capacity(rounds);
    for round in 0..rounds + WARM_UP {
        let began = Instant::now();
        producer.begin_transaction()?;
        let value = (round as u64).to_be_bytes();
        let record = BaseRecord::<[u8], [u8]>::to(names.of(Topic::Incidents)).partition(0);
        producer.send(record.key(&value[..]).payload(&value[..])).map_err(|(error, _)| error)?;
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::ZERO);
            std::thread::sleep(NAP);
        }
        producer.commit_transaction(Timeout::Never)?;
        if round >= WARM_UP {
            took.push(began.elapsed());
        }
    }
    Ok(took)
}

/// Follows every partition of a topic from its beginning, read committed.
pub struct Follower {
    consumer: BaseConsumer,
}

impl Follower {
    /// # Errors
    /// The client knows a setting not.
    pub fn new(options: &Options, topic: Topic, partitions: u16) -> Result<Self, TopicsError> {
        let start = || {
            let consumer: BaseConsumer = options.reader(0).create()?;
            let mut list = TopicPartitionList::new();
            for partition in 0..partitions {
                list.add_partition_offset(Names::new(options).of(topic), i32::from(partition), Offset::Beginning)?;
            }
            consumer.assign(&list)?;
            Ok(Self { consumer })
        };
        start().map_err(|error: KafkaError| unreachable(options, &error))
    }

    /// The next record, waiting at most `wait`.
    pub fn next(&self, wait: Duration) -> Option<Stored> {
        match native::poll(&self.consumer, wait) {
            Some(Event::Record { stored, .. }) => Some(stored),
            Some(Event::End { .. } | Event::Failed { .. }) | None => None,
        }
    }
}

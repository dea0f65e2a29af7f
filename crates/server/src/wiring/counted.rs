//! An appender that counts what it appends. Here and not in the ledger, so that commits stay out of the count.

use std::sync::Arc;

use campanile_catalogue::{Counter, counter, metrics};
use campanile_ledger::{Appender, Done, Record, Topic};

pub(super) struct Counted {
    inner: Arc<dyn Appender>,
    /// Records and bytes of each topic, in the order of [`Topic::ALL`].
    series: Vec<(Counter, Counter)>,
}

impl Counted {
    pub(super) fn new(inner: Arc<dyn Appender>) -> Self {
        let series = Topic::ALL.into_iter().map(|topic| {
            let labels = [("topic", topic.name().trim_start_matches("campanile."))];
            (counter(&metrics::LEDGER_APPENDS_TOTAL, &labels), counter(&metrics::LEDGER_APPEND_BYTES_TOTAL, &labels))
        });
        Self { inner, series: series.collect() }
    }
}

impl Appender for Counted {
    fn partitions(&self, topic: Topic) -> u16 {
        self.inner.partitions(topic)
    }

    fn append(&self, topic: Topic, partition: u16, records: Vec<Record>, done: Done) {
        let at = Topic::ALL.iter().position(|known| *known == topic);
        let Some((appends, bytes)) = at.and_then(|at| self.series.get(at)).cloned() else {
            return self.inner.append(topic, partition, records, done);
        };
        let (count, size) = (records.len() as u64, records.iter().map(Record::size).sum::<usize>() as u64);
        let counting: Done = Box::new(move |answer| {
            if answer.is_ok() {
                appends.add(count);
                bytes.add(size);
            }
            done(answer);
        });
        self.inner.append(topic, partition, records, counting);
    }
}

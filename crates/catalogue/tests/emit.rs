//! What is emitted reaches the recorder under the table's name, labels and help.

use std::sync::{Arc, Mutex};

use campanile_catalogue::metrics::{DIRECTORY_EPOCH, EVENT_LATENCY_SECONDS, LAG_RECORDS, LEDGER_APPENDS_TOTAL};
use campanile_catalogue::{counter, describe_all, gauge, histogram};
use metrics::{CounterFn, GaugeFn, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: String) {
        self.0.lock().expect("no test panics while it notes").push(note);
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no test panics while it notes"))
    }
}

struct Series(String, Notes);

impl Series {
    fn of(key: &Key, notes: &Notes) -> Arc<Self> {
        let labels: Vec<String> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        Arc::new(Self(format!("{}{{{}}}", key.name(), labels.join(",")), notes.clone()))
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.1.add(format!("{} +{value}", self.0));
    }
    fn absolute(&self, _value: u64) {}
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.1.add(format!("{} +{value}", self.0));
    }
    fn decrement(&self, value: f64) {
        self.1.add(format!("{} -{value}", self.0));
    }
    fn set(&self, value: f64) {
        self.1.add(format!("{} ={value}", self.0));
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.1.add(format!("{} ~{value}", self.0));
    }
}

impl Recorder for Notes {
    fn describe_counter(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.add(format!("{} counter: {help}", key.as_str()));
    }
    fn describe_gauge(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.add(format!("{} gauge: {help}", key.as_str()));
    }
    fn describe_histogram(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.add(format!("{} histogram: {help}", key.as_str()));
    }
    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(Series::of(key, self))
    }
    fn register_gauge(&self, key: &Key, _metadata: &Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(Series::of(key, self))
    }
    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(Series::of(key, self))
    }
}

#[test]
fn handles_write_to_the_series_they_were_made_for() {
    let notes = Notes::default();
    metrics::with_local_recorder(&notes, || {
        counter(&LEDGER_APPENDS_TOTAL, &[("topic", "events")]).add(3);
        let lag = gauge(&LAG_RECORDS, &[("machine", "triage"), ("shard", "7"), ("lane", "main")]);
        lag.set(5.0);
        lag.add(2.0);
        lag.subtract(1.0);
        let latency = histogram(&EVENT_LATENCY_SECONDS, &[("stage", "end_to_end")]);
        latency.record(0.5);
        latency.record_duration(std::time::Duration::from_millis(250));
    });
    let expected = [
        "campanile_ledger_appends_total{topic=events} +3",
        "campanile_lag_records{machine=triage,shard=7,lane=main} =5",
        "campanile_lag_records{machine=triage,shard=7,lane=main} +2",
        "campanile_lag_records{machine=triage,shard=7,lane=main} -1",
        "campanile_event_latency_seconds{stage=end_to_end} ~0.5",
        "campanile_event_latency_seconds{stage=end_to_end} ~0.25",
    ];
    assert_eq!(notes.taken(), expected);
}

#[test]
fn every_metric_is_described_once() {
    let notes = Notes::default();
    metrics::with_local_recorder(&notes, describe_all);
    let described = notes.taken();
    assert_eq!(described.len(), campanile_catalogue::metrics::all().count());
    assert!(described.contains(&format!("campanile_directory_epoch gauge: {}", DIRECTORY_EPOCH.meaning)));
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "checked in debug builds only")]
#[should_panic(expected = "has other labels")]
fn a_label_outside_the_table_is_caught() {
    counter(&LEDGER_APPENDS_TOTAL, &[("partition", "1")]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "checked in debug builds only")]
#[should_panic(expected = "has no such values")]
fn a_value_outside_a_closed_set_is_caught() {
    counter(&LEDGER_APPENDS_TOTAL, &[("topic", "letters")]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "checked in debug builds only")]
#[should_panic(expected = "is a counter, not a gauge")]
fn a_wrong_kind_is_caught() {
    gauge(&LEDGER_APPENDS_TOTAL, &[("topic", "events")]);
}

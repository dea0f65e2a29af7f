//! Figures of incidents by service, and who is on call, for dashboards that were made for PagerDuty.
//!
//! They count what this process saw since it started. A record that cannot be read counts nothing here: the machine that
//! judges it says so.

use ahash::{AHashMap, AHashSet};
use campanile_catalogue::metrics::{INCIDENTS_TOTAL, MTTA_SECONDS, MTTR_SECONDS, ONCALL_USER, OTHER, SERIES_MAX};
use campanile_catalogue::{Counter, Gauge, counter, gauge};
use campanile_directory::Snapshot;
use campanile_model::Timestamp;
use jiff::Timestamp as Instant;
use serde::Deserialize;

/// What is counted of a record of `campanile.incidents`. An answer to a command has no event type.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    event_type: &'a str,
    occurred_at: Option<Instant>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    id: &'a str,
    created_at: Instant,
    urgency: &'a str,
    service: Service,
}

#[derive(Deserialize)]
struct Service {
    summary: String,
}

/// A mean, as it is shown.
struct Mean {
    sum: f64,
    count: u64,
    gauge: Gauge,
}

impl Mean {
    fn of(metric: &'static campanile_catalogue::metrics::Metric, service: &str) -> Self {
        Self { sum: 0.0, count: 0, gauge: gauge(metric, &[("service", service)]) }
    }

    fn add(&mut self, seconds: f64) {
        self.sum += seconds;
        self.count += 1;
        self.gauge.set(self.sum / self.count as f64);
    }
}

/// The figures of the incidents of one shard. A service's incidents are all on one shard, so no mean is split.
#[derive(Default)]
pub(crate) struct IncidentFigures {
    entered: AHashMap<(String, &'static str, &'static str), Counter>,
    acknowledge: AHashMap<String, Mean>,
    resolve: AHashMap<String, Mean>,
    /// Open incidents that were acknowledged once: only the first time counts. Forgotten when they resolve.
    acknowledged: AHashSet<String>,
}

impl IncidentFigures {
    /// Counts a record, as it was appended.
    pub(crate) fn note(&mut self, record: &[u8]) {
        let Ok(Record { event_type, occurred_at: Some(at), data: Some(data) }) = serde_json::from_slice(record) else {
            return;
        };
        let seconds = at.duration_since(data.created_at).as_secs_f64().max(0.0);
        let status = match event_type {
            "incident.triggered" | "incident.unacknowledged" | "incident.reopened" => "triggered",
            "incident.acknowledged" => {
                if self.acknowledged.insert(data.id.to_owned()) {
                    mean(&mut self.acknowledge, &MTTA_SECONDS, &data.service.summary).add(seconds);
                }
                "acknowledged"
            }
            "incident.resolved" => {
                self.acknowledged.remove(data.id);
                mean(&mut self.resolve, &MTTR_SECONDS, &data.service.summary).add(seconds);
                "resolved"
            }
            _ => return,
        };
        let urgency = if data.urgency == "low" { "low" } else { "high" };
        self.enter(&data.service.summary, urgency, status);
    }

    fn enter(&mut self, service: &str, urgency: &'static str, status: &'static str) {
        let mut key = (service.to_owned(), urgency, status);
        if self.entered.len() >= SERIES_MAX && !self.entered.contains_key(&key) {
            key.0 = OTHER.to_owned();
        }
        let counter = self.entered.entry(key).or_insert_with_key(|(service, urgency, status)| {
            counter(&INCIDENTS_TOTAL, &[("service", service), ("urgency", urgency), ("status", status)])
        });
        counter.add(1);
    }
}

fn mean<'m>(
    means: &'m mut AHashMap<String, Mean>,
    metric: &'static campanile_catalogue::metrics::Metric,
    service: &str,
) -> &'m mut Mean {
    let room = means.len() < SERIES_MAX || means.contains_key(service);
    let service = if room { service } else { OTHER }.to_owned();
    means.entry(service).or_insert_with_key(|service| Mean::of(metric, service))
}

/// Who is on call, by schedule.
#[derive(Default)]
pub(crate) struct OnCallFigures {
    turns: AHashMap<(String, String), (Gauge, bool)>,
}

impl OnCallFigures {
    /// Shows who is on call at this instant; whoever was and is not any more is shown as 0.
    pub(crate) fn show(&mut self, directory: &Snapshot, at: Timestamp) {
        for (_, is_on_call) in self.turns.values_mut() {
            *is_on_call = false;
        }
        for schedule in directory.schedules() {
            let user = directory.roster(schedule.id.as_str()).and_then(|roster| roster.on_call(at));
            let Some(user) = user.and_then(|id| directory.user(id.as_str())) else { continue };
            let key = (schedule.name.to_string(), user.name.to_string());
            let room = self.turns.len() < SERIES_MAX || self.turns.contains_key(&key);
            let key = if room { key } else { (OTHER.to_owned(), OTHER.to_owned()) };
            let turn = self.turns.entry(key).or_insert_with_key(|(schedule, user)| {
                (gauge(&ONCALL_USER, &[("schedule", schedule), ("user", user)]), true)
            });
            turn.1 = true;
        }
        for (gauge, is_on_call) in self.turns.values() {
            gauge.set(f64::from(u8::from(*is_on_call)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, at: &str, id: &str) -> Vec<u8> {
        format!(
            r#"{{"v":1,"event_type":"incident.{kind}","occurred_at":"{at}","data":{{"id":"{id}","created_at":"2026-03-02T10:00:00Z",
            "urgency":"high","service":{{"id":"PS","summary":"web \"one\""}}}}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn the_first_acknowledgement_and_the_resolution_make_means() {
        let mut figures = IncidentFigures::default();
        figures.note(&record("triggered", "2026-03-02T10:00:00.500Z", "Q1"));
        figures.note(&record("acknowledged", "2026-03-02T10:01:00.000Z", "Q1"));
        figures.note(&record("unacknowledged", "2026-03-02T10:31:00.000Z", "Q1"));
        figures.note(&record("acknowledged", "2026-03-02T10:40:00.000Z", "Q1"));
        figures.note(&record("acknowledged", "2026-03-02T10:02:00.000Z", "Q2"));
        figures.note(&record("resolved", "2026-03-02T11:00:00.000Z", "Q1"));
        figures.note(br#"{"v":1,"out_seq":3,"type":"answer"}"#);
        figures.note(b"\xff");
        let name = "web \"one\"";
        let acknowledge = &figures.acknowledge[name];
        assert_eq!((acknowledge.sum, acknowledge.count), (180.0, 2));
        let resolve = &figures.resolve[name];
        assert_eq!((resolve.sum, resolve.count), (3600.0, 1));
        assert_eq!(figures.entered.len(), 3);
        assert_eq!(figures.acknowledged.len(), 1, "what resolved is forgotten");
    }

    #[test]
    fn names_beyond_the_bound_share_one_series() {
        let mut figures = IncidentFigures::default();
        for nth in 0..SERIES_MAX + 10 {
            figures.enter(&format!("service {nth}"), "high", "triggered");
        }
        figures.enter("service 3", "high", "triggered");
        assert_eq!(figures.entered.len(), SERIES_MAX + 1);
    }
}

//! The seed's hour of noise: 1000 raw alerts, of which 600 repeat, 100 fall into maintenance and 300 make 50 incidents.
//!
//! ```text
//!  group   ├ six alerts ┤├── their repeats ──┤├─ they resolve ─┤
//!          0          200 s                 900 s           1300 s
//! ```
//!
//! Nothing is drawn: every run tells the same hour. Each alert is resolved at its end, so that its last record carries
//! its final count.

use campanile_directory::Snapshot;
use campanile_model::Span;
use serde_json::json;

use super::organisation::MAINTAINED;

/// Incidents, and alerts of each.
pub const GROUPS: usize = 50;
pub const ALERTS_PER_GROUP: usize = 6;
/// Alerts under maintenance.
pub const MAINTAINED_ALERTS: usize = 100;
/// Connections that send at once. Events of one story share one, so that they arrive in order.
pub const LANES: usize = 16;

/// From a story's first event to its last.
const STORY: Span = Span::seconds(1300);
const ALERT_EVERY: Span = Span::seconds(40);
const REPEATS_FROM: Span = Span::seconds(240);
const RESOLVES_FROM: Span = Span::seconds(1000);

/// What can go wrong: component, class, what people read.
const SYMPTOMS: [(&str, &str, &str); 9] = [
    ("disk", "capacity", "Disk space below 5 %"),
    ("http", "latency", "p99 latency above 2 s"),
    ("http", "errors", "Error rate above 5 %"),
    ("pool", "saturation", "Connection pool exhausted"),
    ("queue", "lag", "Consumer lag above 10 min"),
    ("memory", "saturation", "Memory above 95 %"),
    ("cpu", "saturation", "CPU throttled"),
    ("replica", "lag", "Replication lag above 60 s"),
    ("certificate", "expiry", "Certificate expires in 3 days"),
];

/// One event and when it is due, counted from the beginning of the noise in log time.
#[derive(Clone, Debug)]
pub struct Planned {
    pub after: Span,
    pub body: Vec<u8>,
}

/// What the hour must come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub raw: u64,
    pub alerts: u64,
    pub unsuppressed: u64,
    pub incidents: u64,
    /// P1, P2, P3.
    pub priorities: [u64; 3],
}

/// The seed's numbers.
pub const EXPECTED: Totals =
    Totals { raw: 1000, alerts: 400, unsuppressed: 300, incidents: 50, priorities: [5, 15, 30] };

/// An alert to be: where it goes and what it says.
struct Alert<'a> {
    routing_key: &'a str,
    dedup_key: String,
    summary: String,
    source: String,
    severity: &'static str,
    component: &'a str,
    class: &'a str,
}

/// The events of each lane, in order of time, spread over `length` of log time.
pub fn lanes(snapshot: &Snapshot, length: Span) -> Vec<Vec<Planned>> {
    let mut services: Vec<_> = snapshot
        .services()
        .filter(|service| !service.integrations.is_empty() && !service.disabled && service.grouping.is_some())
        // One service of the seed has no priorities of its own and an intelligent grouping: it stays quiet here.
        .filter(|service| service.priority_by_severity.iter().any(Option::is_some))
        .collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let (maintained, others): (Vec<_>, Vec<_>) = services.into_iter().partition(|service| service.name == MAINTAINED);
    let mut lanes = vec![Vec::new(); LANES];
    let latest_start = (length.0 - STORY.0).max(0);
    if !others.is_empty() {
        for group in 0..GROUPS {
            let service = others[group % others.len()];
            let start = Span(latest_start * group as i64 / GROUPS as i64);
            let alerts = group_alerts(group, &service.name, service.integrations[0].key.as_str(), group / others.len());
            tell(&alerts, start, &mut lanes[group % LANES]);
        }
    }
    if let Some(service) = maintained.first() {
        let alerts = maintained_alerts(&service.name, service.integrations[0].key.as_str());
        for (story, alerts) in alerts.chunks(ALERTS_PER_GROUP).enumerate() {
            let start = Span(latest_start * story as i64 / (MAINTAINED_ALERTS / ALERTS_PER_GROUP + 1) as i64);
            tell(alerts, start, &mut lanes[story % LANES]);
        }
    }
    for lane in &mut lanes {
        lane.sort_by_key(|event| event.after);
    }
    lanes
}

/// 5 critical, 15 error, 30 warning among 50, spread evenly.
fn severity(group: usize) -> &'static str {
    match group % 10 {
        0 => "critical",
        2 | 5 | 8 => "error",
        _ => "warning",
    }
}

fn group_alerts<'a>(group: usize, service: &str, routing_key: &'a str, turn: usize) -> Vec<Alert<'a>> {
    let (component, class, text) = SYMPTOMS[turn % SYMPTOMS.len()];
    (0..ALERTS_PER_GROUP)
        .map(|nth| {
            let source = format!("{service}-{}", nth + 1);
            Alert {
                routing_key,
                dedup_key: format!("{source}/{component}/{class}/{group}"),
                summary: format!("{text} on {source}"),
                source,
                severity: severity(group),
                component,
                class,
            }
        })
        .collect()
}

fn maintained_alerts<'a>(service: &str, routing_key: &'a str) -> Vec<Alert<'a>> {
    (0..MAINTAINED_ALERTS)
        .map(|nth| {
            let (component, class, text) = SYMPTOMS[nth % SYMPTOMS.len()];
            let source = format!("{service}-{}", nth + 1);
            Alert {
                routing_key,
                dedup_key: format!("{source}/{component}/{class}"),
                summary: format!("{text} on {source}"),
                source,
                severity: "warning",
                component,
                class,
            }
        })
        .collect()
}

/// The events of one story. Every second alert repeats twice, the others once: three repeats for two alerts.
fn tell(alerts: &[Alert<'_>], start: Span, lane: &mut Vec<Planned>) {
    for (nth, alert) in alerts.iter().enumerate() {
        let nth_ms = nth as i64;
        let trigger = alert.trigger();
        lane.push(Planned { after: Span(start.0 + ALERT_EVERY.0 * nth_ms), body: trigger.clone() });
        for repeat in 0..1 + nth % 2 {
            let after = start.0 + REPEATS_FROM.0 + 300_000 * repeat as i64 + 17_000 * nth_ms;
            lane.push(Planned { after: Span(after), body: trigger.clone() });
        }
        lane.push(Planned { after: Span(start.0 + RESOLVES_FROM.0 + 45_000 * nth_ms), body: alert.resolve() });
    }
}

impl Alert<'_> {
    fn trigger(&self) -> Vec<u8> {
        json!({
            "routing_key": self.routing_key,
            "event_action": "trigger",
            "dedup_key": self.dedup_key,
            "payload": {
                "summary": self.summary,
                "source": self.source,
                "severity": self.severity,
                "component": self.component,
                "class": self.class,
                "custom_details": { "demo": true },
            },
        })
        .to_string()
        .into_bytes()
    }

    fn resolve(&self) -> Vec<u8> {
        json!({ "routing_key": self.routing_key, "event_action": "resolve", "dedup_key": self.dedup_key })
            .to_string()
            .into_bytes()
    }
}

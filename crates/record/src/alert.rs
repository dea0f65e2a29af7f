//! `campanile.alerts`: a snapshot of an alert, keyed by its id. One is written when the alert is made, suppressed,
//! promoted, re-graded or resolved, at most one per alert and commit, and none for a plain repeat.

use campanile_triage::{Alert, Details, Verdict};

use crate::json::Object;

pub fn encode(alert: &Alert, details: &Details, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    o.quoted("id", alert.id);
    o.text("type", "alert");
    o.text("status", alert.status.as_str());
    o.plain("suppressed", alert.hidden.is_some());
    o.text("severity", alert.severity.as_str());
    o.text("summary", &details.summary);
    o.text("alert_key", &details.dedup_key);
    o.reference("service", "service_reference", details.service.id.as_str(), &details.service.name);
    o.object("integration", |o| {
        o.text("id", &details.integration);
        o.text("type", "integration_reference");
    });
    match alert.incident {
        Some(id) => o.object("incident", |o| {
            o.quoted("id", id);
            o.text("type", "incident_reference");
        }),
        None => o.plain("incident", "null"),
    }
    o.object("verdict", |o| verdict(o, &details.verdict));
    o.plain("count", alert.count);
    o.quoted("created_at", alert.first_seen);
    o.quoted("last_seen_at", alert.last_seen);
    match alert.resolved_at {
        Some(at) => o.quoted("resolved_at", at),
        None => o.plain("resolved_at", "null"),
    }
    o.raw("body", &details.body);
    o.close();
}

fn verdict(o: &mut Object<'_>, verdict: &Verdict) {
    match verdict {
        Verdict::Opened => o.text("outcome", "opened_incident"),
        Verdict::Grouped(grouping) => {
            o.text("outcome", "grouped");
            o.text("grouping", grouping);
        }
        Verdict::Hidden(hidden, by) => {
            o.text("outcome", "suppressed");
            o.text("reason", hidden.as_str());
            if !by.is_empty() {
                o.text("maintenance_window", by);
            }
        }
        Verdict::Overtaken => o.text("outcome", "overtaken"),
    }
}

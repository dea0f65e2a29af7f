//! `campanile.alerts`: a snapshot of an alert, keyed by its id. One is written when the alert is made, suppressed,
//! promoted, re-graded or resolved, at most one per alert and commit, and none for a plain repeat.

use campanile_triage::{Alert, Details, Verdict};

use crate::json::Object;

pub fn encode(alert: &Alert, details: &Details, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    o.word("id", alert.id.text().as_str());
    o.word("type", "alert");
    o.word("status", alert.status.as_str());
    o.boolean("suppressed", alert.hidden.is_some());
    o.word("severity", alert.severity.as_str());
    o.text("summary", &details.summary);
    o.text("alert_key", &details.dedup_key);
    o.reference("service", "service_reference", details.service.id.as_str(), &details.service.name);
    o.object("integration", |o| {
        o.text("id", &details.integration);
        o.word("type", "integration_reference");
    });
    match alert.incident {
        Some(id) => o.object("incident", |o| {
            o.word("id", id.text().as_str());
            o.word("type", "incident_reference");
        }),
        None => o.null("incident"),
    }
    o.object("verdict", |o| verdict(o, &details.verdict));
    o.plain("count", alert.count);
    o.time("created_at", alert.first_seen);
    o.time("last_seen_at", alert.last_seen);
    match alert.resolved_at {
        Some(at) => o.time("resolved_at", at),
        None => o.null("resolved_at"),
    }
    o.raw("body", &details.body);
    o.close();
}

fn verdict(o: &mut Object<'_>, verdict: &Verdict) {
    match verdict {
        Verdict::Opened => o.word("outcome", "opened_incident"),
        Verdict::Grouped(grouping) => {
            o.word("outcome", "grouped");
            o.word("grouping", grouping);
        }
        Verdict::Hidden(hidden, by) => {
            o.word("outcome", "suppressed");
            o.word("reason", hidden.as_str());
            if !by.is_empty() {
                o.text("maintenance_window", by);
            }
        }
        Verdict::Overtaken => o.word("outcome", "overtaken"),
    }
}

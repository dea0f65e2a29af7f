//! Counting what came out, from topics and rows alone, and holding it against the model.

use ahash::AHashSet;
use anyhow::{Context, Result};
use campanile_ledger::{RowKey, Tail, Topic};
use campanile_model::IncidentStatus;
use campanile_rows as rows;
use campanile_triage::AlertRow;
use serde::{Deserialize, Serialize};

use super::ground::{Aftermath, Ground};
use crate::model::Totals;
use crate::report::{Table, grouped};

const READ_MAX: usize = 4096;

/// One number, as the model has it and as it was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    what: &'static str,
    model: u64,
    found: u64,
}

impl Line {
    pub(super) fn is_equal(&self) -> bool {
        self.model == self.found
    }
}

pub(super) fn table(lines: &[Line]) -> Table {
    let mut table = Table::new(["counted downstream", "model", "found", ""]);
    for line in lines {
        let mark = if line.is_equal() { "" } else { "differs" };
        table.row([line.what.to_owned(), grouped(line.model), grouped(line.found), mark.to_owned()]);
    }
    table
}

#[derive(Default)]
struct Found {
    events: u64,
    triggered: u64,
    acknowledged: u64,
    resolved: u64,
    other_revisions: u64,
    gaps: u64,
    alerts: AHashSet<String>,
    alerts_resolved: u64,
    alert_records: u64,
    events_in_resolved: u64,
    events_in_open: u64,
    alerts_open: u64,
    alerts_hidden: u64,
    incidents_open: u64,
    incidents_open_acknowledged: u64,
    dead_letters: u64,
    hops: u64,
}

pub(super) fn compare(ground: &Ground, model: &Totals) -> Result<Vec<Line>> {
    let mut after = Aftermath::open(ground)?;
    let mut found = Found { events: after.events(), ..Found::default() };
    let tail = after.tail();
    for shard in 0..after.shards() {
        incidents(tail.as_ref(), shard, &mut found)?;
        alerts(tail.as_ref(), shard, &mut found)?;
        open_rows(&mut after, shard, &mut found)?;
        found.dead_letters += tail.ends(Topic::DeadLetters, shard).end;
        found.hops += tail.ends(Topic::Triage, shard).end;
    }
    Ok(lines(model, &found))
}

fn lines(model: &Totals, found: &Found) -> Vec<Line> {
    let line = |what, model, found| Line { what, model, found };
    // How many records an alert has depends on where commits fell; the model only bounds them.
    let (fewest, most) = model.alert_records();
    let deduplicated = (found.events_in_resolved + found.events_in_open).saturating_sub(found.alerts.len() as u64);
    vec![
        line("events consumed", model.events(), found.events),
        line("repeats (deduplicated)", model.deduplicated + model.promoted, deduplicated),
        line("alerts made (triggered + grouped + suppressed)", model.alerts_made(), found.alerts.len() as u64),
        line("alerts resolved", model.resolved, found.alerts_resolved),
        line("alert records", found.alert_records.clamp(fewest, most), found.alert_records),
        line("incident.triggered", model.incidents_opened, found.triggered),
        line("incident.acknowledged", model.acknowledged, found.acknowledged),
        line("incident.resolved", model.incidents_resolved, found.resolved),
        line("other incident records", 0, found.other_revisions),
        line("gaps in out_seq", 0, found.gaps),
        line("events in resolved alerts", model.events_in_resolved, found.events_in_resolved),
        line("events in open alerts", model.events_in_open, found.events_in_open),
        line("open alerts", model.alerts_open, found.alerts_open),
        line("open alerts, hidden", model.alerts_hidden, found.alerts_hidden),
        line("open incidents", model.incidents_open, found.incidents_open),
        line("open incidents, acknowledged", model.incidents_open_acknowledged, found.incidents_open_acknowledged),
        line("dead letters", 0, found.dead_letters),
        line("forwarded", 0, found.hops),
    ]
}

/// Calls `see` with the value of every record of a partition.
fn each(tail: &dyn Tail, topic: Topic, partition: u16, mut see: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut from = 0;
    loop {
        let records = tail.read(topic, partition, from, READ_MAX)?;
        let Some(last) = records.last() else { return Ok(()) };
        from = last.offset + 1;
        for stored in &records {
            see(&stored.record.value)
                .with_context(|| format!("{}, partition {partition}, offset {}", topic.name(), stored.offset))?;
        }
    }
}

#[derive(Deserialize)]
struct IncidentLine<'a> {
    out_seq: u64,
    event_type: &'a str,
}

fn incidents(tail: &dyn Tail, shard: u16, found: &mut Found) -> Result<()> {
    let mut last = None;
    each(tail, Topic::Incidents, shard, |value| {
        let line: IncidentLine<'_> = serde_json::from_slice(value)?;
        found.gaps += u64::from(last.is_some_and(|last: u64| last + 1 != line.out_seq));
        last = Some(line.out_seq);
        let counter = match line.event_type {
            "incident.triggered" => &mut found.triggered,
            "incident.acknowledged" => &mut found.acknowledged,
            "incident.resolved" => &mut found.resolved,
            _ => &mut found.other_revisions,
        };
        *counter += 1;
        Ok(())
    })
}

#[derive(Deserialize)]
struct AlertLine<'a> {
    id: &'a str,
    status: &'a str,
    count: u64,
}

fn alerts(tail: &dyn Tail, shard: u16, found: &mut Found) -> Result<()> {
    each(tail, Topic::Alerts, shard, |value| {
        let line: AlertLine<'_> = serde_json::from_slice(value)?;
        found.alert_records += 1;
        if !found.alerts.contains(line.id) {
            found.alerts.insert(line.id.to_owned());
        }
        if line.status == "resolved" {
            found.alerts_resolved += 1;
            found.events_in_resolved += line.count;
        }
        Ok(())
    })
}

fn open_rows(after: &mut Aftermath, shard: u16, found: &mut Found) -> Result<()> {
    each_row(after, shard, rows::keys::Kind::Alert, |value| {
        if let AlertRow::Open(alert) = rows::alert::decode(value)? {
            found.events_in_open += alert.count;
            let counter = if alert.hidden.is_some() { &mut found.alerts_hidden } else { &mut found.alerts_open };
            *counter += 1;
        }
        Ok(())
    })?;
    each_row(after, shard, rows::keys::Kind::Incident, |value| {
        let status = rows::incident::decode(value)?.status;
        found.incidents_open += u64::from(status.is_open());
        found.incidents_open_acknowledged += u64::from(status == IncidentStatus::Acknowledged);
        Ok(())
    })
}

fn each_row(
    aftermath: &mut Aftermath,
    shard: u16,
    kind: rows::keys::Kind,
    mut see: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut after: Option<RowKey> = None;
    loop {
        let page = aftermath.rows(shard, kind.bytes(), after)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (_, value) in &page {
            see(value)?;
        }
    }
}

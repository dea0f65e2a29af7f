//! Slack's messages, kept as incidents stand: acknowledged by a mail's link, they say so in Slack too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use campanile_directory::Snapshot;
use campanile_escalation::{News, Standing};
use campanile_ledger::{Stored, Tail, Topic};
use campanile_model::{IncidentId, IncidentStatus, Span, Timestamp, UserId};
use campanile_record::incident_notice;
use tokio::time::Instant;

use super::provider::Trouble;
use super::slack::Slack;
use super::slack_blocks::Shown;
use super::text;
use crate::door::first_since;

/// How far back a new life looks. Source: as a link's life.
const LOOKS_BACK: Span = Span::hours(24);
/// Records that one read takes.
const READ_MAX: usize = 500;

/// Pause after an update that failed. Source: ours.
const PAUSE: Duration = Duration::from_secs(5);
/// Updates of one look. Source: Slack, "Rate limits": some 50 a minute and more; the rest goes with the next look.
const UPDATES_MAX: usize = 5;

struct Change {
    standing: Box<Standing>,
    at: Timestamp,
}

pub struct Board {
    slack: Arc<Slack>,
    tail: Arc<dyn Tail>,
    directory: Arc<ArcSwap<Snapshot>>,
    /// Base of links, without a slash at the end.
    public_url: String,
    /// Where each partition goes on.
    next: Vec<u64>,
    /// The newest of each incident that has a message and was not shown yet.
    changed: BTreeMap<IncidentId, Change>,
    /// Slack wants to be left alone until then.
    rests_until: Option<Instant>,
}

impl Board {
    /// Starts with what happened since yesterday: a change while nobody looked is shown late, not never.
    pub fn new(
        slack: Arc<Slack>,
        tail: Arc<dyn Tail>,
        directory: Arc<ArcSwap<Snapshot>>,
        public_url: String,
        since: (u16, Timestamp),
    ) -> Self {
        let (partitions, now) = since;
        let first = |partition| first_since(tail.as_ref(), Topic::Incidents, partition, now - LOOKS_BACK);
        let next = (0..partitions).map(first).collect();
        Self { slack, tail, directory, public_url, next, changed: BTreeMap::new(), rests_until: None }
    }

    /// Reads what is new and shows it.
    pub async fn look(&mut self) {
        self.read();
        if self.rests_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        for _ in 0..UPDATES_MAX {
            let Some((incident, change)) = self.changed.pop_first() else { return };
            if let Err(trouble) = self.show(incident, &change).await {
                tracing::warn!(%incident, detail = trouble.detail, "a message in Slack could not be updated");
                if !trouble.permanent {
                    self.changed.entry(incident).or_insert(change);
                    self.rests_until = Some(Instant::now() + trouble.rest.unwrap_or(PAUSE));
                    return;
                }
            }
        }
    }

    fn read(&mut self) {
        for (partition, next) in (0..).zip(&mut self.next) {
            loop {
                *next = (*next).max(self.tail.ends(Topic::Incidents, partition).start);
                let Ok(records) = self.tail.read(Topic::Incidents, partition, *next, READ_MAX) else { break };
                let Some(last) = records.last() else { break };
                *next = last.offset + 1;
                for Stored { at, record, .. } in records {
                    // Most incidents have no message here, and their records need not be read.
                    let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
                    let known = key.and_then(|key| key.parse().ok()).is_some_and(|it| self.slack.has(it));
                    let Some(notice) = incident_notice::decode(&record.value).ok().filter(|_| known) else { continue };
                    if let News::Revision { standing, .. } = notice.news {
                        self.changed.insert(notice.incident, Change { standing, at });
                    }
                }
            }
        }
    }

    async fn show(&self, incident: IncidentId, change: &Change) -> Result<(), Trouble> {
        let Standing { status, urgency, title, service, assignees, .. } = change.standing.as_ref();
        let directory = self.directory.load();
        let name = |id: &UserId| directory.user(id.as_str()).map_or_else(|| id.to_string(), |it| it.name.to_string());
        let names: Vec<_> = assignees.iter().map(name).collect();
        let people = if names.is_empty() {
            "assigned to nobody".to_owned()
        } else {
            format!("assigned to {}", names.join(", "))
        };
        let html_url = format!("{}/incidents/{incident}", self.public_url);
        let shown = Shown {
            incident,
            title,
            service: &service.name,
            urgency: *urgency,
            status: *status,
            at: change.at,
            html_url: &html_url,
            people: text::one_line(&people),
            remark: None,
        };
        self.slack.show(&shown).await?;
        if *status == IncidentStatus::Resolved {
            self.slack.forget(incident);
        }
        Ok(())
    }
}

//! `campanile.incidents`: one record per revision of an incident, keyed by its id, and one answer per command that made
//! none. `out_seq` counts the records of a partition and has no gap.

use campanile_model::{Actor, Epoch, Named, UserId};
use campanile_triage::{Addition, Answer, Cause, CommandAnswer, Incident, Revision};

use crate::json::{Object, text};

/// What an encoder needs beside the record itself.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Base of `self` and `html_url`, without a slash at the end.
    pub public_url: &'a str,
    pub epoch: Epoch,
}

/// Most bytes of dedup keys that one record lists; a thousand long ones would pass the limit of a topic.
/// Source: ours, far below the ledger's bound for a record even when every byte is escaped.
pub const ALERT_KEYS_BYTES_MAX: usize = 64_000;

/// How many of the keys fit, from the first on.
fn keys_shown(keys: &[String]) -> usize {
    let mut bytes = 0;
    let fits = |key: &&String| {
        bytes += key.len();
        bytes <= ALERT_KEYS_BYTES_MAX
    };
    keys.iter().take_while(fits).count()
}

pub fn encode_revision(revision: &Revision, out_seq: u64, setting: Setting<'_>, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    o.plain("out_seq", out_seq);
    o.text("event_type", revision.change.as_str());
    o.plain("revision", revision.incident.revision);
    o.quoted("occurred_at", revision.at);
    agent(&mut o, revision.agent.as_ref());
    o.object("cause", |o| cause(o, &revision.cause));
    o.plain("epoch", setting.epoch.0);
    let shown = keys_shown(&revision.alert_keys);
    o.list("alert_keys", &revision.alert_keys[..shown], |out, key| text(out, key));
    if shown < revision.alert_keys.len() {
        o.plain("alert_keys_omitted", revision.alert_keys.len() - shown);
    }
    match &revision.addition {
        Addition::None => {}
        Addition::Note(note) => o.object("note", |o| o.text("content", note)),
        Addition::Level(Some(level)) => o.plain("level", level),
        Addition::Level(None) => o.plain("level", "null"),
        Addition::Merged(sources) => o.list("sources", sources, |out, id| text(out, &id.to_string())),
    }
    o.object("data", |o| data(o, &revision.incident, setting));
    o.close();
}

fn cause(o: &mut Object<'_>, cause: &Cause) {
    match cause {
        Cause::Event(source) => {
            o.text("type", "event");
            o.plain("partition", source.partition);
            o.plain("offset", source.offset);
        }
        Cause::Timer(kind) => {
            o.text("type", "timer");
            o.text("timer", kind.as_str());
        }
        Cause::Command(id) => {
            o.text("type", "command");
            o.text("command", id.as_str());
        }
    }
}

/// The incident alone, as `data` of a record shows it.
pub fn encode_incident(incident: &Incident, setting: Setting<'_>, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    data(&mut o, incident, setting);
    o.close();
}

/// The incident as webhooks v3 carry it, with its counts.
fn data(o: &mut Object<'_>, incident: &Incident, setting: Setting<'_>) {
    o.quoted("id", incident.id);
    o.text("type", "incident");
    // Only ids of ours and the operator's own URL: nothing here needs escaping but the URL, which the configuration checked.
    o.quoted("self", format_args!("{}/incidents/{}", setting.public_url, incident.id));
    o.quoted("html_url", format_args!("{}/incidents/{}", setting.public_url, incident.id));
    o.plain("number", incident.id.number());
    o.text("status", incident.status.as_str());
    o.text("incident_key", &incident.incident_key);
    o.quoted("created_at", incident.created_at.rfc3339());
    o.quoted("last_status_change_at", incident.status_changed_at.rfc3339());
    match incident.resolved_at {
        Some(at) => o.quoted("resolved_at", at),
        None => o.plain("resolved_at", "null"),
    }
    o.text("title", &incident.title);
    o.reference("service", "service_reference", incident.service.id.as_str(), &incident.service.name);
    o.list("assignees", &incident.assignees, |out, user| {
        let mut o = Object::open(out);
        user_members(&mut o, user);
        o.close();
    });
    o.list("assignments", &incident.assignees, |out, user| {
        let mut o = Object::open(out);
        if let Some(at) = incident.assigned_at {
            o.quoted("at", at);
        }
        o.object("assignee", |o| user_members(o, user));
        o.close();
    });
    o.plain("escalation_level", incident.level);
    o.reference("escalation_policy", "escalation_policy_reference", incident.policy.id.as_str(), &incident.policy.name);
    o.text("urgency", incident.urgency.as_str());
    match &incident.priority {
        Some(priority) => o.reference("priority", "priority_reference", priority.id.as_str(), &priority.name),
        None => o.plain("priority", "null"),
    }
    o.list("acknowledgements", &incident.acknowledgements, |out, acknowledgement| {
        let mut o = Object::open(out);
        o.quoted("at", acknowledgement.at);
        agent_as(&mut o, "acknowledger", Some(&acknowledgement.by));
        o.close();
    });
    match incident.snoozed_until {
        Some(at) => o.quoted("snoozed_until", at),
        None => o.plain("snoozed_until", "null"),
    }
    match incident.merged_into {
        Some(into) => o.object("resolve_reason", |o| {
            o.text("type", "merge_resolve_reason");
            o.object("incident", |o| {
                o.quoted("id", into);
                o.text("type", "incident_reference");
            });
        }),
        None => o.plain("resolve_reason", "null"),
    }
    o.object("alert_counts", |o| {
        o.plain("all", incident.alerts);
        o.plain("triggered", incident.open);
        o.plain("resolved", incident.alerts - incident.open);
    });
    o.text_or_null("alert_grouping", Some(incident.grouping.as_str()).filter(|name| !name.is_empty()));
}

fn user_members(o: &mut Object<'_>, user: &Named<UserId>) {
    o.text("id", user.id.as_str());
    o.text("type", "user_reference");
    o.text("summary", &user.name);
}

fn agent(o: &mut Object<'_>, agent: Option<&Actor>) {
    agent_as(o, "agent", agent);
}

fn agent_as(o: &mut Object<'_>, name: &str, agent: Option<&Actor>) {
    match agent {
        Some(actor) => o.object(name, |o| {
            o.text("id", &actor.id);
            o.text("type", &actor.kind);
        }),
        None => o.plain(name, "null"),
    }
}

/// The answer to a command that made no revision of its own.
pub fn encode_answer(answer: &CommandAnswer, out_seq: u64, epoch: Epoch, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    o.plain("out_seq", out_seq);
    let (event_type, revision, reason) = match answer.answer {
        Answer::Applied(revision) => ("command.applied", Some(revision), None),
        Answer::Unchanged(revision) => ("command.unchanged", Some(revision), None),
        Answer::Refused(reason) => ("command.refused", None, Some(reason.as_str())),
    };
    o.text("event_type", event_type);
    if let Some(revision) = revision {
        o.plain("revision", revision);
    }
    o.text_or_null("reason", reason);
    o.plain("repeated", answer.repeated);
    o.quoted("occurred_at", answer.at);
    o.object("cause", |o| {
        o.text("type", "command");
        o.text("command", answer.command.as_str());
    });
    o.plain("epoch", epoch.0);
    o.quoted("incident", answer.incident);
    o.close();
}

//! What is to be appended to a topic of the processor after the commit.

use campanile_escalation::{Errand, Gap};
use campanile_model::{Actor, Command, CommandId, Heir, IncidentId, PolicyId, RoutingKey, Span, Step, UserId, Verb};
use compact_str::CompactString;

use crate::ladder::URGENCIES;
use crate::wire::{Reader, RowError, put_list, put_option, put_text, put_time, put_u64, put_varint};

pub fn encode(errand: &Errand, out: &mut Vec<u8>) {
    out.push(1);
    match errand {
        Errand::Command(command) => {
            out.push(0);
            put_text(out, command.id.as_str());
            put_text(out, &command.actor.kind);
            put_text(out, &command.actor.id);
            put_u64(out, command.incident.0);
            put_option(out, command.revision, put_varint);
            put_verb(out, &command.verb);
        }
        Errand::Gap(gap) => {
            out.push(1);
            put_text(out, gap.routing_key.as_str());
            put_text(out, &gap.dedup_key);
            put_text(out, gap.policy.as_str());
            put_text(out, &gap.policy_name);
            put_u64(out, gap.incident.0);
            put_time(out, gap.at);
        }
    }
}

fn put_user(out: &mut Vec<u8>, user: &UserId) {
    put_text(out, user.as_str());
}

fn put_verb(out: &mut Vec<u8>, verb: &Verb) {
    match verb {
        Verb::Acknowledge => out.push(0),
        Verb::Resolve => out.push(1),
        Verb::Escalate(step) => {
            out.push(2);
            put_varint(out, u64::from(step.lap));
            put_varint(out, u64::from(step.level));
            put_list(out, &step.users, put_user);
        }
        Verb::RequestEscalation(level) => {
            out.push(3);
            put_option(out, level.map(u64::from), put_varint);
        }
        Verb::SetPriority(priority) => {
            out.push(4);
            put_option(out, priority.as_deref(), put_text);
        }
        Verb::SetUrgency(urgency) => out.extend_from_slice(&[5, *urgency as u8]),
        Verb::SetTitle(title) => {
            out.push(6);
            put_text(out, title);
        }
        Verb::Reassign(Heir::Users(users)) => {
            out.push(7);
            put_list(out, users, put_user);
        }
        Verb::Reassign(Heir::Policy(policy)) => {
            out.push(8);
            put_text(out, policy.as_str());
        }
        Verb::Snooze(span) => {
            out.push(9);
            put_u64(out, span.0 as u64);
        }
        Verb::Merge(sources) => {
            out.push(10);
            put_list(out, sources, |out, id| put_u64(out, id.0));
        }
        Verb::Note(text) => {
            out.push(11);
            put_text(out, text);
        }
    }
}

fn user(reader: &mut Reader<'_>) -> Option<UserId> {
    reader.text().map(UserId::new)
}

fn verb(reader: &mut Reader<'_>) -> Option<Verb> {
    Some(match reader.u8()? {
        0 => Verb::Acknowledge,
        1 => Verb::Resolve,
        2 => Verb::Escalate(Step { lap: reader.u32()?, level: reader.u32()?, users: reader.list(user)? }),
        3 => Verb::RequestEscalation(reader.option(Reader::u32)?),
        4 => Verb::SetPriority(reader.option(|r| r.text().map(CompactString::new))?),
        5 => Verb::SetUrgency(*URGENCIES.get(usize::from(reader.u8()?))?),
        6 => Verb::SetTitle(reader.text()?.to_owned()),
        7 => Verb::Reassign(Heir::Users(reader.list(user)?)),
        8 => Verb::Reassign(Heir::Policy(PolicyId::new(reader.text()?))),
        9 => Verb::Snooze(Span(reader.u64()? as i64)),
        10 => Verb::Merge(reader.list(|r| Some(IncidentId(r.u64()?)))?),
        11 => Verb::Note(reader.text()?.to_owned()),
        _ => return None,
    })
}

pub fn decode(bytes: &[u8]) -> Result<Errand, RowError> {
    let mut reader = Reader::open("errand", bytes)?;
    let errand = read(&mut reader);
    reader.done(errand)
}

fn read(reader: &mut Reader<'_>) -> Option<Errand> {
    match reader.u8()? {
        0 => {
            let id = CommandId::new(reader.text()?);
            let actor = Actor { kind: CompactString::new(reader.text()?), id: CompactString::new(reader.text()?) };
            let incident = IncidentId(reader.u64()?);
            let revision = reader.option(Reader::varint)?;
            let verb = verb(reader)?;
            Some(Errand::Command(Box::new(Command { id, actor, incident, verb, revision })))
        }
        1 => Some(Errand::Gap(Box::new(Gap {
            routing_key: RoutingKey::new(reader.text()?),
            dedup_key: reader.text()?.to_owned(),
            policy: PolicyId::new(reader.text()?),
            policy_name: CompactString::new(reader.text()?),
            incident: IncidentId(reader.u64()?),
            at: reader.time()?,
        }))),
        _ => None,
    }
}

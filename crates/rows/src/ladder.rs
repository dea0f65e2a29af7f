//! The climb of an open incident, with its policy as it was when the incident was triggered.

use campanile_directory::policy::{Strategy, Target};
use campanile_escalation::{Asked, Ladder, Place, Policy, Reason, Rung, Stage, Users};
use campanile_model::{CommandId, IncidentId, Named, PolicyId, ScheduleId, ServiceId, Span, Urgency, UserId};
use compact_str::CompactString;

use crate::wire::{Reader, RowError, put_list, put_option, put_text, put_time, put_u64, put_varint};

pub(crate) const URGENCIES: [Urgency; 2] = [Urgency::High, Urgency::Low];
const STRATEGIES: [Strategy; 2] = [Strategy::AssignToEveryone, Strategy::RoundRobin];

pub fn encode(ladder: &Ladder, out: &mut Vec<u8>) {
    out.push(1);
    put_u64(out, ladder.incident.0);
    put_varint(out, ladder.revision);
    out.push(ladder.urgency as u8);
    put_text(out, &ladder.title);
    put_text(out, ladder.service.id.as_str());
    put_text(out, &ladder.service.name);
    put_policy(out, &ladder.policy);
    put_place(out, ladder.place);
    out.push(ladder.stage as u8);
    put_time(out, ladder.since);
    put_option(out, ladder.due, put_time);
    put_option(out, ladder.asked.as_ref(), put_asked);
    put_users(out, &ladder.paged);
    put_varint(out, u64::from(ladder.ring));
}

pub fn decode(bytes: &[u8]) -> Result<Ladder, RowError> {
    let mut reader = Reader::open("ladder", bytes)?;
    let ladder = read(&mut reader);
    reader.done(ladder)
}

fn read(reader: &mut Reader<'_>) -> Option<Ladder> {
    Some(Ladder {
        incident: IncidentId(reader.u64()?),
        revision: reader.varint()?,
        urgency: *URGENCIES.get(usize::from(reader.u8()?))?,
        title: reader.text()?.to_owned(),
        service: Named { id: ServiceId::new(reader.text()?), name: CompactString::new(reader.text()?) },
        policy: policy(reader)?,
        place: place(reader)?,
        stage: *Stage::ALL.get(usize::from(reader.u8()?))?,
        since: reader.time()?,
        due: reader.option(Reader::time)?,
        asked: reader.option(asked)?,
        paged: users(reader)?,
        ring: reader.u32()?,
    })
}

pub(crate) fn put_place(out: &mut Vec<u8>, place: Place) {
    for number in [place.cycle, place.lap, place.level, place.turn] {
        put_varint(out, u64::from(number));
    }
}

pub(crate) fn place(reader: &mut Reader<'_>) -> Option<Place> {
    Some(Place { cycle: reader.u32()?, lap: reader.u32()?, level: reader.u32()?, turn: reader.u32()? })
}

fn put_users(out: &mut Vec<u8>, users: &Users) {
    put_list(out, users, |out, user| put_text(out, user.as_str()));
}

fn users(reader: &mut Reader<'_>) -> Option<Users> {
    Some(reader.list(|r| Some(UserId::new(r.text()?)))?.into())
}

fn put_asked(out: &mut Vec<u8>, asked: &Asked) {
    put_text(out, asked.command.as_str());
    put_varint(out, u64::from(asked.attempt));
    put_place(out, asked.place);
    put_users(out, &asked.users);
    out.push(asked.reason as u8);
    out.push(u8::from(asked.paged));
}

fn asked(reader: &mut Reader<'_>) -> Option<Asked> {
    Some(Asked {
        command: CommandId::new(reader.text()?),
        attempt: reader.u32()?,
        place: place(reader)?,
        users: users(reader)?,
        reason: *Reason::ALL.get(usize::from(reader.u8()?))?,
        paged: reader.u8()? == 1,
    })
}

fn put_policy(out: &mut Vec<u8>, policy: &Policy) {
    put_text(out, policy.id.as_str());
    put_text(out, &policy.name);
    put_varint(out, u64::from(policy.loops));
    put_list(out, &policy.rungs, |out, rung| {
        put_u64(out, rung.delay.0 as u64);
        out.push(rung.strategy as u8);
        put_list(out, &rung.targets, |out, target| match target {
            Target::User(user) => {
                out.push(0);
                put_text(out, user.as_str());
            }
            Target::Schedule(schedule) => {
                out.push(1);
                put_text(out, schedule.as_str());
            }
        });
    });
}

fn policy(reader: &mut Reader<'_>) -> Option<Policy> {
    Some(Policy {
        id: PolicyId::new(reader.text()?),
        name: CompactString::new(reader.text()?),
        loops: reader.u32()?,
        rungs: reader.list(|r| {
            Some(Rung {
                delay: Span(r.u64()? as i64),
                strategy: *STRATEGIES.get(usize::from(r.u8()?))?,
                targets: r.list(target)?,
            })
        })?,
    })
}

fn target(reader: &mut Reader<'_>) -> Option<Target> {
    match (reader.u8()?, reader.text()?) {
        (0, user) => Some(Target::User(UserId::new(user))),
        (1, schedule) => Some(Target::Schedule(ScheduleId::new(schedule))),
        _ => None,
    }
}

//! An incident.

use campanile_model::{Actor, IncidentId, IncidentStatus, PolicyId, PriorityId, ServiceId, Urgency, UserId};
use campanile_triage::{Acknowledgement, Incident, Named};
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::wire::{Reader, RowError, put_list, put_option, put_text, put_time, put_u64, put_varint};

const STATUSES: [IncidentStatus; 3] =
    [IncidentStatus::Triggered, IncidentStatus::Acknowledged, IncidentStatus::Resolved];
const URGENCIES: [Urgency; 2] = [Urgency::High, Urgency::Low];

/// Version 2 added who has it, at which level, the snooze and the merge; a row of version 1 has none of them.
const VERSION: u8 = 2;

pub fn encode(incident: &Incident, out: &mut Vec<u8>) {
    out.push(VERSION);
    put_u64(out, incident.id.0);
    out.push(incident.status as u8);
    out.push(incident.urgency as u8);
    put_option(out, incident.priority.as_ref(), |out, priority| {
        put_text(out, priority.id.as_str());
        put_text(out, &priority.name);
    });
    put_text(out, &incident.title);
    put_text(out, &incident.incident_key);
    put_text(out, incident.service.id.as_str());
    put_text(out, &incident.service.name);
    put_text(out, incident.policy.id.as_str());
    put_text(out, &incident.policy.name);
    put_time(out, incident.created_at);
    put_time(out, incident.status_changed_at);
    put_option(out, incident.resolved_at, put_time);
    put_varint(out, incident.revision);
    put_varint(out, u64::from(incident.alerts));
    put_varint(out, u64::from(incident.open));
    put_text(out, &incident.grouping);
    put_time(out, incident.last_joined_at);
    put_varint(out, incident.acknowledgements.len() as u64);
    for acknowledgement in &incident.acknowledgements {
        put_time(out, acknowledgement.at);
        put_text(out, &acknowledgement.by.kind);
        put_text(out, &acknowledgement.by.id);
    }
    for due in [incident.auto_resolve_at, incident.acknowledgement_ends_at, incident.urgency_rises_at] {
        put_option(out, due, put_time);
    }
    put_list(out, &incident.assignees, |out, user| {
        put_text(out, user.id.as_str());
        put_text(out, &user.name);
    });
    put_option(out, incident.assigned_at, put_time);
    put_varint(out, u64::from(incident.level));
    put_option(out, incident.snoozed_until, put_time);
    put_option(out, incident.merged_into, |out, id| put_u64(out, id.0));
}

pub fn decode(bytes: &[u8]) -> Result<Incident, RowError> {
    let (version, mut reader) = Reader::open_up_to(VERSION, "incident", bytes)?;
    let mut incident = read(&mut reader);
    if version > 1 {
        incident = incident.and_then(|incident| read_assignment(&mut reader, incident));
    }
    reader.done(incident)
}

fn read(reader: &mut Reader<'_>) -> Option<Incident> {
    Some(Incident {
        id: IncidentId(reader.u64()?),
        status: *STATUSES.get(usize::from(reader.u8()?))?,
        urgency: *URGENCIES.get(usize::from(reader.u8()?))?,
        priority: reader
            .option(|r| Some(Named { id: PriorityId::new(r.text()?), name: CompactString::new(r.text()?) }))?,
        title: reader.text()?.to_owned(),
        incident_key: reader.text()?.to_owned(),
        service: Named { id: ServiceId::new(reader.text()?), name: CompactString::new(reader.text()?) },
        policy: Named { id: PolicyId::new(reader.text()?), name: CompactString::new(reader.text()?) },
        created_at: reader.time()?,
        status_changed_at: reader.time()?,
        resolved_at: reader.option(Reader::time)?,
        revision: reader.varint()?,
        alerts: u32::try_from(reader.varint()?).ok()?,
        open: u32::try_from(reader.varint()?).ok()?,
        grouping: CompactString::new(reader.text()?),
        last_joined_at: reader.time()?,
        acknowledgements: acknowledgements(reader)?,
        auto_resolve_at: reader.option(Reader::time)?,
        acknowledgement_ends_at: reader.option(Reader::time)?,
        urgency_rises_at: reader.option(Reader::time)?,
        assignees: SmallVec::new(),
        assigned_at: None,
        level: 0,
        snoozed_until: None,
        merged_into: None,
    })
}

/// What version 2 added.
fn read_assignment(reader: &mut Reader<'_>, incident: Incident) -> Option<Incident> {
    let user = |r: &mut Reader<'_>| Some(Named { id: UserId::new(r.text()?), name: CompactString::new(r.text()?) });
    Some(Incident {
        assignees: reader.list(user)?.into(),
        assigned_at: reader.option(Reader::time)?,
        level: reader.u32()?,
        snoozed_until: reader.option(Reader::time)?,
        merged_into: reader.option(|r| Some(IncidentId(r.u64()?)))?,
        ..incident
    })
}

fn acknowledgements(reader: &mut Reader<'_>) -> Option<SmallVec<[Acknowledgement; 1]>> {
    let mut list = SmallVec::new();
    for _ in 0..reader.varint()? {
        let at = reader.time()?;
        let by = Actor { kind: CompactString::new(reader.text()?), id: CompactString::new(reader.text()?) };
        list.push(Acknowledgement { at, by });
    }
    Some(list)
}

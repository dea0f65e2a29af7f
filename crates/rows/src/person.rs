//! What belongs to a person: pages that wait, and what left lately.

use campanile_directory::Channel;
use campanile_escalation::{Person, Reason, Waiting};
use campanile_model::{IncidentId, Named, OrderId, ServiceId, UserId};
use compact_str::CompactString;

use crate::ladder::{URGENCIES, place, put_place};
use crate::wire::{Reader, RowError, put_list, put_option, put_text, put_time, put_u64, put_varint};

pub fn encode(person: &Person, out: &mut Vec<u8>) {
    out.push(1);
    put_text(out, person.user.as_str());
    put_list(out, &person.waiting, put_waiting);
    put_list(out, &person.sent, |out, (contact, channel, at)| {
        put_text(out, contact);
        out.push(*channel as u8);
        put_time(out, *at);
    });
    put_list(out, &person.unsent, |out, order| put_u64(out, order.0));
    put_option(out, person.due, put_time);
}

pub fn decode(bytes: &[u8]) -> Result<Person, RowError> {
    let mut reader = Reader::open("person", bytes)?;
    let person = read(&mut reader);
    reader.done(person)
}

fn read(reader: &mut Reader<'_>) -> Option<Person> {
    Some(Person {
        user: UserId::new(reader.text()?),
        waiting: reader.list(waiting)?,
        sent: reader.list(|r| Some((CompactString::new(r.text()?), channel(r)?, r.time()?)))?,
        unsent: reader.list(|r| Some(OrderId(r.u64()?)))?,
        due: reader.option(Reader::time)?,
    })
}

pub(crate) fn channel(reader: &mut Reader<'_>) -> Option<Channel> {
    Channel::ALL.get(usize::from(reader.u8()?)).copied()
}

pub(crate) fn put_waiting(out: &mut Vec<u8>, it: &Waiting) {
    put_u64(out, it.incident.0);
    put_varint(out, it.revision);
    put_place(out, it.place);
    put_varint(out, u64::from(it.rule));
    put_text(out, &it.contact);
    out.push(it.channel as u8);
    out.push(it.urgency as u8);
    out.push(it.reason as u8);
    out.push(u8::from(it.unconfirmed));
    put_text(out, it.service.id.as_str());
    put_text(out, &it.service.name);
    put_text(out, &it.title);
    put_time(out, it.at);
    put_time(out, it.due);
}

pub(crate) fn waiting(reader: &mut Reader<'_>) -> Option<Waiting> {
    Some(Waiting {
        incident: IncidentId(reader.u64()?),
        revision: reader.varint()?,
        place: place(reader)?,
        rule: u16::try_from(reader.varint()?).ok()?,
        contact: CompactString::new(reader.text()?),
        channel: channel(reader)?,
        urgency: *URGENCIES.get(usize::from(reader.u8()?))?,
        reason: *Reason::ALL.get(usize::from(reader.u8()?))?,
        unconfirmed: reader.u8()? == 1,
        service: Named { id: ServiceId::new(reader.text()?), name: CompactString::new(reader.text()?) },
        title: reader.text()?.to_owned(),
        at: reader.time()?,
        due: reader.time()?,
    })
}

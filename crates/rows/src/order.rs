//! Pages of a person on their way to one contact method.

use campanile_directory::Turn;
use campanile_escalation::{Delivery, Handoff, Order};
use campanile_model::{Named, OrderId, ScheduleId, UserId};
use compact_str::CompactString;

use crate::person::{channel, put_waiting, waiting};
use crate::wire::{Reader, RowError, put_list, put_option, put_text, put_time, put_u64, put_u128, put_varint};

pub fn encode(order: &Order, out: &mut Vec<u8>) {
    out.push(1);
    put_u64(out, order.id.0);
    put_text(out, order.user.as_str());
    put_text(out, &order.contact);
    out.push(order.channel as u8);
    put_list(out, &order.items, put_waiting);
    put_option(out, order.handoff.as_ref(), |out, it| {
        put_text(out, it.schedule.id.as_str());
        put_text(out, &it.schedule.name);
        out.push(it.turn as u8);
        put_time(out, it.at);
        put_time(out, it.told_at);
    });
    put_u128(out, order.idempotency_key);
    put_time(out, order.made_at);
    put_varint(out, u64::from(order.attempts));
    out.push(order.delivery as u8);
    put_time(out, order.due);
}

pub fn decode(bytes: &[u8]) -> Result<Order, RowError> {
    let mut reader = Reader::open("order", bytes)?;
    let order = read(&mut reader);
    reader.done(order)
}

fn read(reader: &mut Reader<'_>) -> Option<Order> {
    Some(Order {
        id: OrderId(reader.u64()?),
        user: UserId::new(reader.text()?),
        contact: CompactString::new(reader.text()?),
        channel: channel(reader)?,
        items: reader.list(waiting)?,
        handoff: reader.option(handoff)?,
        idempotency_key: reader.u128()?,
        made_at: reader.time()?,
        attempts: reader.u32()?,
        delivery: *Delivery::ALL.get(usize::from(reader.u8()?))?,
        due: reader.time()?,
    })
}

fn handoff(reader: &mut Reader<'_>) -> Option<Handoff> {
    Some(Handoff {
        schedule: Named { id: ScheduleId::new(reader.text()?), name: CompactString::new(reader.text()?) },
        turn: *Turn::ALL.get(usize::from(reader.u8()?))?,
        at: reader.time()?,
        told_at: reader.time()?,
    })
}

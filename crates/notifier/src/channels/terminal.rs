//! The terminal that runs the notifier: for demonstrations, and for a person who watches.

use std::sync::Arc;

use campanile_model::Urgency;
use compact_str::CompactString;

use crate::channel::{Accepted, Channel, Delivery, Item, Message};

/// Where lines go. It must not block for long: a delivery waits for it.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

pub struct Terminal {
    sink: Sink,
}

impl Terminal {
    pub fn new(sink: Sink) -> Self {
        Self { sink }
    }
}

impl Channel for Terminal {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(async move {
            (self.sink)(&text(message));
            let provider = CompactString::const_new("terminal");
            Ok(Accepted { provider, detail: "printed".to_owned() })
        })
    }
}

/// The message as lines: who, then an incident a line.
fn text(message: &Message) -> String {
    let lines = message.items.iter().map(line);
    let head = format!("page for {} at {}", message.recipient.name, message.contact.address);
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

fn line(item: &Item) -> String {
    let Item { incident, title, service, place, unconfirmed, .. } = item;
    let urgency = match item.urgency {
        Urgency::High => "",
        Urgency::Low => ", low urgency",
    };
    let marked = if *unconfirmed { ", not confirmed" } else { "" };
    let level = match place.level {
        0 => item.reason.as_str().replace('_', " "),
        level => format!("level {level}"),
    };
    // A title is the sender's text: what would move the cursor stays out of it.
    let title: String = title.chars().filter(|c| !c.is_control()).collect();
    format!("  #{} {service}: {title} ({level}{urgency}{marked})", incident.number())
}

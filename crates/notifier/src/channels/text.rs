//! What a message says, as short as each channel wants it. The words are PagerDuty's, which responders know by heart.

use campanile_model::{IncidentId, Urgency};

use crate::channel::{Item, Message};
use campanile_escalation::Reason;

/// Characters of one SMS in the GSM alphabet, and of two joined ones in UCS-2. Source: 3GPP TS 23.038 and 23.040:
/// 160, and 67 a part. A longer text costs another message each time.
pub const SMS_CHARS_MAX: usize = 160;
pub const SMS_UCS2_CHARS_MAX: usize = 134;
/// Longest title that is read aloud, in characters. Source: ours, about ten seconds of speech.
pub const SPOKEN_TITLE_CHARS_MAX: usize = 150;
/// Longest subject of a mail, in characters. Source: ours; lists of mails show fewer.
pub const SUBJECT_CHARS_MAX: usize = 150;
/// Incidents that a list names one by one; more are counted. Source: ours, what a phone's screen shows.
pub const LISTED_MAX: usize = 20;

/// The basic GSM alphabet with its extension table. Source: 3GPP TS 23.038, 6.2.1.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
                   abcdefghijklmnopqrstuvwxyzäöñüà";
/// These take two places.
const GSM_EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// On one line: a title may hold line breaks and control characters, which headers and phones do not want.
pub fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c });
    spaced.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `most` characters, with an ellipsis where something was cut.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// At most so many bytes, with an ellipsis where something was cut: for formats that count bytes.
pub fn fitting(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes.saturating_sub(3)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", text[..end].trim_end())
}

pub fn number(incident: IncidentId) -> String {
    format!("#{}", incident.number())
}

/// What a message that asks for nothing tells, as a sentence that goes on after a name.
pub fn statement(message: &Message) -> String {
    match &message.handoff {
        Some(it) => {
            let (schedule, at) = (one_line(&it.schedule.name), it.at.rfc3339_seconds());
            format!("your turn on {schedule} {} at {at}.", it.turn.as_str())
        }
        None => {
            "this is a test of this contact method, which somebody asked for. It works; nothing is wrong.".to_owned()
        }
    }
}

/// The same as a heading, and in short.
fn told(message: &Message) -> (String, String) {
    match &message.handoff {
        Some(it) => {
            let schedule = one_line(&it.schedule.name);
            (format!("Your turn on {schedule} {}", it.turn.as_str()), format!("At {}.", it.at.rfc3339_seconds()))
        }
        None => ("Test of a contact method".to_owned(), "This contact method works.".to_owned()),
    }
}

/// What stands beneath the heading of a message that asks for nothing.
pub fn said(message: &Message) -> String {
    told(message).1
}

/// Any is of high urgency.
pub fn is_high(message: &Message) -> bool {
    message.items.iter().any(|item| item.urgency == Urgency::High)
}

/// The service of all, or how many there are.
fn services(message: &Message) -> String {
    let Some(first) = message.items.first() else { return String::new() };
    if message.items.iter().all(|item| item.service == first.service) {
        return one_line(&first.service);
    }
    let mut names: Vec<_> = message.items.iter().map(|item| &item.service).collect();
    names.sort_unstable();
    names.dedup();
    format!("{} services", names.len())
}

/// `Disk full on db-1 (#12003, checkout)`: what a list of mails or notifications shows.
pub fn headline(message: &Message) -> String {
    match message.items.as_slice() {
        _ if !message.asks() => told(message).0,
        [item] => format!("#{} {}", item.incident.number(), one_line(&item.title)),
        items => format!("{} triggered incidents on {}", items.len(), services(message)),
    }
}

pub fn subject(message: &Message) -> String {
    shortened(&format!("[Campanile] {}", headline(message)), SUBJECT_CHARS_MAX)
}

/// Why it comes to this person, where that is not the ordinary way.
pub fn remark(item: &Item) -> Option<&'static str> {
    match (item.reason, item.unconfirmed) {
        (Reason::LastResort, _) => Some("Nobody is on call: you are the last resort."),
        (Reason::ByHand, _) => Some("It was assigned to you by hand."),
        (Reason::Step, true) => Some("The processor has not confirmed this step; the incident may have changed."),
        (Reason::Step, false) => None,
    }
}

/// One line an incident, for channels that have room.
pub fn lines(message: &Message) -> String {
    let mut text = String::new();
    for item in message.items.iter().take(LISTED_MAX) {
        text.push_str(&format!(
            "#{} {} ({})\n",
            item.incident.number(),
            one_line(&item.title),
            one_line(&item.service)
        ));
    }
    if message.items.len() > LISTED_MAX {
        text.push_str(&format!("and {} more\n", message.items.len() - LISTED_MAX));
    }
    text.trim_end().to_owned()
}

/// The text of an SMS. `answers`: replies reach us, so the keys are named.
pub fn sms(message: &Message, answers: bool) -> String {
    if message.handoff.is_some() {
        return format!("Campanile: {}", statement(message));
    }
    if message.order.is_none() {
        return format!("Campanile: this is a test for {}. It works.", one_line(&message.recipient.name));
    }
    let (head, body, keys) = match message.items.as_slice() {
        [item] => (
            format!("ALRT #{} on {}: ", item.incident.number(), shortened(&one_line(&item.service), 40)),
            one_line(&item.title),
            ". Reply 4:Ack, 6:Resolve, 8:Escalate",
        ),
        items => {
            let titles: Vec<_> =
                items.iter().map(|item| format!("#{} {}", item.incident.number(), one_line(&item.title))).collect();
            let head = format!("ALRT {} incidents on {}: ", items.len(), shortened(&services(message), 40));
            (head, titles.join("; "), ". Reply 4:Ack all, 6:Resolve all")
        }
    };
    let keys = if answers { keys } else { "" };
    let most = |text: &str| if places(text).is_some() { SMS_CHARS_MAX } else { SMS_UCS2_CHARS_MAX };
    let fixed = format!("{head}{keys}");
    let room = most(&format!("{fixed}{body}")).saturating_sub(width(&fixed));
    format!("{head}{}{keys}", fitted(&body, room))
}

/// Places that a text takes in the GSM alphabet; `None` when it has a character outside.
fn places(text: &str) -> Option<usize> {
    text.chars()
        .map(|c| {
            if GSM.contains(c) {
                Some(1)
            } else if GSM_EXTENDED.contains(c) {
                Some(2)
            } else {
                None
            }
        })
        .sum()
}

/// Places of a text in whichever alphabet it needs; UCS-2 counts UTF-16 units.
fn width(text: &str) -> usize {
    places(text).unwrap_or_else(|| text.encode_utf16().count())
}

fn fitted(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept) + 3 > room {
            kept.pop();
            break;
        }
    }
    format!("{}...", kept.trim_end())
}

/// What a call says before the keys are named.
pub fn spoken(message: &Message) -> String {
    if message.handoff.is_some() {
        return format!("This is Campanile. {}: {} Goodbye.", one_line(&message.recipient.name), statement(message));
    }
    if message.order.is_none() {
        return format!(
            "This is Campanile, with a test call for {}. It works. Goodbye.",
            one_line(&message.recipient.name)
        );
    }
    match message.items.as_slice() {
        [item] => format!(
            "This is Campanile. You have 1 triggered incident on {}. {}.",
            one_line(&item.service),
            shortened(&one_line(&item.title), SPOKEN_TITLE_CHARS_MAX)
        ),
        items => format!("This is Campanile. You have {} triggered incidents on {}.", items.len(), services(message)),
    }
}

//! How a person is reached: contact methods, and the rules that say which is used when.

use campanile_model::{Span, Urgency};
use compact_str::CompactString;

use crate::handoff::{ADVANCE_MINUTES_MAX, HANDOFF_RULES_MAX, HandoffRule};
use crate::problem::Report;

/// Most contact methods of one person. Source: ours; PagerDuty names none.
pub const CONTACT_METHODS_MAX: usize = 50;
/// Most notification rules of one person. Source: ours; PagerDuty names none.
pub const NOTIFICATION_RULES_MAX: usize = 100;
/// Longest delay of a rule, in minutes: a day. Source: ours; PagerDuty names none.
pub const RULE_START_MINUTES_MAX: i64 = 1440;
/// Longest address, in characters. Source: ours; a push endpoint is a URL.
pub const ADDRESS_CHARS_MAX: usize = 2000;
/// Longest label, in characters. Source: ours; a label is read at a glance.
pub const LABEL_CHARS_MAX: usize = 100;
/// Largest country code of a telephone number. Source: ITU-T E.164, three digits.
pub const COUNTRY_CODE_MAX: i64 = 999;

/// What carries a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    Email,
    Phone,
    Sms,
    WhatsApp,
    Push,
    /// Extension: a topic of an ntfy server.
    Ntfy,
    /// Extension: a Slack channel or member.
    Slack,
    /// Extension: a Teams workflow.
    Teams,
    /// Extension: the terminal that runs the notifier.
    Terminal,
}

impl Channel {
    /// Its place here is its number in rows: new ones are added at the end.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::Phone,
        Self::Sms,
        Self::WhatsApp,
        Self::Push,
        Self::Ntfy,
        Self::Slack,
        Self::Teams,
        Self::Terminal,
    ];

    /// The word in front of `_contact_method`. Source: PagerDuty REST, contact method `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Sms => "sms",
            Self::WhatsApp => "whatsapp",
            Self::Push => "push_notification",
            Self::Ntfy => "ntfy",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Terminal => "terminal",
        }
    }

    /// Whether its address is a telephone number.
    pub const fn dials(self) -> bool {
        match self {
            Self::Phone | Self::Sms | Self::WhatsApp => true,
            Self::Email | Self::Push | Self::Ntfy | Self::Slack | Self::Teams | Self::Terminal => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactMethod {
    /// Unique within its person.
    pub id: CompactString,
    pub channel: Channel,
    /// A mail address, the digits of a telephone number, a URL or a name, as the channel has it.
    pub address: CompactString,
    pub label: CompactString,
    /// In front of a telephone number; 1 where the writer gave none.
    pub country_code: u16,
    pub enabled: bool,
}

/// Page me this way, so long after I was assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRule {
    pub id: Option<CompactString>,
    pub urgency: Urgency,
    pub delay: Span,
    /// The id of one of the person's own contact methods.
    pub contact: CompactString,
}

pub(crate) fn check(contacts: &[ContactMethod], rules: &[NotificationRule], report: &mut Report) {
    let counts = [
        ("/contact_methods", contacts.len(), CONTACT_METHODS_MAX, "contact methods"),
        ("/notification_rules", rules.len(), NOTIFICATION_RULES_MAX, "notification rules"),
    ];
    for (path, found, most, of) in counts {
        if found > most {
            report.add(path, format!("the user has {found} {of}"), format!("a user has at most {most}"));
        }
    }
    for (i, contact) in contacts.iter().enumerate() {
        contact.check(&format!("/contact_methods/{i}"), &contacts[..i], report);
    }
    for (i, rule) in rules.iter().enumerate() {
        rule.check(&format!("/notification_rules/{i}"), contacts, report);
    }
}

pub(crate) fn check_handoffs(contacts: &[ContactMethod], rules: &[HandoffRule], report: &mut Report) {
    const PATH: &str = "/oncall_handoff_notification_rules";
    if rules.len() > HANDOFF_RULES_MAX {
        let help = format!("a user has at most {HANDOFF_RULES_MAX}");
        report.add(PATH, format!("the user has {} hand-off rules", rules.len()), help);
    }
    for (i, rule) in rules.iter().enumerate() {
        let minutes = rule.advance.whole_seconds() / 60;
        let path = format!("{PATH}/{i}/notify_advance_in_minutes");
        report.check_range(path, minutes, 0..=ADVANCE_MINUTES_MAX, "minutes");
        check_contact(&format!("{PATH}/{i}"), &rule.contact, contacts, report);
    }
}

fn check_contact(path: &str, named: &str, contacts: &[ContactMethod], report: &mut Report) {
    if !contacts.iter().any(|contact| contact.id == named) {
        report.add(
            format!("{path}/contact_method"),
            format!("the user has no contact method \"{named}\""),
            "name one of the user's own contact_methods",
        );
    }
}

impl ContactMethod {
    fn check(&self, path: &str, before: &[Self], report: &mut Report) {
        report.check_text(&format!("{path}/label"), &self.label, LABEL_CHARS_MAX);
        report.check_text(&format!("{path}/address"), &self.address, ADDRESS_CHARS_MAX);
        if self.address.trim().is_empty() {
            let help = "write where this contact method leads";
            report.add(format!("{path}/address"), "the contact method has no address", help);
        }
        if self.channel.dials() {
            let code = i64::from(self.country_code);
            report.check_range(format!("{path}/country_code"), code, 1..=COUNTRY_CODE_MAX, "");
            if !self.address.chars().all(|c| c.is_ascii_digit()) {
                report.add(
                    format!("{path}/address"),
                    format!("{:?} is not a telephone number", self.address.as_str()),
                    "write the digits alone, and the country in country_code",
                );
            }
        }
        if before.iter().any(|other| other.id == self.id) {
            let found = format!("\"{}\" is the id of two contact methods", self.id);
            report.add(format!("{path}/id"), found, "ids are unique within a user");
        }
        // PagerDuty's own words, which its clients compare.
        if before.iter().any(|other| other.channel == self.channel && other.address == self.address) {
            report.add(
                format!("{path}/address"),
                "User Contact method must be unique",
                "the user has this address on this channel already",
            );
        }
    }
}

impl NotificationRule {
    fn check(&self, path: &str, contacts: &[ContactMethod], report: &mut Report) {
        let minutes = self.delay.whole_seconds() / 60;
        report.check_range(format!("{path}/start_delay_in_minutes"), minutes, 0..=RULE_START_MINUTES_MAX, "minutes");
        check_contact(path, &self.contact, contacts, report);
    }
}

//! From an order to the message that a channel carries.

use std::sync::Arc;

use arc_swap::ArcSwap;
use campanile_directory::{Channel as Kind, ContactMethod, Snapshot, User};
use campanile_escalation::{Order, Waiting};
use compact_str::CompactString;

use crate::channel::{Item, Message, Recipient};

/// The newest organisation; whoever feeds it stores a snapshot when an apply has ended.
pub type Directory = Arc<ArcSwap<Snapshot>>;

/// Longest text of a provider that is kept, in characters. Source: ours; it is read in a line of history.
const DETAIL_CHARS_MAX: usize = 500;

/// What every message is written with.
pub(crate) struct Letterhead {
    pub(crate) directory: Directory,
    /// Base of links, without a slash at the end.
    pub(crate) public_url: String,
}

impl Letterhead {
    /// The message of an order.
    ///
    /// Errors: one sentence, when the person or the contact method is gone.
    pub(crate) fn message(&self, order: &Order) -> Result<Message, String> {
        let directory = self.directory.load();
        let Some(user) = directory.user(order.user.as_str()) else {
            return Err(format!("the user {} is gone from the directory", order.user));
        };
        Ok(Message {
            order: Some(order.id),
            idempotency_key: order.idempotency_key,
            recipient: Recipient { id: user.id.clone(), name: user.name.clone(), email: user.email.clone() },
            contact: contact(user, order)?,
            items: order.items.iter().map(|it| self.item(it)).collect(),
        })
    }

    fn item(&self, it: &Waiting) -> Item {
        Item {
            incident: it.incident,
            revision: it.revision,
            title: it.title.clone(),
            service: it.service.name.clone(),
            urgency: it.urgency,
            place: it.place,
            reason: it.reason,
            unconfirmed: it.unconfirmed,
            at: it.at,
            html_url: format!("{}/incidents/{}", self.public_url, it.incident),
        }
    }
}

/// The contact method as it stands now; the account's own address for a person without rules.
fn contact(user: &User, order: &Order) -> Result<ContactMethod, String> {
    if order.contact.is_empty() {
        return Ok(ContactMethod {
            id: CompactString::default(),
            channel: Kind::Email,
            address: user.email.clone(),
            label: CompactString::default(),
            country_code: 1,
            enabled: true,
        });
    }
    let found = user.contact_methods.iter().find(|it| it.id == order.contact && it.channel == order.channel);
    found.cloned().ok_or_else(|| format!("the contact method {} of {} is gone", order.contact, user.name))
}

/// A provider's words, no longer than history keeps them.
pub(crate) fn cut(detail: String) -> String {
    match detail.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &detail[..at]),
        None => detail,
    }
}

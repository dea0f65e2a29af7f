//! Caps: how many messages a contact method may get in how long. Published, so that nobody is surprised.
//!
//! What a cap holds back is not lost: it waits, and leaves together with whatever came meanwhile as one message.

use campanile_directory::Channel;
use campanile_model::{Span, Timestamp};

/// At most `most` messages in any `within`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub most: usize,
    pub within: Span,
}

const fn cap(most: usize, within: Span) -> Cap {
    Cap { most, within }
}

/// Source: GoAlert's limits per contact method, as its documentation prints them.
const MAIL: [Cap; 1] = [cap(1, Span::minutes(1))];
const TEXT: [Cap; 4] =
    [cap(1, Span::minutes(1)), cap(5, Span::minutes(15)), cap(11, Span::hours(1)), cap(21, Span::hours(3))];
const VOICE: [Cap; 4] =
    [cap(1, Span::minutes(1)), cap(3, Span::minutes(15)), cap(7, Span::hours(1)), cap(15, Span::hours(3))];
/// Source: ours. A push costs nothing and is dismissed at a glance; the cap only makes bundles of a storm.
const PUSH: [Cap; 1] = [cap(1, Span::seconds(10))];

/// How long a message counts for any cap.
pub const COUNTED: Span = Span::hours(3);

pub const fn caps(channel: Channel) -> &'static [Cap] {
    match channel {
        Channel::Email => &MAIL,
        Channel::Phone => &VOICE,
        Channel::Sms | Channel::WhatsApp => &TEXT,
        Channel::Push | Channel::Ntfy | Channel::Slack | Channel::Teams | Channel::Terminal => &PUSH,
    }
}

/// The first instant, not before `now`, at which one more message keeps every cap. `sent` is when earlier ones left,
/// oldest first.
pub fn allowed_at(channel: Channel, sent: &[Timestamp], now: Timestamp) -> Timestamp {
    let free = |cap: &Cap| match sent.len().checked_sub(cap.most) {
        // Once this one is `within` ago, one fewer than `most` lie inside the window.
        Some(nth) => sent[nth] + cap.within,
        None => now,
    };
    caps(channel).iter().map(free).fold(now, Timestamp::max)
}

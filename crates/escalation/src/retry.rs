//! When an order that no provider took is tried again. Pure, so that the schedule survives every restart.

use campanile_model::{Span, Timestamp, Urgency};

/// An order that nobody reports on is offered to the workers again after so long: one of them may have died with it.
pub(crate) const OFFERED_AGAIN: Span = Span::minutes(1);
/// How long an order is remembered after it left, for receipts and for people who answer late. Source: ours, the time
/// that ids of commands are kept.
pub(crate) const KEPT: Span = Span::hours(24);
/// Longest pause between two attempts.
const PAUSE_MAX: Span = Span::minutes(5);
/// An order this old is given up: the ladder has gone on long since. Low urgency may be later.
const AGE_MAX: (Span, Span) = (Span::hours(1), Span::hours(24));
/// Most attempts. Source: ours; the pauses reach the age first.
pub const ATTEMPTS_MAX: u32 = 400;

/// Whether an order of this age is of no use to anybody any more.
pub(crate) fn is_too_old(urgency: Urgency, made_at: Timestamp, now: Timestamp) -> bool {
    now.since(made_at) > age_max(urgency)
}

fn age_max(urgency: Urgency) -> Span {
    match urgency {
        Urgency::High => AGE_MAX.0,
        Urgency::Low => AGE_MAX.1,
    }
}

/// When to try again after so many failed attempts, at least 1; `None`: give up. The pause doubles from 2 s to 5 min.
pub fn next_attempt(attempts: u32, urgency: Urgency, made_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let pause = Span::seconds(1 << attempts.clamp(1, 9));
    let at = now + if pause > PAUSE_MAX { PAUSE_MAX } else { pause };
    (attempts < ATTEMPTS_MAX && at.since(made_at) <= age_max(urgency)).then_some(at)
}

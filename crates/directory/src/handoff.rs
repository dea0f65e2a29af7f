//! Who is told that a shift begins or ends, and when.
//!
//! A person says by hand-off rules how long before, and where. A schedule's shifts are told if a policy that uses it says
//! so: always, or if the policy has services.

use std::collections::BTreeSet;

use campanile_model::{Named, ScheduleId, Span, Timestamp, UserId};
use campanile_oncall::Window;
use compact_str::CompactString;

use crate::contact::Channel;
use crate::policy::{Handoff, Target};
use crate::schedule::Schedule;
use crate::snapshot::Snapshot;
use crate::user::User;

/// Most hand-off rules of one person. Source: ours; PagerDuty names none.
pub const HANDOFF_RULES_MAX: usize = 50;
/// Longest notice, in minutes: two weeks. Source: ours; PagerDuty names none.
pub const ADVANCE_MINUTES_MAX: i64 = 20_160;

/// Which ends of a shift a rule is about. Source: PagerDuty REST, `handoff_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HandoffType {
    #[default]
    Both,
    OnCall,
    OffCall,
}

impl HandoffType {
    pub const ALL: [Self; 3] = [Self::Both, Self::OnCall, Self::OffCall];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::OnCall => "oncall",
            Self::OffCall => "offcall",
        }
    }

    pub const fn is_about(self, turn: Turn) -> bool {
        match (self, turn) {
            (Self::Both, _) | (Self::OnCall, Turn::Begins) | (Self::OffCall, Turn::Ends) => true,
            (Self::OnCall, Turn::Ends) | (Self::OffCall, Turn::Begins) => false,
        }
    }
}

/// Tell me this way, so long before my shift begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoffRule {
    pub id: Option<CompactString>,
    pub about: HandoffType,
    pub advance: Span,
    /// The id of one of the person's own contact methods.
    pub contact: CompactString,
}

/// What happens to a person's turn on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    Begins,
    Ends,
}

impl Turn {
    /// Its place here is its number in rows: new ones are added at the end.
    pub const ALL: [Self; 2] = [Self::Begins, Self::Ends];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Ends => "ends",
        }
    }
}

/// One notice to one person by one contact method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoffNotice {
    pub user: UserId,
    pub schedule: Named<ScheduleId>,
    pub turn: Turn,
    /// When the shift begins or ends.
    pub at: Timestamp,
    /// When the notice is to leave.
    pub due: Timestamp,
    pub contact: CompactString,
    pub channel: Channel,
}

/// Every notice that is to leave in `[window.start, window.end)`, by schedule and time.
pub fn notices(snapshot: &Snapshot, window: Window) -> Vec<HandoffNotice> {
    let longest = snapshot.users().flat_map(|user| &user.handoff_rules).map(|rule| rule.advance).max();
    let Some(longest) = longest else { return Vec::new() };
    let mut notices = Vec::new();
    for schedule in told(snapshot) {
        notices.extend(of_schedule(snapshot, schedule, window, longest));
    }
    notices
}

/// The schedules whose shifts are told.
fn told(snapshot: &Snapshot) -> BTreeSet<&ScheduleId> {
    let served: BTreeSet<&str> = snapshot.services().map(|service| service.policy.as_str()).collect();
    let tells = |policy: &&std::sync::Arc<crate::Policy>| match policy.handoff {
        Handoff::Always => true,
        Handoff::IfHasServices => served.contains(policy.id.as_str()),
    };
    let targets = snapshot.policies().filter(tells).flat_map(|policy| &policy.rules).flat_map(|rule| &rule.targets);
    let schedules = targets.filter_map(|target| match target {
        Target::Schedule(id) => Some(id),
        Target::User(_) => None,
    });
    schedules.collect()
}

fn of_schedule(snapshot: &Snapshot, id: &ScheduleId, window: Window, longest: Span) -> Vec<HandoffNotice> {
    let (Some(schedule), Some(roster)) = (snapshot.schedule(id.as_str()), snapshot.roster(id.as_str())) else {
        return Vec::new();
    };
    // A millisecond more on either side: an entry that is cut at a bound is no hand-off.
    let looked = Window { start: window.start - Span(1), end: window.end + longest + Span(1) };
    let mut notices = Vec::new();
    for entry in roster.final_schedule(looked) {
        let Some(user) = snapshot.user(entry.user.as_str()) else { continue };
        for (turn, at) in [(Turn::Begins, entry.start), (Turn::Ends, entry.end)] {
            if looked.start < at && at < looked.end {
                notices.extend(
                    of_user(user, schedule, turn, at).filter(|it| window.start <= it.due && it.due < window.end),
                );
            }
        }
    }
    notices
}

fn of_user<'a>(
    user: &'a User,
    schedule: &'a Schedule,
    turn: Turn,
    at: Timestamp,
) -> impl Iterator<Item = HandoffNotice> + 'a {
    user.handoff_rules.iter().filter(move |rule| rule.about.is_about(turn)).filter_map(move |rule| {
        let contact = user.contact_methods.iter().find(|it| it.id == rule.contact && it.enabled)?;
        Some(HandoffNotice {
            user: user.id.clone(),
            schedule: Named { id: schedule.id.clone(), name: schedule.name.clone() },
            turn,
            at,
            due: at - rule.advance,
            contact: contact.id.clone(),
            channel: contact.channel,
        })
    })
}

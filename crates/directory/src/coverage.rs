//! When somebody is there to be paged: of one level of a policy, and of the policy as a whole.

use campanile_model::{Span, Timestamp};
use campanile_oncall::{Coverage, Window};

use crate::policy::{Policy, Target};
use crate::snapshot::Snapshot;

/// When at least one of these targets has somebody: in order, apart from each other, cut at the window's bounds. A user
/// who is a target always is, as long as the organisation knows them.
pub fn covered<'a>(snapshot: &Snapshot, targets: impl Iterator<Item = &'a Target>, window: Window) -> Vec<Window> {
    let mut parts: Vec<Window> = Vec::new();
    for target in targets {
        match target {
            Target::User(user) if snapshot.user(user.as_str()).is_some() => parts.push(window),
            Target::User(_) => {}
            Target::Schedule(id) => {
                let entries = snapshot.roster(id.as_str()).map(|roster| roster.final_schedule(window));
                let entries = entries.into_iter().flatten();
                parts.extend(entries.map(|it| Window { start: it.start, end: it.end }));
            }
        }
    }
    parts.sort_unstable_by_key(|it| it.start);
    let mut joined: Vec<Window> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            Some(_) | None => joined.push(part),
        }
    }
    joined
}

/// How much of the window these targets cover.
pub fn coverage<'a>(snapshot: &Snapshot, targets: impl Iterator<Item = &'a Target>, window: Window) -> Coverage {
    let total = covered(snapshot, targets, window).iter().map(|it| it.length().0).sum();
    Coverage { covered: Span(total), window: window.length() }
}

/// When nobody is on call at any level: an incident that opens then pages nobody but the last resort. In order, apart
/// from each other, cut at the window's bounds.
pub fn gaps(snapshot: &Snapshot, policy: &Policy, window: Window) -> Vec<Window> {
    let targets = policy.rules.iter().flat_map(|rule| &rule.targets);
    let mut gaps = Vec::new();
    let mut from: Timestamp = window.start;
    for part in covered(snapshot, targets, window) {
        if from < part.start {
            gaps.push(Window { start: from, end: part.start });
        }
        from = part.end;
    }
    if from < window.end {
        gaps.push(Window { start: from, end: window.end });
    }
    gaps
}

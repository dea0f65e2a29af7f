//! Merging by hand: the open alerts of the sources join the target, and the sources end.
//!
//! Only incidents of one shard are merged: the rows of both must be in one commit.

use campanile_directory::grouping::GROUP_ALERTS_MAX;
use campanile_model::command::MERGE_SOURCES_MAX;
use campanile_model::outcome::RefusedReason;
use campanile_model::{Change, Command, IncidentId, Outcome, Timestamp};

use crate::command::change;
use crate::effects::{Addition, Cause, Effects, Publish};
use crate::hand::add;
use crate::key::PageKey;
use crate::resolve::close_incident;
use crate::state::{AlertRow, Member, PAGE_MEMBERS, State};

pub(crate) fn merge(state: &mut State, command: &Command, sources: &[IncidentId], now: Timestamp) -> Effects {
    let target = command.incident;
    if let Err(reason) = check(state, target, sources) {
        return Effects::refused(reason);
    }
    let is_open = |id: &IncidentId| state.incidents.get(id).is_some_and(|incident| incident.status.is_open());
    let open: Vec<_> = sources.iter().copied().filter(is_open).collect();
    if open.is_empty() {
        return Effects::of(Outcome::Unchanged);
    }
    let mut effects = Effects::of(Outcome::Applied);
    let mut moved = Vec::new();
    for source in &open {
        moved.extend(move_alerts(state, *source, target));
        if let Some(incident) = state.incidents.get_mut(source) {
            incident.open = 0;
            incident.merged_into = Some(target);
        }
        let (agent, cause) = (Some(command.actor.clone()), Cause::Command(command.id.clone()));
        close_incident(state, *source, agent, cause, now, Vec::new(), &mut effects);
    }
    let mut own = change(state, command, Change::Merged, now, |_| {});
    add(&mut own, Addition::Merged(open));
    if let Some(Publish::Revision(revision)) = own.publish.last_mut() {
        revision.alert_keys = moved;
    }
    effects.publish.extend(own.publish);
    effects
}

fn check(state: &State, target: IncidentId, sources: &[IncidentId]) -> Result<(), RefusedReason> {
    let twice = |(nth, id): (usize, &IncidentId)| sources[..nth].contains(id);
    if sources.is_empty()
        || sources.len() > MERGE_SOURCES_MAX
        || sources.contains(&target)
        || sources.iter().any(|id| id.shard() != target.shard())
        || sources.iter().enumerate().any(twice)
    {
        return Err(RefusedReason::BadMerge);
    }
    let mut alerts = state.incidents.get(&target).map_or(0, |incident| incident.alerts);
    for id in sources {
        alerts += state.incidents.get(id).ok_or(RefusedReason::UnknownIncident)?.open;
    }
    if alerts > GROUP_ALERTS_MAX { Err(RefusedReason::TooManyAlerts) } else { Ok(()) }
}

/// Hands every open alert of the source over, with the groups that it leads, and gives their dedup keys.
fn move_alerts(state: &mut State, source: IncidentId, target: IncidentId) -> Vec<String> {
    let mut moved = Vec::new();
    let pages = state.incidents.get(&source).map_or(0, |incident| incident.pages());
    for page in 0..pages {
        for member in state.members.get(&PageKey { page, incident: source }).cloned().unwrap_or_default() {
            // The key may be open again under another incident: only the source's own alerts move.
            let mine = state.alert(&member.alert).is_some_and(|alert| alert.id == member.id);
            if !mine {
                continue;
            }
            if let Some(AlertRow::Open(alert)) = state.alerts.get_mut(&member.alert) {
                alert.incident = Some(target);
            }
            state.announced.open(member.alert, member.id);
            moved.extend(state.details.get(&member.alert).map(|details| details.dedup_key.clone()));
            join(state, source, target, member);
        }
    }
    moved
}

/// Notes the alert as a member of the target. The groups that it led to the source lead to the target now.
fn join(state: &mut State, source: IncidentId, target: IncidentId, mut member: Member) {
    member.groups.retain(|group| state.groups.get(group) == Some(&source));
    for group in &member.groups {
        state.groups.put(*group, target);
    }
    let Some(incident) = state.incidents.get_mut(&target) else { return };
    let nth = incident.alerts;
    incident.alerts += 1;
    incident.open += 1;
    let page = PageKey { page: nth / PAGE_MEMBERS, incident: target };
    if nth.is_multiple_of(PAGE_MEMBERS) {
        state.members.put(page, vec![member]);
    } else if let Some(members) = state.members.get_mut(&page) {
        members.push(member);
    }
}

//! Which rows an input must see. Asked again after each read, until it asks for nothing.

use campanile_directory::{Service, Snapshot};
use campanile_model::command::MERGE_SOURCES_MAX;
use campanile_model::{IncidentId, Timestamp, Verb};

use crate::input::{Action, Event, Input};
use crate::key::{AlertKey, CommandKey, GroupKey, PageKey};
use crate::state::{AlertRow, PAGE_MEMBERS, State};
use crate::suppress;
use crate::timer::TimerKind;

/// A row to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    Alert(AlertKey),
    Details(AlertKey),
    Incident(IncidentId),
    Group(GroupKey),
    Members(PageKey),
    Answer(CommandKey),
}

/// Appends the rows that this input needs next and that are not known yet. Nothing appended: it can be applied.
pub fn footprint(directory: &Snapshot, state: &mut State, input: &Input<'_>, now: Timestamp, wants: &mut Vec<Want>) {
    let mut ask = Ask { state, wants };
    match input {
        Input::Event(event) => event_rows(directory, &mut ask, event, now),
        Input::Command(command, _) => {
            let key = ask.state.keys.command(&command.id);
            let known = ask.answer(key) & ask.incident(command.incident);
            match &command.verb {
                Verb::Resolve if known => whole_incident(&mut ask, command.incident),
                Verb::Merge(sources) if known => merge_rows(&mut ask, command.incident, sources),
                Verb::Resolve
                | Verb::Merge(_)
                | Verb::Acknowledge
                | Verb::SetPriority(_)
                | Verb::SetUrgency(_)
                | Verb::SetTitle(_)
                | Verb::Escalate(_)
                | Verb::RequestEscalation(_)
                | Verb::Reassign(_)
                | Verb::Snooze(_)
                | Verb::Note(_) => {}
            }
        }
        Input::Timer(timer) => match timer.kind {
            TimerKind::AutoResolve => whole_incident(&mut ask, timer.incident_id()),
            TimerKind::AcknowledgementTimeout | TimerKind::UrgencyRise | TimerKind::SnoozeEnd => {
                ask.incident(timer.incident_id());
            }
            TimerKind::AnswerExpiry => {
                ask.answer(CommandKey(timer.object));
            }
            TimerKind::TombstoneExpiry => {
                ask.alert(AlertKey::unpack(timer.object));
            }
        },
    }
}

fn event_rows(directory: &Snapshot, ask: &mut Ask<'_>, event: &Event<'_>, now: Timestamp) {
    let Some(route) = event.route(directory) else { return };
    if route.service.home != ask.state.ids.shard {
        return;
    }
    let key = event.alert_key(ask.state.keys, route);
    let Some(row) = ask.state.alerts.known(&key) else { return ask.wants.push(Want::Alert(key)) };
    let open = row.and_then(AlertRow::open).map(|alert| (alert.hidden.is_some(), alert.incident, alert.severity));
    let Some((hidden, incident, severity)) = open else {
        if event.action == Action::Trigger {
            group_rows(ask, route.service, event, now);
        }
        return;
    };
    match event.action {
        Action::Trigger => {
            if hidden {
                group_rows(ask, route.service, event, now);
            }
            if event.payload.as_ref().is_some_and(|payload| payload.severity != severity) {
                ask.details(key);
            }
        }
        Action::Acknowledge => {
            if let Some(id) = incident {
                ask.incident(id);
            }
        }
        Action::Resolve => {
            let known = ask.details(key);
            if let Some(id) = incident
                && ask.incident(id)
                && known
                && ask.state.incidents.get(&id).is_some_and(|incident| incident.open == 1)
            {
                pages(ask, id);
            }
        }
    }
}

/// What a visible new alert needs: its groups, their incidents, and the page it would be noted on.
fn group_rows(ask: &mut Ask<'_>, service: &Service, event: &Event<'_>, now: Timestamp) {
    let (Some(payload), None) = (&event.payload, suppress::hidden(service, now)) else { return };
    for group in event.groups(ask.state.keys, service, payload) {
        if !ask.group(*group) {
            continue;
        }
        let Some(id) = ask.state.groups.get(group).copied() else { continue };
        if ask.incident(id)
            && let Some(incident) = ask.state.incidents.get(&id)
            && incident.status.is_open()
        {
            let page = PageKey { page: incident.alerts / crate::state::PAGE_MEMBERS, incident: id };
            ask.members(page);
        }
    }
}

/// Everything that closes with an incident.
fn whole_incident(ask: &mut Ask<'_>, id: IncidentId) {
    if !ask.incident(id) || !ask.state.incidents.get(&id).is_some_and(|incident| incident.status.is_open()) {
        return;
    }
    for (alert, mine) in pages(ask, id) {
        if ask.alert(alert) && ask.state.alert(&alert).is_some_and(|open| open.id == mine) {
            ask.details(alert);
        }
    }
}

/// The sources with everything that moves, and the pages of the target that it moves to.
fn merge_rows(ask: &mut Ask<'_>, target: IncidentId, sources: &[IncidentId]) {
    let mut moving = 0;
    for source in sources.iter().take(MERGE_SOURCES_MAX) {
        if ask.incident(*source) {
            moving += ask.state.incidents.get(source).map_or(0, |incident| incident.open);
            whole_incident(ask, *source);
        }
    }
    let Some(alerts) = ask.state.incidents.get(&target).map(|incident| incident.alerts) else { return };
    for page in alerts / PAGE_MEMBERS..=(alerts + moving) / PAGE_MEMBERS {
        ask.members(PageKey { page, incident: target });
    }
}

/// The member pages and the groups they name. Gives the members that are known.
fn pages(ask: &mut Ask<'_>, id: IncidentId) -> Vec<(AlertKey, campanile_model::AlertId)> {
    let count = ask.state.incidents.get(&id).map_or(0, |incident| incident.pages());
    let mut members = Vec::new();
    for page in 0..count {
        let key = PageKey { page, incident: id };
        if !ask.members(key) {
            continue;
        }
        let on_page = ask.state.members.get(&key).cloned().unwrap_or_default();
        for member in on_page {
            for group in member.groups {
                ask.group(group);
            }
            members.push((member.alert, member.id));
        }
    }
    members
}

struct Ask<'a> {
    state: &'a mut State,
    wants: &'a mut Vec<Want>,
}

impl Ask<'_> {
    fn alert(&mut self, key: AlertKey) -> bool {
        let known = self.state.alerts.knows(&key);
        self.unless(known, Want::Alert(key))
    }

    fn details(&mut self, key: AlertKey) -> bool {
        let known = self.state.details.knows(&key);
        self.unless(known, Want::Details(key))
    }

    fn incident(&mut self, id: IncidentId) -> bool {
        let known = self.state.incidents.knows(&id);
        self.unless(known, Want::Incident(id))
    }

    fn group(&mut self, key: GroupKey) -> bool {
        let known = self.state.groups.knows(&key);
        self.unless(known, Want::Group(key))
    }

    fn members(&mut self, key: PageKey) -> bool {
        let known = self.state.members.knows(&key);
        self.unless(known, Want::Members(key))
    }

    fn answer(&mut self, key: CommandKey) -> bool {
        let known = self.state.answers.knows(&key);
        self.unless(known, Want::Answer(key))
    }

    fn unless(&mut self, known: bool, want: Want) -> bool {
        if !known {
            self.wants.push(want);
        }
        known
    }
}

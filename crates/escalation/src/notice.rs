//! What a record of `campanile.incidents` means for the incident's ladder.

use campanile_directory::Snapshot;
use campanile_model::outcome::RefusedReason;
use campanile_model::{Change, CommandId, IncidentId, IncidentStatus, Paging, PolicyId, Timestamp, Urgency};

use crate::effects::{Effects, What};
use crate::input::{Cause, News, Notice, Place, Reason, Standing, Verdict};
use crate::ladder;
use crate::oncall::{Users, World};
use crate::state::{Asked, Ladder, Policy, Rung, Stage, State};
use crate::step::{Climb, withdraw};
use crate::timer::Timer;

/// The kind of timer, in the words of `triage`, that ends a snooze.
pub(crate) const SNOOZE_END: &str = "snooze_end";

/// One revision, taken apart.
struct Revision<'a> {
    number: u64,
    change: Change,
    cause: &'a Cause,
    level: Option<u32>,
    standing: &'a Standing,
}

pub(crate) fn notice(world: World<'_>, state: &mut State, notice: &Notice, now: Timestamp) -> Effects {
    match &notice.news {
        News::Answer { command, verdict } => answer(world, state, notice.incident, command, *verdict, now),
        News::Revision { revision, change, cause, level, standing } => {
            let it = Revision { number: *revision, change: *change, cause, level: *level, standing };
            if let Cause::Command(command) = cause {
                forget_errand(state, notice.incident, command);
            }
            let known = state.ladders.get(&notice.incident).cloned();
            match (known, standing.status) {
                (None, IncidentStatus::Resolved) => Effects::of(Paging::Noted),
                (Some(ladder), IncidentStatus::Resolved) => resolved(world, state, ladder, now),
                (None, status) => start(world, state, notice.incident, &it, status, now),
                (Some(ladder), _) if *revision <= ladder.revision => Effects::of(Paging::Noted),
                (Some(ladder), _) => revised(world, state, ladder, &it, now),
            }
        }
    }
}

/// A command that was answered need not be sent any more.
fn forget_errand(state: &mut State, incident: IncidentId, command: &CommandId) {
    let key = state.keys.step(incident);
    if state.errands.get(&key).is_some_and(|errand| errand.id() == command.as_str()) {
        state.errands.remove(&key);
    }
}

/// The policy as it stands now. One that is gone has no levels, and the coverage guard speaks for it.
pub(crate) fn snapshot(directory: &Snapshot, id: &PolicyId, name: &str) -> Policy {
    let found = directory.policy(id.as_str());
    let rungs = found.iter().flat_map(|policy| &policy.rules).map(|rule| Rung {
        delay: rule.delay,
        targets: rule.targets.clone(),
        strategy: rule.strategy,
    });
    Policy { id: id.clone(), name: name.into(), loops: found.map_or(0, |policy| policy.loops), rungs: rungs.collect() }
}

/// The first that is heard of an incident: nearly always its triggering. One that was acknowledged before anybody
/// listened waits at its first level.
fn start(
    world: World<'_>,
    state: &mut State,
    incident: IncidentId,
    it: &Revision<'_>,
    status: IncidentStatus,
    now: Timestamp,
) -> Effects {
    let standing = it.standing;
    let ladder = Ladder {
        incident,
        revision: it.number,
        urgency: standing.urgency,
        title: standing.title.clone(),
        service: standing.service.clone(),
        policy: snapshot(world.directory, &standing.policy.id, &standing.policy.name),
        place: Place::default(),
        stage: Stage::Quiet,
        since: now,
        due: None,
        asked: None,
        paged: Users::new(),
        ring: 0,
    };
    let mut climb = Climb::of(world, state, ladder, now);
    let delay = world.options.delay(standing.priority.as_deref());
    match status {
        IncidentStatus::Triggered if delay.0 > 0 => {
            climb.ladder.place = Place { cycle: 1, ..Place::default() };
            climb.ladder.stage = Stage::Delayed;
            climb.ladder.due = Some(now + delay);
            climb.tell(climb.ladder.place, What::Delayed { until: now + delay });
            climb.effects.came_to(Paging::Delayed);
        }
        IncidentStatus::Triggered => climb.begin(0, 1, 0),
        IncidentStatus::Acknowledged | IncidentStatus::Resolved => {}
    }
    climb.done(None)
}

fn resolved(world: World<'_>, state: &mut State, ladder: Ladder, now: Timestamp) -> Effects {
    let Ladder { incident, place, .. } = ladder;
    let mut effects = Effects::of(Paging::Quieted);
    if ladder.stage == Stage::Delayed {
        effects.tell(incident, place, What::Saved, now);
        effects.came_to(Paging::Saved);
    }
    for user in ladder.paged {
        withdraw(world, user, incident, place, now, &mut effects);
    }
    if ladder.due.is_some() {
        effects.move_timer(Timer::ladder(incident), None);
    }
    state.errands.remove(&state.keys.step(incident));
    state.ladders.remove(&incident);
    effects
}

fn revised(world: World<'_>, state: &mut State, ladder: Ladder, it: &Revision<'_>, now: Timestamp) -> Effects {
    let (due, urgency) = (ladder.due, ladder.urgency);
    let mut climb = Climb::of(world, state, ladder, now);
    let standing = it.standing;
    climb.ladder.revision = it.number;
    climb.ladder.title.clone_from(&standing.title);
    climb.ladder.urgency = standing.urgency;
    let Place { lap, level, turn, .. } = climb.ladder.place;
    match it.change {
        Change::Triggered => climb.begin(0, 1, 0),
        Change::Acknowledged | Change::Snoozed => quiet(&mut climb),
        Change::Unacknowledged if *it.cause == Cause::Timer(SNOOZE_END.into()) => climb.begin(0, 1, 0),
        // Escalation goes on from the level that was acknowledged, with its whole delay.
        Change::Unacknowledged if level > 0 => climb.begin(lap, level, turn),
        Change::Unacknowledged => climb.begin(0, 1, 0),
        Change::PriorityUpdated => priority(&mut climb, standing),
        Change::UrgencyUpdated => urgency_updated(&mut climb, urgency, standing),
        Change::Assigned | Change::Escalated => {
            if let Cause::Command(command) = it.cause {
                confirmed(&mut climb, command);
            }
        }
        Change::EscalationRequested => requested(&mut climb, it.level),
        Change::Reassigned => by_hand(&mut climb, standing),
        Change::Delegated => {
            climb.ladder.policy = snapshot(world.directory, &standing.policy.id, &standing.policy.name);
            climb.begin(0, 1, 0);
        }
        Change::Resolved | Change::TitleUpdated | Change::Merged | Change::Annotated => {}
    }
    climb.done(due)
}

/// ES-1: from here on nobody is paged.
fn quiet(climb: &mut Climb<'_>) {
    climb.withdraw_all();
    let key = climb.state.keys.step(climb.ladder.incident);
    climb.state.errands.remove(&key);
    climb.ladder.stage = Stage::Quiet;
    (climb.ladder.due, climb.ladder.asked) = (None, None);
    climb.effects.came_to(Paging::Quieted);
}

/// A higher priority shortens the delay that runs, and never starts it again; a lower one does not lengthen it.
fn priority(climb: &mut Climb<'_>, standing: &Standing) {
    if climb.ladder.stage != Stage::Delayed {
        return;
    }
    let sooner = climb.ladder.since + climb.world.options.delay(standing.priority.as_deref());
    if sooner <= climb.now {
        climb.climb(Some(ladder::first(climb.ladder.place.cycle)));
    } else if climb.ladder.due.is_some_and(|due| sooner < due) {
        climb.ladder.due = Some(sooner);
        climb.tell(climb.ladder.place, What::Delayed { until: sooner });
        climb.effects.came_to(Paging::Delayed);
    }
}

/// Rising pages again, by the rules for high urgency; falling ends the climb where it is.
fn urgency_updated(climb: &mut Climb<'_>, before: Urgency, standing: &Standing) {
    match (before, standing.urgency, climb.ladder.stage) {
        (Urgency::Low, Urgency::High, Stage::ByHand) => by_hand(climb, standing),
        (Urgency::Low, Urgency::High, Stage::Low | Stage::Climbing | Stage::Asking | Stage::Exhausted) => {
            climb.begin(0, 1, 0);
        }
        (Urgency::High, Urgency::Low, Stage::Climbing) if !climb.ladder.paged.is_empty() => {
            climb.ladder.stage = Stage::Low;
            (climb.ladder.due, climb.ladder.asked) = (None, None);
        }
        // What is asked or delayed is entered as the urgency will then be; a quiet ladder stays quiet.
        (Urgency::Low | Urgency::High, Urgency::Low | Urgency::High, _) => {}
    }
}

/// A person asked for a level, or for the next one. Its delay starts anew.
fn requested(climb: &mut Climb<'_>, level: Option<u32>) {
    let here = climb.ladder.place;
    let next = ladder::level_after(&climb.ladder.policy, here);
    match (level, next) {
        (Some(level), _) => climb.begin(here.lap, level.max(1), 0),
        (None, Some(next)) => climb.begin(next.lap, next.level, 0),
        // The processor refuses what has no next level; the last one is entered again where the two disagree.
        (None, None) => climb.begin(here.lap, here.level.max(1), 0),
    }
}

fn by_hand(climb: &mut Climb<'_>, standing: &Standing) {
    let users: Users = standing.assignees.iter().cloned().collect();
    climb.withdraw_all_but(&users);
    let place = Place { cycle: climb.ladder.place.cycle + 1, lap: 0, level: 0, turn: 0 };
    climb.ladder.place = place;
    climb.ladder.stage = Stage::ByHand;
    (climb.ladder.due, climb.ladder.asked) = (None, None);
    climb.tell(place, What::Entered { users: users.to_vec(), reason: Reason::ByHand, unconfirmed: false });
    for user in &users {
        climb.page(user, place, Reason::ByHand, false);
    }
    climb.ladder.paged = users;
    climb.effects.came_to(Paging::Entered);
}

/// The processor's word on a step. One that was paged without it is not paged again (ES-3).
fn confirmed(climb: &mut Climb<'_>, command: &CommandId) {
    let Some(asked) = take_asked(&mut climb.ladder, command) else { return };
    if !asked.paged {
        climb.enter(&asked, false);
    }
}

fn take_asked(ladder: &mut Ladder, command: &CommandId) -> Option<Asked> {
    ladder.asked.take_if(|asked| asked.command == *command)
}

fn answer(
    world: World<'_>,
    state: &mut State,
    incident: IncidentId,
    command: &CommandId,
    verdict: Verdict,
    now: Timestamp,
) -> Effects {
    forget_errand(state, incident, command);
    let Some(ladder) = state.ladders.get(&incident).cloned() else { return Effects::of(Paging::Noted) };
    let due = ladder.due;
    let mut climb = Climb::of(world, state, ladder, now);
    match verdict {
        Verdict::Applied(_) | Verdict::Unchanged(_) => confirmed(&mut climb, command),
        // The incident changed in between, and is triggered still: an acknowledgement would have taken the step away.
        // The processor's patience is not asked for anew, so that restless incidents are paged in time.
        Verdict::Refused(RefusedReason::StaleRevision) => {
            if let Some(asked) = take_asked(&mut climb.ladder, command) {
                climb.ask_again(asked);
                climb.effects.came_to(Paging::Asked);
            }
        }
        // Whatever the reason, a person must know of the incident.
        Verdict::Refused(_) => {
            if let Some(asked) = take_asked(&mut climb.ladder, command)
                && !asked.paged
            {
                climb.enter(&asked, true);
            }
        }
    }
    climb.done(due)
}

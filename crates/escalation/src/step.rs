//! A step: asked of the processor, then entered.

use campanile_model::{Actor, Command, CommandId, IncidentId, Paging, Span, Step, Timestamp, Urgency, UserId, Verb};
use compact_str::CompactString;

use crate::assign;
use crate::effects::{Effects, Errand, Gap, Hop, Publish, What};
use crate::input::{Page, Place, Reason, Withdrawal};
use crate::ladder::{self, Next};
use crate::oncall::{Users, World};
use crate::state::{Asked, Ladder, Stage, State};
use crate::timer::Timer;

/// Until a policy of which nobody is on call is looked at again; also the delay of a level that the policy has not.
const LOOK_AGAIN: Span = Span::minutes(5);

/// One input's work on one ladder. The ladder is out of its table while it lasts.
pub(crate) struct Climb<'a> {
    pub(crate) world: World<'a>,
    pub(crate) state: &'a mut State,
    pub(crate) ladder: Ladder,
    pub(crate) now: Timestamp,
    pub(crate) effects: Effects,
}

impl<'a> Climb<'a> {
    pub(crate) fn of(world: World<'a>, state: &'a mut State, ladder: Ladder, now: Timestamp) -> Self {
        Self { world, state, ladder, now, effects: Effects::of(Paging::Noted) }
    }

    /// Puts the ladder back and moves its timer where its deadline is not the one that is armed.
    pub(crate) fn done(mut self, armed: Option<Timestamp>) -> Effects {
        let (id, due) = (self.ladder.incident, self.ladder.due);
        if due != armed {
            self.effects.move_timer(Timer::ladder(id), due);
        }
        debug_assert!(due.is_some() == self.ladder.stage.waits(), "{:?} with deadline {due:?}", self.ladder.stage);
        self.state.ladders.put(id, self.ladder);
        self.effects
    }

    pub(crate) fn tell(&mut self, place: Place, what: What) {
        self.effects.tell(self.ladder.incident, place, what, self.now);
    }

    /// A new entry into triggered, from this level of this lap on.
    pub(crate) fn begin(&mut self, lap: u32, level: u32, turn: u32) {
        self.withdraw_all();
        self.ladder.asked = None;
        let cycle = self.ladder.place.cycle + 1;
        self.ladder.place = Place { cycle, lap, level: 0, turn: 0 };
        self.ladder.since = self.now;
        self.climb(Some(Place { cycle, lap, level, turn }));
    }

    /// Walks on from `from` and asks for what is found.
    pub(crate) fn climb(&mut self, from: Option<Place>) {
        let Self { world, state, ladder, now, .. } = &*self;
        let ring_of = |level| state.rings.get(&state.keys.ring(&ladder.policy.id, level)).copied().unwrap_or(0);
        let is_ring = |level: u32| ladder.policy.rungs.get(level as usize - 1).is_some_and(|r| assign::turns(r) > 1);
        let ring_of = |level| if is_ring(level) { ring_of(level) } else { 0 };
        let walk = ladder::walk(*world, ladder, from, ring_of, *now);
        for place in walk.skipped {
            self.tell(place, What::Skipped);
        }
        match walk.next {
            Next::Enter { place, users, ring } => {
                self.turn_ring(place, ring);
                if place.lap > self.ladder.place.lap {
                    self.tell(place, What::Repeated);
                }
                self.ask(place, users, Reason::Step);
            }
            Next::Uncovered { lap } => self.uncovered(lap),
            Next::Exhausted => {
                self.ladder.stage = Stage::Exhausted;
                (self.ladder.due, self.ladder.asked) = (None, None);
                self.tell(self.ladder.place, What::Exhausted);
                self.effects.came_to(Paging::Exhausted);
            }
        }
    }

    /// A level that is entered anew sets its ring one further for the next incident.
    fn turn_ring(&mut self, place: Place, ring: u32) {
        let Some(rung) = self.ladder.policy.rungs.get(place.level as usize - 1) else { return };
        let turns = assign::turns(rung);
        let here = self.ladder.place;
        let continued = (here.cycle, here.lap, here.level) == (place.cycle, place.lap, place.level);
        if turns > 1 && !continued {
            let key = self.state.keys.ring(&self.ladder.policy.id, place.level);
            self.state.rings.put(key, (ring + place.turn + 1) % turns);
        }
        self.ladder.ring = ring;
    }

    /// The coverage guard: the last resort is paged, and an event tells of the gap. Without a last resort the policy is
    /// looked at again until somebody is on call: an incident that nobody was paged about must not fall silent.
    fn uncovered(&mut self, lap: u32) {
        let place = Place { lap, level: 0, turn: 0, ..self.ladder.place };
        self.tell(place, What::Uncovered { policy: self.ladder.policy.id.clone() });
        self.gap_errand();
        let users = assign::last_resort(self.world);
        if users.is_empty() {
            self.withdraw_all();
            self.ladder.place = place;
            self.ladder.stage = Stage::Climbing;
            self.ladder.due = Some(self.now + LOOK_AGAIN);
            self.effects.came_to(Paging::Uncovered);
        } else {
            self.ask(place, users, Reason::LastResort);
        }
    }

    fn gap_errand(&mut self) {
        let Some(routing_key) = self.world.options.gap_routing_key.clone() else { return };
        let policy = &self.ladder.policy;
        let gap = Gap {
            routing_key,
            dedup_key: format!("campanile/uncovered/{}", policy.id),
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
            incident: self.ladder.incident,
            at: self.now,
        };
        let key = self.state.keys.gap(&policy.id);
        // One on its way says it all.
        if self.state.errands.get(&key).is_none() {
            send(self.state, key, Errand::Gap(Box::new(gap)), &mut self.effects);
        }
    }

    fn delay_of(&self, place: Place) -> Span {
        let rung = self.ladder.policy.rungs.get((place.level as usize).saturating_sub(1));
        rung.map_or(LOOK_AGAIN, |rung| rung.delay)
    }

    /// The step that was asked before an outage, for whoever is there now.
    pub(crate) fn renew(&mut self) {
        let Some(asked) = self.ladder.asked.clone() else { return };
        let rung = asked.place.level.checked_sub(1).and_then(|nth| self.ladder.policy.rungs.get(nth as usize));
        let users = match rung {
            Some(rung) => assign::users(self.world, rung, self.ladder.ring, asked.place.turn, self.now),
            None => assign::last_resort(self.world),
        };
        if users.is_empty() {
            self.tell(asked.place, What::Skipped);
            self.climb(ladder::after(&self.ladder.policy, asked.place));
        } else {
            self.ask(asked.place, users, asked.reason);
        }
    }

    /// Asks the processor for a step.
    fn ask(&mut self, place: Place, users: Users, reason: Reason) {
        // The processor knows the id of each attempt, so the same step goes on counting.
        let before = self.ladder.asked.as_ref().filter(|asked| asked.place == place);
        let attempt = before.map_or(0, |asked| asked.attempt);
        let asked = Asked { command: CommandId::new(""), attempt, place, users, reason, paged: false };
        self.ladder.stage = Stage::Asking;
        self.ladder.due = Some(self.now + self.world.options.patience);
        self.ask_again(asked);
        self.effects.came_to(Paging::Asked);
    }

    /// The same step once more, now that the incident has another revision.
    pub(crate) fn ask_again(&mut self, mut asked: Asked) {
        let (incident, place) = (self.ladder.incident, asked.place);
        asked.attempt += 1;
        let Place { cycle, lap, level, turn } = place;
        asked.command = CommandId::new(format!("step-{incident}-{cycle}.{lap}.{level}.{turn}-{}", asked.attempt));
        let policy = CompactString::new(self.ladder.policy.id.as_str());
        let command = Command {
            id: asked.command.clone(),
            actor: Actor { kind: CompactString::const_new("escalation_policy_reference"), id: policy },
            incident,
            verb: Verb::Escalate(Step { lap, level, users: asked.users.to_vec() }),
            revision: Some(self.ladder.revision),
        };
        let key = self.state.keys.step(incident);
        send(self.state, key, Errand::Command(Box::new(command)), &mut self.effects);
        self.ladder.asked = Some(asked);
    }

    /// The step is true: its people are paged and its delay runs from here.
    pub(crate) fn enter(&mut self, asked: &Asked, unconfirmed: bool) {
        let Asked { place, users, reason, .. } = asked;
        self.withdraw_all_but(users);
        self.ladder.place = *place;
        self.ladder.paged = users.clone();
        (self.ladder.stage, self.ladder.due) = match self.ladder.urgency {
            Urgency::High => (Stage::Climbing, Some(self.now + self.delay_of(*place))),
            // Low urgency does not escalate. Source: PagerDuty knowledge base, "Configurable service settings".
            Urgency::Low => (Stage::Low, None),
        };
        let what = What::Entered { users: users.to_vec(), reason: *reason, unconfirmed };
        self.tell(*place, what);
        for user in users {
            self.page(user, *place, *reason, unconfirmed);
        }
        self.effects.came_to(if unconfirmed { Paging::Unconfirmed } else { Paging::Entered });
    }

    pub(crate) fn page(&mut self, user: &UserId, place: Place, reason: Reason, unconfirmed: bool) {
        let ladder = &self.ladder;
        let page = Page {
            user: user.clone(),
            incident: ladder.incident,
            revision: ladder.revision,
            place,
            urgency: ladder.urgency,
            reason,
            unconfirmed,
            service: ladder.service.clone(),
            title: ladder.title.clone(),
            at: self.now,
        };
        let home = self.world.directory.home_of_user(user);
        self.effects.publish.push(Publish::Hop(home, Box::new(Hop::Page(page))));
    }

    pub(crate) fn withdraw_all(&mut self) {
        self.withdraw_all_but(&Users::new());
    }

    pub(crate) fn withdraw_all_but(&mut self, stay: &Users) {
        for user in std::mem::take(&mut self.ladder.paged) {
            if !stay.contains(&user) {
                let (incident, place) = (self.ladder.incident, self.ladder.place);
                withdraw(self.world, user, incident, place, self.now, &mut self.effects);
            }
        }
    }
}

pub(crate) fn withdraw(
    world: World<'_>,
    user: UserId,
    incident: IncidentId,
    place: Place,
    now: Timestamp,
    effects: &mut Effects,
) {
    let home = world.directory.home_of_user(&user);
    let hop = Hop::Withdrawal(Withdrawal { user, incident, place, at: now });
    effects.publish.push(Publish::Hop(home, Box::new(hop)));
}

/// Notes an errand as a row, so that it is sent after the commit, come what may.
pub(crate) fn send(state: &mut State, key: crate::key::ErrandKey, errand: Errand, effects: &mut Effects) {
    state.errands.put(key, errand.clone());
    effects.publish.push(Publish::Errand(key, Box::new(errand)));
}

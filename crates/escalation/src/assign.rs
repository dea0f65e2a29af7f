//! From a rung to people: who the targets of a level are at this instant.

use campanile_directory::policy::{Strategy, Target};
use campanile_model::Timestamp;

use crate::oncall::{Users, World};
use crate::state::Rung;

/// How many turns a level has: one for everybody at once, or one for each target of a ring.
pub(crate) fn turns(rung: &Rung) -> u32 {
    match rung.strategy {
        Strategy::AssignToEveryone => 1,
        Strategy::RoundRobin => rung.targets.len() as u32,
    }
}

/// The people of a level in their order, each once. `start` is where the ring begins for this incident.
pub(crate) fn users(world: World<'_>, rung: &Rung, start: u32, turn: u32, now: Timestamp) -> Users {
    let mut users = Users::new();
    match rung.strategy {
        Strategy::AssignToEveryone => {
            for target in &rung.targets {
                add(world, target, now, &mut users);
            }
        }
        Strategy::RoundRobin => {
            let count = rung.targets.len().max(1);
            if let Some(target) = rung.targets.get((start as usize + turn as usize) % count) {
                add(world, target, now, &mut users);
            }
        }
    }
    users
}

fn add(world: World<'_>, target: &Target, now: Timestamp, users: &mut Users) {
    let found = match target {
        Target::User(user) => Users::from_iter([user.clone()]),
        Target::Schedule(schedule) => world.oncall.users(schedule, now),
    };
    for user in found {
        // Somebody who left the organisation answers nothing; the level counts as empty without anybody else.
        if world.directory.user(user.as_str()).is_some() && !users.contains(&user) {
            users.push(user);
        }
    }
}

/// Who is left when nobody is on call.
pub(crate) fn last_resort(world: World<'_>) -> Users {
    let known = |user: &&campanile_model::UserId| world.directory.user(user.as_str()).is_some();
    world.options.last_resort.iter().filter(known).cloned().collect()
}

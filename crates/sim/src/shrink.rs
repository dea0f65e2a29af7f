//! A failing story, made short: acts are left out, many at a time and then one by one, as long as a law still breaks.

use crate::faults::Mutation;
use crate::story::Story;
use crate::world::tell;

/// Tellings that a shrink may cost.
const TELLINGS_MAX: usize = 400;

/// `breach` is what the whole story breaks; a shorter one must break the same law.
pub(crate) fn shrink(story: &Story, mutation: Option<Mutation>, breach: &str) -> Story {
    let law = law(breach);
    let mut best = story.clone();
    let mut tellings = 0;
    let mut piece = best.acts.len() / 2;
    while piece >= 1 {
        let mut from = 0;
        while from < best.acts.len() && tellings < TELLINGS_MAX {
            let mut fewer = best.clone();
            leave_out(&mut fewer, from, piece);
            tellings += 1;
            if tell(&fewer, mutation, false).breach.is_some_and(|breach| self::law(&breach) == law) {
                best = fewer;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    best
}

/// The words of a breach, without the numbers of this one telling.
fn law(breach: &str) -> String {
    breach.chars().filter(|it| it.is_alphabetic() || *it == ' ').take(60).collect()
}

/// The time that passed before an act passes without it too.
fn leave_out(story: &mut Story, from: usize, count: usize) {
    let until = (from + count).min(story.acts.len());
    let passed: i64 = story.acts[from..until].iter().map(|(after, _)| after).sum();
    story.acts.drain(from..until);
    if let Some((after, _)) = story.acts.get_mut(from) {
        *after += passed;
    }
}

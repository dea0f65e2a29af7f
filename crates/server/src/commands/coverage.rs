//! Levels of escalation policies at which nobody will be on call: told when an organisation is brought in, not at night.

use campanile_directory::policy::Target;
use campanile_directory::{Policy, Snapshot, coverage};
use campanile_model::Span;
use campanile_oncall::{Coverage, Window};

use crate::print::colour::{self, Colour};
use crate::print::time;

/// How far ahead gaps are looked for: as far as `schedule show` shows them, which people are sent to.
const AHEAD: Span = Span::hours(14 * 24);

/// Prints a line for each level with gaps in the next two weeks. `where_from` is added to the command that shows them.
pub(super) fn tell_gaps(snapshot: &Snapshot, where_from: &str) {
    let now = time::now();
    let window = Window { start: now, end: now + AHEAD };
    let paints = colour::is_on(&std::io::stdout());
    for policy in snapshot.policies() {
        for (place, rule) in policy.rules.iter().enumerate() {
            let coverage = coverage::coverage(snapshot, rule.targets.iter(), window);
            if !coverage.is_whole() {
                let line = line(snapshot, policy, place, coverage, where_from);
                println!("{}", Colour::Yellow.paint(&line, paints));
            }
        }
    }
}

fn line(snapshot: &Snapshot, policy: &Policy, place: usize, coverage: Coverage, where_from: &str) -> String {
    let schedules = policy.rules[place].targets.iter().filter_map(|target| match target {
        Target::Schedule(id) => snapshot.schedule(id.as_str()),
        Target::User(_) => None,
    });
    let shown: Vec<_> = schedules.map(|it| it.id.as_str()).collect();
    format!(
        "level {} of {} covers {} % of the next {} days; see campanile schedule show {}{where_from}",
        place + 1,
        policy.name,
        coverage.percent(),
        AHEAD.whole_seconds() / 86_400,
        shown.first().copied().unwrap_or_default(),
    )
}

//! An escalation policy: whom to ask next when nobody answers.

use campanile_model::{PolicyId, ScheduleId, Span, TeamId, UserId};
use compact_str::CompactString;

use crate::problem::Report;

/// Longest name, in characters. Source: ours, the bound that schedules have.
pub const POLICY_NAME_CHARS_MAX: usize = 255;
/// Longest description, in characters. Source: ours; PagerDuty names none.
pub const POLICY_DESCRIPTION_CHARS_MAX: usize = 4096;
/// Most targets of one rule. Source: PagerDuty REST, Escalation rule `targets`.
pub const RULE_TARGETS_MAX: usize = 10;
/// Shortest delay of a rule, in minutes; of a rule with several targets, the second. Source: PagerDuty knowledge base.
pub const RULE_DELAY_MINUTES_MIN: (i64, i64) = (1, 5);
/// Longest delay of a rule, in minutes: 30 days. Source: ours; PagerDuty names none.
pub const RULE_DELAY_MINUTES_MAX: i64 = 43_200;
/// Most rules of one policy. Source: ours; PagerDuty names none.
pub const RULES_MAX: usize = 100;
/// Most repeats. Source: ours; PagerDuty's page offers 9, its API names no bound.
pub const LOOPS_MAX: u32 = 1000;

/// When people are told that their shift starts or ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handoff {
    #[default]
    IfHasServices,
    Always,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    #[default]
    AssignToEveryone,
    RoundRobin,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    User(UserId),
    Schedule(ScheduleId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// PagerDuty's id of the rule, when the sender gave one; kept so that a client sees its own back.
    pub id: Option<CompactString>,
    /// From the moment this rule was entered until the next one is.
    pub delay: Span,
    /// In the sender's order, which clients compare.
    pub targets: Vec<Target>,
    pub strategy: Strategy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub id: PolicyId,
    pub name: CompactString,
    pub description: String,
    /// The rules are run once and then this many times more.
    pub loops: u32,
    pub handoff: Handoff,
    pub rules: Vec<Rule>,
    /// One at most.
    pub teams: Vec<TeamId>,
}

impl Policy {
    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, POLICY_NAME_CHARS_MAX);
        report.check_text("/description", &self.description, POLICY_DESCRIPTION_CHARS_MAX);
        report.check_range("/num_loops", i64::from(self.loops), 0..=i64::from(LOOPS_MAX), "repeats");
        if self.teams.len() > 1 {
            report.add("/teams", format!("{} teams own this policy", self.teams.len()), "name one team at most");
        }
        if self.rules.is_empty() || self.rules.len() > RULES_MAX {
            report.add(
                "/escalation_rules",
                format!("the policy has {} rules", self.rules.len()),
                format!("a policy has 1 to {RULES_MAX} rules"),
            );
        }
        for (i, rule) in self.rules.iter().enumerate() {
            rule.check(&format!("/escalation_rules/{i}"), report);
        }
    }
}

impl Rule {
    fn check(&self, path: &str, report: &mut Report) {
        if self.targets.is_empty() || self.targets.len() > RULE_TARGETS_MAX {
            report.add(
                format!("{path}/targets"),
                format!("the rule has {} targets", self.targets.len()),
                format!("a rule has 1 to {RULE_TARGETS_MAX} targets"),
            );
        }
        let (one, several) = RULE_DELAY_MINUTES_MIN;
        let least = if self.targets.len() > 1 { several } else { one };
        report.check_range(
            format!("{path}/escalation_delay_in_minutes"),
            self.delay.whole_seconds() / 60,
            least..=RULE_DELAY_MINUTES_MAX,
            if least == several { "minutes, for the rule has several targets" } else { "minutes" },
        );
    }
}

//! A team: who owns services, policies and schedules.

use campanile_model::TeamId;
use compact_str::CompactString;

use crate::problem::Report;

/// Longest name, in characters. Source: PagerDuty REST, Team `name`.
pub const TEAM_NAME_CHARS_MAX: usize = 100;
/// Longest description, in characters. Source: PagerDuty REST, Team `description`.
pub const TEAM_DESCRIPTION_CHARS_MAX: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: TeamId,
    pub name: CompactString,
    pub description: String,
    /// The team that this one is part of.
    pub parent: Option<TeamId>,
}

impl Team {
    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, TEAM_NAME_CHARS_MAX);
        report.check_text("/description", &self.description, TEAM_DESCRIPTION_CHARS_MAX);
    }
}

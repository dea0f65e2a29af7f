//! A technical service: what alerts belong to and incidents are opened on.

use std::sync::Arc;

use campanile_model::{PolicyId, ScopeId, ServiceId, Severity, ShardId, Span, TeamId, Timestamp, Urgency};
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::grouping::{Grouping, TimeoutUnit};
use crate::integration::{Integration, IntegrationDraft};
use crate::maintenance::MaintenanceWindow;
use crate::priority::Priority;
use crate::problem::Report;
use crate::urgency::{SupportHours, UrgencyRule};

/// Longest name, in characters. Source: ours, the bound that schedules have.
pub const SERVICE_NAME_CHARS_MAX: usize = 255;
/// Longest description, in characters. Source: ours; PagerDuty names none.
pub const SERVICE_DESCRIPTION_CHARS_MAX: usize = 4096;
/// Longest auto-resolve and acknowledgement time-out, in seconds: a year of 366 days. Source: ours; PagerDuty names none.
pub const TIMEOUT_SECONDS_MAX: i64 = 366 * 86_400;

#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub id: ServiceId,
    pub name: CompactString,
    pub description: String,
    /// Status `disabled`: alerts are stored and visible, and reach nobody.
    pub disabled: bool,
    pub policy: PolicyId,
    /// The policy's name, for references' `summary`.
    pub policy_name: CompactString,
    pub teams: Vec<TeamId>,
    pub integrations: Vec<Integration>,
    pub grouping: Option<Grouping>,
    /// Where this service's state lives.
    pub scope: ScopeId,
    /// The shard that judges it.
    pub home: ShardId,
    pub urgency_rule: UrgencyRule,
    pub support_hours: Option<SupportHours>,
    /// Scheduled action `urgency_change` to high at the start (or end) of support hours.
    pub urgency_raised_at: Option<RaiseAt>,
    /// From the incident's creation; `None` is off.
    pub auto_resolve: Option<Span>,
    /// From each acknowledgement; `None` is off.
    pub acknowledgement_timeout: Option<Span>,
    /// Extension: the priority a new incident takes from the severity of its first alert, indexed by `Severity as usize`.
    pub priority_by_severity: [Option<Arc<Priority>>; 4],
    /// Windows that name this service, by start.
    pub maintenance: SmallVec<[Arc<MaintenanceWindow>; 1]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaiseAt {
    SupportHoursStart,
    SupportHoursEnd,
}

impl Service {
    /// The window that hides new alerts at this instant, if one does.
    pub fn maintenance_at(&self, at: Timestamp) -> Option<&MaintenanceWindow> {
        self.maintenance.iter().find(|window| window.covers(at)).map(Arc::as_ref)
    }

    /// The urgency of an incident that opens at `at` with a first alert of this severity.
    pub fn urgency(&self, severity: Severity, at: Timestamp) -> Urgency {
        self.urgency_rule.urgency(severity, self.support_hours.as_ref(), at)
    }

    /// When, strictly after `at`, open low-urgency incidents of this service rise to high.
    pub fn urgency_rises_after(&self, at: Timestamp) -> Option<Timestamp> {
        let hours = self.support_hours.as_ref()?;
        Some(match self.urgency_raised_at? {
            RaiseAt::SupportHoursStart => hours.next_start_after(at),
            RaiseAt::SupportHoursEnd => hours.next_end_after(at),
        })
    }

    pub fn priority(&self, severity: Severity) -> Option<&Arc<Priority>> {
        self.priority_by_severity[severity as usize].as_ref()
    }
}

/// A service as written: references not yet looked up, keys perhaps not yet minted.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceDraft {
    pub id: ServiceId,
    pub name: CompactString,
    pub description: String,
    pub disabled: bool,
    pub policy: PolicyId,
    /// Empty: the teams of the policy.
    pub teams: Vec<TeamId>,
    pub integrations: Vec<IntegrationDraft>,
    /// `None`: as the grouping setting that names this service says, or not at all.
    pub grouping: Option<Grouping>,
    pub urgency_rule: UrgencyRule,
    pub support_hours: Option<SupportHours>,
    pub urgency_raised_at: Option<RaiseAt>,
    pub auto_resolve: Option<Span>,
    pub acknowledgement_timeout: Option<Span>,
    /// Ids or names, indexed by `Severity as usize`.
    pub priority_by_severity: [Option<CompactString>; 4],
}

impl ServiceDraft {
    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, SERVICE_NAME_CHARS_MAX);
        report.check_text("/description", &self.description, SERVICE_DESCRIPTION_CHARS_MAX);
        for (key, span) in
            [("auto_resolve_timeout", self.auto_resolve), ("acknowledgement_timeout", self.acknowledgement_timeout)]
        {
            if let Some(span) = span {
                let path = format!("/{key}");
                report.check_range(
                    path,
                    span.whole_seconds(),
                    1..=TIMEOUT_SECONDS_MAX,
                    "seconds, or null or 0 for off",
                );
            }
        }
        if let Some(grouping) = &self.grouping {
            grouping.check("/alert_grouping_parameters/config", TimeoutUnit::Minutes, report);
        }
        self.check_hours(report);
    }

    fn check_hours(&self, report: &mut Report) {
        let uses_hours = matches!(self.urgency_rule, UrgencyRule::UseSupportHours { .. });
        if uses_hours && self.support_hours.is_none() {
            report.add(
                "/incident_urgency_rule/type",
                "use_support_hours needs support_hours, and the service has none",
                "add support_hours, or use a constant urgency",
            );
        }
        if self.urgency_raised_at.is_some() && !uses_hours {
            report.add(
                "/scheduled_actions",
                "scheduled actions need an incident_urgency_rule of type use_support_hours",
                "remove scheduled_actions, or use support hours",
            );
        }
        let Some(hours) = &self.support_hours else { return };
        if hours.end <= hours.start {
            report.add(
                "/support_hours/end_time",
                format!("support hours end at {} before they start at {}", hours.end, hours.start),
                "both times are of one day; hours over midnight are the outside of the opposite hours",
            );
        }
        if !hours.days.contains(&true) {
            report.add("/support_hours/days_of_week", "support hours have no day", "name days from 1 (Monday) to 7");
        }
    }
}

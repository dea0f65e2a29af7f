//! A grouping setting: one way of grouping for one service, or for several that then share their incidents.

use campanile_model::{GroupingId, ServiceId};
use compact_str::CompactString;

use crate::grouping::{Grouping, TimeoutUnit};
use crate::problem::Report;

/// Most services of one setting. Source: PagerDuty REST, alert grouping settings.
pub const SETTING_SERVICES_MAX: usize = 250;
/// Longest name, in characters. Source: ours, the bound that schedules have.
pub const SETTING_NAME_CHARS_MAX: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupingSetting {
    pub id: GroupingId,
    pub name: CompactString,
    pub description: String,
    pub grouping: Grouping,
    pub services: Vec<ServiceId>,
}

impl GroupingSetting {
    /// Whether alerts of different services may share an incident, so that their state must live in one place.
    pub fn joins(&self) -> bool {
        self.services.len() > 1
    }

    pub(crate) fn check(&self, report: &mut Report) {
        report.check_text("/name", &self.name, SETTING_NAME_CHARS_MAX);
        self.grouping.check("/config", TimeoutUnit::Seconds, report);
        if self.services.is_empty() || self.services.len() > SETTING_SERVICES_MAX {
            report.add(
                "/services",
                format!("the setting names {} services", self.services.len()),
                format!("a setting names 1 to {SETTING_SERVICES_MAX} services"),
            );
        }
        if self.joins() && matches!(self.grouping, Grouping::ContentIntelligent { .. }) {
            report.add(
                "/services",
                format!("content_based_intelligent is for one service, not {}", self.services.len()),
                "use content_based, intelligent or time to join several services",
            );
        }
        for (i, service) in self.services.iter().enumerate() {
            if self.services[..i].contains(service) {
                report.add(format!("/services/{i}/id"), format!("service {service} is named twice"), "name it once");
            }
        }
    }
}

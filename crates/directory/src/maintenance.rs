//! Planned quiet: new alerts of the named services are stored, shown and kept from people.

use campanile_model::{MaintenanceId, ServiceId, Timestamp};

use crate::problem::Report;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceWindow {
    pub id: MaintenanceId,
    /// Half-open: `[start, end)`.
    pub start: Timestamp,
    pub end: Timestamp,
    pub description: String,
    pub services: Vec<ServiceId>,
}

impl MaintenanceWindow {
    pub fn covers(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    pub(crate) fn check(&self, report: &mut Report) {
        if self.end <= self.start {
            report.add(
                "/end_time",
                "the window ends before it starts",
                format!("its start is {}; both are instants with an offset", self.start.rfc3339_seconds()),
            );
        }
        if self.services.is_empty() {
            report.add("/services", "the window names no service", "name at least one service");
        }
    }
}

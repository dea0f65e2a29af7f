//! A business service: what a customer sees, and the services it stands on.

use campanile_model::{BusinessServiceId, ServiceId, TeamId};
use compact_str::CompactString;

use crate::kind::Kind;
use crate::problem::Report;

/// Deepest chain of dependencies. Source: PagerDuty REST, service dependencies.
pub const DEPENDENCY_DEPTH_MAX: usize = 100;
/// Most dependencies of one business service. Source: PagerDuty REST, service dependencies.
pub const DEPENDENCIES_MAX: usize = 2000;
/// Longest name, in characters. Source: ours, the bound that schedules have.
pub const BUSINESS_NAME_CHARS_MAX: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    Service(ServiceId),
    Business(BusinessServiceId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessService {
    pub id: BusinessServiceId,
    pub name: CompactString,
    pub description: String,
    pub point_of_contact: String,
    pub team: Option<TeamId>,
    /// In the order written.
    pub depends_on: Vec<Dependency>,
}

/// A business service as written, its dependencies not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessDraft {
    pub id: BusinessServiceId,
    pub name: CompactString,
    pub description: String,
    pub point_of_contact: String,
    pub team: Option<TeamId>,
    pub depends_on: Vec<DependencyDraft>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyDraft {
    /// `Service` or `Business` when the writer said which.
    pub kind: Option<Kind>,
    pub id_or_name: CompactString,
}

impl BusinessDraft {
    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, BUSINESS_NAME_CHARS_MAX);
        if self.depends_on.len() > DEPENDENCIES_MAX {
            report.add(
                "/depends_on",
                format!("{} dependencies exceed the limit of {DEPENDENCIES_MAX}", self.depends_on.len()),
                "group some of them under a business service of their own",
            );
        }
    }
}

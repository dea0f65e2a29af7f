//! One configuration object as written, of any kind.

use crate::business::BusinessDraft;
use crate::grouping_setting::GroupingSetting;
use crate::kind::Kind;
use crate::maintenance::MaintenanceWindow;
use crate::policy::Policy;
use crate::priority::Priority;
use crate::schedule::Schedule;
use crate::service::ServiceDraft;
use crate::subscription::Subscription;
use crate::team::Team;
use crate::user::User;

#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Priority(Priority),
    Team(Team),
    User(User),
    Schedule(Schedule),
    Policy(Policy),
    Service(Box<ServiceDraft>),
    Grouping(GroupingSetting),
    Maintenance(MaintenanceWindow),
    Business(BusinessDraft),
    Subscription(Box<Subscription>),
}

impl Object {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Priority(_) => Kind::Priority,
            Self::Team(_) => Kind::Team,
            Self::User(_) => Kind::User,
            Self::Schedule(_) => Kind::Schedule,
            Self::Policy(_) => Kind::Policy,
            Self::Service(_) => Kind::Service,
            Self::Grouping(_) => Kind::Grouping,
            Self::Maintenance(_) => Kind::Maintenance,
            Self::Business(_) => Kind::Business,
            Self::Subscription(_) => Kind::Subscription,
        }
    }

    pub fn as_service(&self) -> Option<&ServiceDraft> {
        let Self::Service(service) = self else { return None };
        Some(service)
    }

    pub fn as_setting(&self) -> Option<&GroupingSetting> {
        let Self::Grouping(setting) = self else { return None };
        Some(setting)
    }

    pub fn id(&self) -> &str {
        match self {
            Self::Priority(it) => it.id.as_str(),
            Self::Team(it) => it.id.as_str(),
            Self::User(it) => it.id.as_str(),
            Self::Schedule(it) => it.id.as_str(),
            Self::Policy(it) => it.id.as_str(),
            Self::Service(it) => it.id.as_str(),
            Self::Grouping(it) => it.id.as_str(),
            Self::Maintenance(it) => it.id.as_str(),
            Self::Business(it) => it.id.as_str(),
            Self::Subscription(it) => it.id.as_str(),
        }
    }
}

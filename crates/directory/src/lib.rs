//! Floor 20: the organisation. Who owns what, as validated nouns and an immutable snapshot with an epoch.
//!
//! One noun a file, its rules of validity beside it. JSON is the border's business (`pagerduty::objects`);
//! time zones are pure values here (`jiff` with its bundled database), and `now` is always an argument.

mod book;
pub mod build;
pub mod business;
pub mod contact;
pub mod grouping;
pub mod grouping_setting;
pub mod integration;
pub mod kind;
pub mod maintenance;
pub mod mint;
pub mod object;
pub mod policy;
pub mod priority;
pub mod problem;
mod references;
pub mod schedule;
pub mod service;
pub mod snapshot;
pub mod suggest;
pub mod team;
pub mod urgency;
pub mod user;
pub mod warnings;

pub use book::ID_CHARS_MAX;
pub use build::{build, scopes};
pub use business::{BusinessDraft, BusinessService, Dependency, DependencyDraft};
pub use contact::{Channel, ContactMethod, NotificationRule};
pub use grouping::{Aggregate, FieldPath, Grouping};
pub use grouping_setting::GroupingSetting;
pub use integration::{Integration, IntegrationDraft};
pub use kind::Kind;
pub use maintenance::MaintenanceWindow;
pub use mint::{integration_id, mint_key};
pub use object::Object;
pub use policy::Policy;
pub use priority::Priority;
pub use problem::{Problem, Warning};
pub use schedule::Schedule;
pub use service::{Service, ServiceDraft};
pub use snapshot::{Route, RouteId, Snapshot};
pub use team::Team;
pub use urgency::{SupportHours, UrgencyRule};
pub use user::User;
pub use warnings::warnings;

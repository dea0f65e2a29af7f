//! A person who can be on call.

use campanile_model::{TeamId, UserId};
use compact_str::CompactString;
use jiff::tz::TimeZone;

use crate::contact::{self, ContactMethod, NotificationRule};
use crate::handoff::HandoffRule;
use crate::problem::Report;

/// Longest name, in characters. Source: PagerDuty REST, User `name`.
pub const USER_NAME_CHARS_MAX: usize = 100;
/// Shortest and longest address, in characters. Source: PagerDuty REST, User `email`.
pub const EMAIL_CHARS: (usize, usize) = (6, 100);
/// Longest job title, in characters. Source: PagerDuty REST, User `job_title`.
pub const JOB_TITLE_CHARS_MAX: usize = 100;

/// What a person may do in the account. Source: PagerDuty REST, User `role`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    Admin,
    LimitedUser,
    Observer,
    Owner,
    ReadOnlyUser,
    ReadOnlyLimitedUser,
    RestrictedAccess,
    #[default]
    User,
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::LimitedUser,
        Self::Observer,
        Self::Owner,
        Self::ReadOnlyUser,
        Self::ReadOnlyLimitedUser,
        Self::RestrictedAccess,
        Self::User,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::LimitedUser => "limited_user",
            Self::Observer => "observer",
            Self::Owner => "owner",
            Self::ReadOnlyUser => "read_only_user",
            Self::ReadOnlyLimitedUser => "read_only_limited_user",
            Self::RestrictedAccess => "restricted_access",
            Self::User => "user",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: UserId,
    pub name: CompactString,
    pub email: CompactString,
    /// Only for showing times; schedules have zones of their own.
    pub zone: Option<TimeZone>,
    pub role: Role,
    pub job_title: CompactString,
    pub description: String,
    pub teams: Vec<TeamId>,
    /// In the writer's order, as the rules below.
    pub contact_methods: Vec<ContactMethod>,
    /// None: an e-mail at once.
    pub notification_rules: Vec<NotificationRule>,
    /// None: the person is not told of shifts.
    pub handoff_rules: Vec<HandoffRule>,
}

impl User {
    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, USER_NAME_CHARS_MAX);
        report.check_text("/job_title", &self.job_title, JOB_TITLE_CHARS_MAX);
        contact::check(&self.contact_methods, &self.notification_rules, report);
        contact::check_handoffs(&self.contact_methods, &self.handoff_rules, report);
        let length = self.email.chars().count();
        let well_formed = self.email.split_once('@').is_some_and(|(who, host)| !who.is_empty() && !host.is_empty());
        if !well_formed || !(EMAIL_CHARS.0..=EMAIL_CHARS.1).contains(&length) {
            report.add(
                "/email",
                format!("{:?} is not an e-mail address", self.email),
                format!("an address is name@host, {} to {} characters", EMAIL_CHARS.0, EMAIL_CHARS.1),
            );
        }
    }
}

//! All objects of a directory sorted by kind and id, before anyone has checked what they say of each other.

use std::collections::BTreeMap;

use crate::business::BusinessDraft;
use crate::grouping_setting::GroupingSetting;
use crate::kind::Kind;
use crate::maintenance::MaintenanceWindow;
use crate::object::Object;
use crate::policy::Policy;
use crate::priority::Priority;
use crate::problem::Report;
use crate::schedule::Schedule;
use crate::service::ServiceDraft;
use crate::subscription::Subscription;
use crate::team::Team;
use crate::user::User;

/// Longest id of an object, in characters. Source: ours; PagerDuty's have 7 or 14.
pub const ID_CHARS_MAX: usize = 64;

type Shelf<T> = BTreeMap<String, T>;

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) priorities: Shelf<Priority>,
    pub(crate) teams: Shelf<Team>,
    pub(crate) users: Shelf<User>,
    pub(crate) schedules: Shelf<Schedule>,
    pub(crate) policies: Shelf<Policy>,
    pub(crate) services: Shelf<ServiceDraft>,
    pub(crate) settings: Shelf<GroupingSetting>,
    pub(crate) windows: Shelf<MaintenanceWindow>,
    pub(crate) businesses: Shelf<BusinessDraft>,
    pub(crate) subscriptions: Shelf<Subscription>,
}

impl Book {
    /// Takes every object in. An id that comes twice is a problem and keeps its last object.
    pub(crate) fn collect(objects: impl IntoIterator<Item = Object>, report: &mut Report) -> Self {
        let mut book = Self::default();
        for object in objects {
            let (kind, id) = (object.kind(), object.id().to_owned());
            report.about(kind, &id);
            check_id(&id, report);
            if book.put(id, object) {
                report.add("", format!("two objects of kind {kind} have this id"), "give one of them another id");
            }
        }
        if book.priorities.is_empty() {
            book.priorities = Priority::defaults().into_iter().map(|p| (p.id.as_str().to_owned(), p)).collect();
        }
        book
    }

    /// Whether the place was taken.
    fn put(&mut self, id: String, object: Object) -> bool {
        match object {
            Object::Priority(it) => self.priorities.insert(id, it).is_some(),
            Object::Team(it) => self.teams.insert(id, it).is_some(),
            Object::User(it) => self.users.insert(id, it).is_some(),
            Object::Schedule(it) => self.schedules.insert(id, it).is_some(),
            Object::Policy(it) => self.policies.insert(id, it).is_some(),
            Object::Service(it) => self.services.insert(id, *it).is_some(),
            Object::Grouping(it) => self.settings.insert(id, it).is_some(),
            Object::Maintenance(it) => self.windows.insert(id, it).is_some(),
            Object::Business(it) => self.businesses.insert(id, it).is_some(),
            Object::Subscription(it) => self.subscriptions.insert(id, *it).is_some(),
        }
    }

    /// Each object against its own rules.
    pub(crate) fn check_each(&self, report: &mut Report) {
        self.priorities.iter().for_each(|(id, it)| it.check(report.about(Kind::Priority, id)));
        self.teams.iter().for_each(|(id, it)| it.check(report.about(Kind::Team, id)));
        self.users.iter().for_each(|(id, it)| it.check(report.about(Kind::User, id)));
        self.schedules.iter().for_each(|(id, it)| it.check(report.about(Kind::Schedule, id)));
        self.policies.iter().for_each(|(id, it)| it.check(report.about(Kind::Policy, id)));
        self.services.iter().for_each(|(id, it)| it.check(report.about(Kind::Service, id)));
        self.settings.iter().for_each(|(id, it)| it.check(report.about(Kind::Grouping, id)));
        self.windows.iter().for_each(|(id, it)| it.check(report.about(Kind::Maintenance, id)));
        self.businesses.iter().for_each(|(id, it)| it.check(report.about(Kind::Business, id)));
        self.subscriptions.iter().for_each(|(id, it)| it.check(report.about(Kind::Subscription, id)));
    }

    pub(crate) fn has(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Priority => self.priorities.contains_key(id),
            Kind::Team => self.teams.contains_key(id),
            Kind::User => self.users.contains_key(id),
            Kind::Schedule => self.schedules.contains_key(id),
            Kind::Policy => self.policies.contains_key(id),
            Kind::Service => self.services.contains_key(id),
            Kind::Grouping => self.settings.contains_key(id),
            Kind::Maintenance => self.windows.contains_key(id),
            Kind::Business => self.businesses.contains_key(id),
            Kind::Subscription => self.subscriptions.contains_key(id),
        }
    }

    /// Ids with the names that people would have written instead; a window has none.
    pub(crate) fn names(&self, kind: Kind) -> Vec<(&str, &str)> {
        fn shelf<'a, T>(shelf: &'a Shelf<T>, name: impl Fn(&'a T) -> &'a str) -> Vec<(&'a str, &'a str)> {
            shelf.iter().map(|(id, it)| (id.as_str(), name(it))).collect()
        }
        match kind {
            Kind::Priority => shelf(&self.priorities, |it| it.name.as_str()),
            Kind::Team => shelf(&self.teams, |it| it.name.as_str()),
            Kind::User => shelf(&self.users, |it| it.name.as_str()),
            Kind::Schedule => shelf(&self.schedules, |it| it.name.as_str()),
            Kind::Policy => shelf(&self.policies, |it| it.name.as_str()),
            Kind::Service => shelf(&self.services, |it| it.name.as_str()),
            Kind::Grouping => shelf(&self.settings, |it| it.name.as_str()),
            Kind::Maintenance => shelf(&self.windows, |_| ""),
            Kind::Business => shelf(&self.businesses, |it| it.name.as_str()),
            Kind::Subscription => shelf(&self.subscriptions, |it| it.description.as_str()),
        }
    }
}

fn check_id(id: &str, report: &mut Report) {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if id.is_empty() || id.len() > ID_CHARS_MAX || !plain {
        report.add(
            "",
            format!("{id:?} cannot be an id"),
            format!("an id has 1 to {ID_CHARS_MAX} characters of A-Z, a-z, 0-9, _ and -"),
        );
    }
}

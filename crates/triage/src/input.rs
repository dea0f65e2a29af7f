//! What the machine is given: an event, a command, or a timer that fell due.

use std::cell::OnceCell;

use campanile_directory::{Route, RouteId, Service, Snapshot};
use campanile_model::{Command, Severity, Source};

use crate::grouping::GroupKeys;
use crate::key::{AlertKey, GroupKey, Keys};
use crate::timer::Timer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

/// What grouping, titles and urgency are decided from. Present on every trigger.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    /// At most 1024 characters: the border has cut it.
    pub summary: &'a str,
    pub source: &'a str,
    pub severity: Severity,
    pub component: Option<&'a str>,
    pub group: Option<&'a str>,
    pub class: Option<&'a str>,
}

/// The parts of an event that the machine stores without understanding them.
pub trait Body {
    /// The text at a path inside `custom_details`, if something printable stands there.
    fn detail(&self, path: &[compact_str::CompactString]) -> Option<String>;

    /// Appends the stored form, which later goes into the alert's record as it is.
    fn encode(&self, out: &mut Vec<u8>);
}

pub struct Event<'a> {
    pub routing_key: &'a str,
    pub action: Action,
    /// Never blank: the caller derives one from the event's place in the log where the sender gave none.
    pub dedup_key: &'a str,
    pub payload: Option<Payload<'a>>,
    pub body: &'a dyn Body,
    pub source: Source,
    pub memo: &'a Memo,
}

/// What was found out about one event. Both footprint and judgement ask, and each answer costs a hash. Lives no longer
/// than the directory it was made under.
#[derive(Debug, Default)]
pub struct Memo {
    route: OnceCell<Option<RouteId>>,
    groups: OnceCell<GroupKeys>,
    key: OnceCell<AlertKey>,
}

impl Event<'_> {
    /// Where its routing key leads.
    pub(crate) fn route<'d>(&self, directory: &'d Snapshot) -> Option<Route<'d>> {
        let id = *self.memo.route.get_or_init(|| directory.route_id(self.routing_key));
        directory.route_at(id?)
    }

    /// The key of the alert that this event speaks of.
    pub(crate) fn alert_key(&self, keys: Keys, route: Route<'_>) -> AlertKey {
        let integration = route.integration.id.as_str();
        *self.memo.key.get_or_init(|| keys.alert(&route.service.id, integration, self.dedup_key))
    }

    /// The groups that this event's alert belongs to, by the grouping of its service.
    pub(crate) fn groups(&self, keys: Keys, service: &Service, payload: &Payload<'_>) -> &[GroupKey] {
        self.memo.groups.get_or_init(|| crate::grouping::keys(keys, service, payload, self.body))
    }
}

pub enum Input<'a> {
    Event(&'a Event<'a>),
    Command(&'a Command, Source),
    Timer(Timer),
}

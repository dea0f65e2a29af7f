//! What objects say of each other: every reference leads somewhere, names and keys are unique, dependencies end.

use std::collections::BTreeMap;

use ahash::AHashMap;
use campanile_model::Severity;

use crate::book::Book;
use crate::business::{DEPENDENCY_DEPTH_MAX, Dependency, DependencyDraft};
use crate::integration::is_routing_key;
use crate::kind::Kind;
use crate::policy::{Policy, Target};
use crate::problem::Report;
use crate::schedule::Schedule;
use crate::service::ServiceDraft;
use crate::suggest::nearest;

/// Checks the whole book.
pub(crate) fn check(book: &Book, report: &mut Report) {
    let mut links = Links { book, report, offers: AHashMap::new() };
    for (id, team) in &book.teams {
        links.report.about(Kind::Team, id);
        if let Some(parent) = &team.parent {
            links.need(Kind::Team, parent.as_str(), || "/parent/id".to_owned());
        }
    }
    for (id, user) in &book.users {
        links.report.about(Kind::User, id);
        links.need_teams(user.teams.iter().map(|team| team.as_str()));
    }
    book.schedules.values().for_each(|it| links.schedule(it));
    book.policies.values().for_each(|it| links.policy(it));
    book.services.values().for_each(|it| links.service(it));
    for (id, setting) in &book.settings {
        links.report.about(Kind::Grouping, id);
        links.need_services(setting.services.iter().map(|service| service.as_str()));
    }
    for (id, window) in &book.windows {
        links.report.about(Kind::Maintenance, id);
        links.need_services(window.services.iter().map(|service| service.as_str()));
    }
    for (id, business) in &book.businesses {
        links.report.about(Kind::Business, id);
        if let Some(team) = &business.team {
            links.need(Kind::Team, team.as_str(), || "/team/id".to_owned());
        }
        business.depends_on.iter().enumerate().for_each(|(i, to)| links.dependency(i, to));
    }
    for (id, subscription) in &book.subscriptions {
        links.report.about(Kind::Subscription, id);
        if let Some((kind, id)) = subscription.filter.object() {
            links.need(kind, id, || "/filter/id".to_owned());
        }
    }
    unique_names(book, report);
    unique_integrations(book, report);
    one_setting_per_service(book, report);
    parents_end(book, report);
    dependencies_end(book, report);
}

/// Where a dependency leads: by kind where one is written, else services before business services, ids before names.
pub(crate) fn resolve(book: &Book, draft: &DependencyDraft) -> Option<Dependency> {
    let word = draft.id_or_name.as_str();
    let may = |kind| draft.kind.is_none_or(|written| written == kind);
    let service = || book.services.values().filter(|_| may(Kind::Service));
    let business = || book.businesses.values().filter(|_| may(Kind::Business));
    let by_id = || {
        let as_service = book.services.get(word).filter(|_| may(Kind::Service));
        let as_business = book.businesses.get(word).filter(|_| may(Kind::Business));
        as_service
            .map(|it| Dependency::Service(it.id.clone()))
            .or_else(|| as_business.map(|it| Dependency::Business(it.id.clone())))
    };
    by_id()
        .or_else(|| service().find(|it| it.name == word).map(|it| Dependency::Service(it.id.clone())))
        .or_else(|| business().find(|it| it.name == word).map(|it| Dependency::Business(it.id.clone())))
}

struct Links<'a> {
    book: &'a Book,
    report: &'a mut Report,
    /// Offers already looked for: one wrong id in every service must not search the directory for each.
    offers: AHashMap<(Kind, String), String>,
}

impl Links<'_> {
    fn need(&mut self, kind: Kind, id: &str, path: impl FnOnce() -> String) {
        if self.book.has(kind, id) {
            return;
        }
        let offer = self.offer(kind, id);
        let known = self.book.names(kind);
        let help = if let Some((by_name, _)) = known.iter().find(|(_, name)| *name == id) {
            format!("a reference takes the id, which is \"{by_name}\"")
        } else {
            format!("{}, or add {}/{id}.json", choices(kind, &known), kind.folder())
        };
        self.report.add_missing(path(), (kind, id), format!("unknown {kind} \"{id}\"{offer}"), help);
    }

    fn offer(&mut self, kind: Kind, id: &str) -> String {
        let book = self.book;
        let look = || {
            nearest(id, book.names(kind).into_iter().map(|(id, _)| id))
                .map_or_else(String::new, |near| format!(" (did you mean \"{near}\"?)"))
        };
        self.offers.entry((kind, id.to_owned())).or_insert_with(look).clone()
    }

    fn need_teams<'i>(&mut self, ids: impl Iterator<Item = &'i str>) {
        ids.enumerate().for_each(|(i, id)| self.need(Kind::Team, id, || format!("/teams/{i}/id")));
    }

    fn need_services<'i>(&mut self, ids: impl Iterator<Item = &'i str>) {
        ids.enumerate().for_each(|(i, id)| self.need(Kind::Service, id, || format!("/services/{i}/id")));
    }

    fn schedule(&mut self, it: &Schedule) {
        self.report.about(Kind::Schedule, it.id.as_str());
        self.need_teams(it.teams.iter().map(|team| team.as_str()));
        for (i, layer) in it.layers.iter().enumerate() {
            for (j, user) in layer.users.iter().enumerate() {
                self.need(Kind::User, user.as_str(), || format!("/schedule_layers/{i}/users/{j}/user/id"));
            }
        }
        for (i, shift) in it.overrides.iter().enumerate() {
            self.need(Kind::User, shift.user.as_str(), || format!("/overrides/{i}/user/id"));
        }
    }

    fn policy(&mut self, it: &Policy) {
        self.report.about(Kind::Policy, it.id.as_str());
        self.need_teams(it.teams.iter().map(|team| team.as_str()));
        for (i, rule) in it.rules.iter().enumerate() {
            for (j, target) in rule.targets.iter().enumerate() {
                let (kind, id) = match target {
                    Target::User(user) => (Kind::User, user.as_str()),
                    Target::Schedule(schedule) => (Kind::Schedule, schedule.as_str()),
                };
                self.need(kind, id, || format!("/escalation_rules/{i}/targets/{j}/id"));
            }
        }
    }

    fn service(&mut self, it: &ServiceDraft) {
        self.report.about(Kind::Service, it.id.as_str());
        self.need(Kind::Policy, it.policy.as_str(), || "/escalation_policy/id".to_owned());
        self.need_teams(it.teams.iter().map(|team| team.as_str()));
        for severity in Severity::ALL {
            let Some(word) = &it.priority_by_severity[severity as usize] else { continue };
            let known = self.book.names(Kind::Priority);
            if known.iter().any(|(id, name)| id == word || name == word) {
                continue;
            }
            let offer = crate::suggest::did_you_mean(word, known.iter().map(|(_, name)| *name));
            let names: Vec<_> = known.iter().map(|(_, name)| *name).collect();
            self.report.add_missing(
                format!("/priority_by_severity/{}", severity.as_str()),
                (Kind::Priority, word),
                format!("unknown priority \"{word}\"{offer}"),
                format!("priorities are {}; a name or an id will do", names.join(", ")),
            );
        }
    }

    fn dependency(&mut self, i: usize, to: &DependencyDraft) {
        if resolve(self.book, to).is_some() {
            return;
        }
        let kinds = to.kind.map_or_else(|| vec![Kind::Service, Kind::Business], |kind| vec![kind]);
        let known: Vec<_> = kinds.iter().flat_map(|kind| self.book.names(*kind)).collect();
        let word = to.id_or_name.as_str();
        let offer = crate::suggest::did_you_mean(word, known.iter().flat_map(|(id, name)| [*id, *name]));
        self.report.add_missing(
            format!("/depends_on/{i}"),
            (kinds[0], word),
            format!("unknown service \"{word}\"{offer}"),
            "name a service or a business service of this directory, by id or by name",
        );
    }
}

/// Some of what may stand there, for the help.
fn choices(kind: Kind, known: &[(&str, &str)]) -> String {
    const SHOWN_MAX: usize = 8;
    if known.is_empty() {
        return format!("the directory has no {kind} yet");
    }
    let shown: Vec<_> = known.iter().take(SHOWN_MAX).map(|(id, _)| *id).collect();
    let more = if known.len() > SHOWN_MAX { ", …" } else { "" };
    format!("use one of {}{more}", shown.join(", "))
}

/// Names that people route, resolve or choose by. Users and schedules may share one, as in PagerDuty.
fn unique_names(book: &Book, report: &mut Report) {
    for kind in [Kind::Service, Kind::Business, Kind::Team, Kind::Policy, Kind::Priority] {
        let mut seen: AHashMap<&str, &str> = AHashMap::new();
        for (id, name) in book.names(kind) {
            if let Some(first) = seen.insert(name, id) {
                seen.insert(name, first);
                report.about(kind, id).add(
                    "/name",
                    format!("Name has already been taken: {kind} {first} is called \"{name}\" too"),
                    format!("give this {kind} another name"),
                );
            }
        }
    }
}

fn unique_integrations(book: &Book, report: &mut Report) {
    let mut ids: AHashMap<&str, &str> = AHashMap::new();
    let mut keys: AHashMap<&str, &str> = AHashMap::new();
    for (service, draft) in &book.services {
        report.about(Kind::Service, service);
        for (i, integration) in draft.integrations.iter().enumerate() {
            let path = format!("/integrations/{i}");
            if let Some(first) = ids.insert(integration.id.as_str(), service) {
                let help = "give each integration a name of its own, or an id";
                report.add(path.as_str(), format!("integration {} is on service {first} too", integration.id), help);
            }
            let path = format!("{path}/integration_key");
            let Some(key) = &integration.key else {
                report.add(path, "the integration has no key yet", "apply the directory, which mints one");
                continue;
            };
            if !is_routing_key(key.as_str()) {
                report.add(
                    path,
                    format!("{:?} is not an integration key", key.as_str()),
                    "a key has exactly 32 letters and digits; leave integration_key out to have one minted",
                );
            } else if let Some(first) = keys.insert(key.as_str(), service) {
                report.add(
                    path,
                    format!("integration key {key} is already a key of service {first}"),
                    "leave integration_key out to have a new one minted",
                );
            }
        }
    }
}

fn one_setting_per_service(book: &Book, report: &mut Report) {
    let mut seen: AHashMap<&str, &str> = AHashMap::new();
    for (id, setting) in &book.settings {
        for (i, service) in setting.services.iter().enumerate() {
            let first = *seen.entry(service.as_str()).or_insert(id);
            if first != id {
                report.about(Kind::Grouping, id).add(
                    format!("/services/{i}/id"),
                    format!("service {service} is already in setting {first}"),
                    "a service is in one grouping setting at most",
                );
            }
        }
    }
}

fn parents_end(book: &Book, report: &mut Report) {
    for (id, team) in &book.teams {
        let mut above = team.parent.as_ref();
        // As many steps as there are teams reach every top; one more is a circle.
        for _ in 0..=book.teams.len() {
            let Some(parent) = above else { break };
            if parent.as_str() == id {
                let help = "leave parent out of one of the teams in the circle";
                report.about(Kind::Team, id).add("/parent/id", "the team is part of itself", help);
                break;
            }
            above = book.teams.get(parent.as_str()).and_then(|team| team.parent.as_ref());
        }
    }
}

fn dependencies_end(book: &Book, report: &mut Report) {
    let mut walk = Walk { book, report, heights: BTreeMap::new(), path: Vec::new() };
    for id in book.businesses.keys() {
        if walk.height(id).is_none() {
            return;
        }
    }
}

struct Walk<'a> {
    book: &'a Book,
    report: &'a mut Report,
    heights: BTreeMap<&'a str, usize>,
    /// From the first business service down to the present one.
    path: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    /// How many dependencies lead down from here at most. `None` once a cycle or too deep a chain was reported:
    /// one is enough, the others mostly share its links. The recursion is no deeper than the limit.
    fn height(&mut self, id: &'a str) -> Option<usize> {
        if let Some(height) = self.heights.get(id) {
            return Some(*height);
        }
        self.path.push(id);
        let mut height = 0;
        let depends_on = self.book.businesses.get(id).map_or(&[][..], |it| &it.depends_on);
        for (i, draft) in depends_on.iter().enumerate() {
            let below = match resolve(self.book, draft) {
                Some(Dependency::Business(below)) => {
                    let (below, _) = self.book.businesses.get_key_value(below.as_str())?;
                    if let Some(at) = self.path.iter().position(|above| above == below) {
                        let circle = [&self.path[at..], &[below.as_str()]].concat().join(" → ");
                        self.refuse(id, i, format!("services depend on each other in a circle: {circle}"));
                        return None;
                    }
                    if self.path.len() > DEPENDENCY_DEPTH_MAX { DEPENDENCY_DEPTH_MAX } else { self.height(below)? }
                }
                Some(Dependency::Service(_)) | None => 0,
            };
            height = height.max(below + 1);
            if height > DEPENDENCY_DEPTH_MAX {
                self.refuse(id, i, format!("dependencies are more than {DEPENDENCY_DEPTH_MAX} deep"));
                return None;
            }
        }
        self.path.pop();
        self.heights.insert(id, height);
        Some(height)
    }

    fn refuse(&mut self, id: &str, dependency: usize, message: String) {
        let help = "remove this dependency, or another one on the way";
        self.report.about(Kind::Business, id).add(format!("/depends_on/{dependency}"), message, help);
    }
}

//! From objects as written to the snapshot that machines read: all of them, or every reason why not.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use campanile_model::{Epoch, ScopeId, ServiceId, Severity};
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::book::Book;
use crate::business::BusinessService;
use crate::grouping_setting::GroupingSetting;
use crate::integration::Integration;
use crate::maintenance::MaintenanceWindow;
use crate::object::Object;
use crate::priority::Priority;
use crate::problem::{Problem, Report};
use crate::references;
use crate::service::{Service, ServiceDraft};
use crate::snapshot::{RouteId, Snapshot};

/// The snapshot of these objects. `shards` is the ledger's number of shards, at least 1.
///
/// # Errors
/// Every problem of every object, in the order of kinds and ids.
pub fn build(epoch: Epoch, shards: u16, objects: impl IntoIterator<Item = Object>) -> Result<Snapshot, Vec<Problem>> {
    let mut report = Report::new();
    let book = Book::collect(objects, &mut report);
    book.check_each(&mut report);
    references::check(&book, &mut report);
    if report.problems.is_empty() {
        return Ok(assemble(epoch, shards, book));
    }
    let mut problems = report.problems;
    problems.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    Err(problems)
}

/// The scope of every service: the grouping setting that joins it to others, else its own.
pub fn scopes(objects: &[Object]) -> BTreeMap<ServiceId, ScopeId> {
    let joined = settings_by_service(objects.iter().filter_map(Object::as_setting));
    let services = objects.iter().filter_map(Object::as_service);
    services.map(|service| (service.id.clone(), scope(service, joined.get(service.id.as_str()).copied()))).collect()
}

/// The setting that names each service, whether or not the service keeps to it.
pub(crate) fn settings_by_service<'a>(
    settings: impl Iterator<Item = &'a GroupingSetting>,
) -> AHashMap<&'a str, &'a GroupingSetting> {
    settings.flat_map(|setting| setting.services.iter().map(move |service| (service.as_str(), setting))).collect()
}

/// Whether a service that a setting names is in it. Parameters of its own take it out, unless they say the same:
/// PagerDuty shows a setting in both places, and an export of it must not tear the group apart.
pub(crate) fn keeps_to(service: &ServiceDraft, setting: &GroupingSetting) -> bool {
    service.grouping.as_ref().is_none_or(|own| *own == setting.grouping)
}

fn scope(service: &ServiceDraft, setting: Option<&GroupingSetting>) -> ScopeId {
    match setting {
        Some(setting) if setting.joins() && keeps_to(service, setting) => ScopeId::new(setting.id.as_str()),
        _ => ScopeId::new(service.id.as_str()),
    }
}

/// Nothing can fail here: the book was checked.
fn assemble(epoch: Epoch, shards: u16, book: Book) -> Snapshot {
    let mut priorities: Vec<_> = book.priorities.values().cloned().map(Arc::new).collect();
    priorities.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
    let mut snapshot = Snapshot { epoch, shards, priorities, ..Snapshot::default() };
    let settings = settings_by_service(book.settings.values());
    let windows = windows_by_service(&book);
    for draft in book.services.values() {
        let service = Arc::new(service(draft, &book, &settings, &windows, &snapshot));
        for (index, integration) in service.integrations.iter().enumerate() {
            let id = RouteId(snapshot.routes.len() as u32);
            snapshot.routes.push((Arc::clone(&service), index));
            snapshot.keys.insert(integration.key.clone(), id);
        }
        snapshot.services.insert(service.id.clone(), service);
    }
    snapshot.businesses = book
        .businesses
        .values()
        .map(|draft| {
            let business = BusinessService {
                id: draft.id.clone(),
                name: draft.name.clone(),
                description: draft.description.clone(),
                point_of_contact: draft.point_of_contact.clone(),
                team: draft.team.clone(),
                depends_on: draft.depends_on.iter().filter_map(|to| references::resolve(&book, to)).collect(),
            };
            (draft.id.clone(), Arc::new(business))
        })
        .collect();
    snapshot.windows = windows.all;
    snapshot.settings = book.settings.values().map(|it| (it.id.clone(), Arc::new(it.clone()))).collect();
    snapshot.teams = book.teams.into_values().map(|it| (it.id.clone(), Arc::new(it))).collect();
    snapshot.users = book.users.into_values().map(|it| (it.id.clone(), Arc::new(it))).collect();
    snapshot.rosters = book.schedules.values().map(|it| (it.id.clone(), Arc::new(it.roster()))).collect();
    snapshot.schedules = book.schedules.into_values().map(|it| (it.id.clone(), Arc::new(it))).collect();
    snapshot.policies = book.policies.into_values().map(|it| (it.id.clone(), Arc::new(it))).collect();
    snapshot
}

struct Windows {
    all: BTreeMap<campanile_model::MaintenanceId, Arc<MaintenanceWindow>>,
    by_service: AHashMap<ServiceId, SmallVec<[Arc<MaintenanceWindow>; 1]>>,
}

fn windows_by_service(book: &Book) -> Windows {
    let mut windows = Windows { all: BTreeMap::new(), by_service: AHashMap::new() };
    for window in book.windows.values().cloned().map(Arc::new) {
        for service in &window.services {
            windows.by_service.entry(service.clone()).or_default().push(Arc::clone(&window));
        }
        windows.all.insert(window.id.clone(), window);
    }
    for of_service in windows.by_service.values_mut() {
        of_service.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        // A window that names the service twice is still one window.
        of_service.dedup_by(|a, b| a.id == b.id);
    }
    windows
}

fn service(
    draft: &ServiceDraft,
    book: &Book,
    settings: &AHashMap<&str, &GroupingSetting>,
    windows: &Windows,
    snapshot: &Snapshot,
) -> Service {
    let policy = book.policies.get(draft.policy.as_str());
    let setting = settings.get(draft.id.as_str()).copied();
    let scope = scope(draft, setting);
    let home = snapshot.home(&scope);
    let priority = |severity: Severity| -> Option<Arc<Priority>> {
        let word = draft.priority_by_severity[severity as usize].as_ref()?;
        snapshot.priority(word).map(Arc::clone)
    };
    let integrations = draft.integrations.iter().filter_map(|integration| {
        let (id, name) = (integration.id.clone(), integration.name.clone());
        integration.key.clone().map(|key| Integration { id, name, key })
    });
    Service {
        id: draft.id.clone(),
        name: draft.name.clone(),
        description: draft.description.clone(),
        disabled: draft.disabled,
        policy: draft.policy.clone(),
        policy_name: policy.map_or_else(CompactString::default, |policy| policy.name.clone()),
        teams: match policy {
            Some(policy) if draft.teams.is_empty() => policy.teams.clone(),
            _ => draft.teams.clone(),
        },
        integrations: integrations.collect(),
        grouping: draft.grouping.clone().or_else(|| setting.map(|setting| setting.grouping.clone())),
        scope,
        home,
        urgency_rule: draft.urgency_rule,
        support_hours: draft.support_hours.clone(),
        urgency_raised_at: draft.urgency_raised_at,
        auto_resolve: draft.auto_resolve,
        acknowledgement_timeout: draft.acknowledgement_timeout,
        priority_by_severity: [
            priority(Severity::Info),
            priority(Severity::Warning),
            priority(Severity::Error),
            priority(Severity::Critical),
        ],
        maintenance: windows.by_service.get(&draft.id).cloned().unwrap_or_default(),
    }
}

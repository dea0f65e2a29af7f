//! The whole organisation at one epoch, immutable. Readers hold an `Arc` and switch between steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use campanile_model::{
    BusinessServiceId, Epoch, GroupingId, MaintenanceId, PolicyId, RoutingKey, ScheduleId, ScopeId, ServiceId, ShardId,
    TeamId, UserId,
};
use campanile_oncall::Roster;

use crate::business::BusinessService;
use crate::grouping_setting::GroupingSetting;
use crate::integration::Integration;
use crate::maintenance::MaintenanceWindow;
use crate::policy::Policy;
use crate::priority::Priority;
use crate::schedule::Schedule;
use crate::service::Service;
use crate::team::Team;
use crate::user::User;

/// Where a routing key leads.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    pub service: &'a Arc<Service>,
    pub integration: &'a Integration,
}

/// A route of one snapshot, to be kept for as long as that snapshot is in use: of another it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteId(pub(crate) u32);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub epoch: Epoch,
    /// Shards of the ledger, at least 1 in a built snapshot.
    pub shards: u16,
    pub(crate) services: AHashMap<ServiceId, Arc<Service>>,
    pub(crate) keys: AHashMap<RoutingKey, RouteId>,
    /// Where each key leads: a service and the number of its integration.
    pub(crate) routes: Vec<(Arc<Service>, usize)>,
    /// By order, most urgent first.
    pub(crate) priorities: Vec<Arc<Priority>>,
    pub(crate) teams: BTreeMap<TeamId, Arc<Team>>,
    pub(crate) users: BTreeMap<UserId, Arc<User>>,
    pub(crate) schedules: BTreeMap<ScheduleId, Arc<Schedule>>,
    /// One for each schedule.
    pub(crate) rosters: BTreeMap<ScheduleId, Arc<Roster>>,
    pub(crate) policies: BTreeMap<PolicyId, Arc<Policy>>,
    pub(crate) settings: BTreeMap<GroupingId, Arc<GroupingSetting>>,
    pub(crate) windows: BTreeMap<MaintenanceId, Arc<MaintenanceWindow>>,
    pub(crate) businesses: BTreeMap<BusinessServiceId, Arc<BusinessService>>,
}

impl Snapshot {
    pub fn route(&self, routing_key: &str) -> Option<Route<'_>> {
        self.route_at(self.route_id(routing_key)?)
    }

    /// The route of this key, for those who ask several times.
    pub fn route_id(&self, routing_key: &str) -> Option<RouteId> {
        self.keys.get(routing_key).copied()
    }

    /// What [`Snapshot::route_id`] of this same snapshot found.
    pub fn route_at(&self, id: RouteId) -> Option<Route<'_>> {
        let (service, index) = self.routes.get(id.0 as usize)?;
        Some(Route { service, integration: service.integrations.get(*index)? })
    }

    pub fn service(&self, id: &str) -> Option<&Arc<Service>> {
        self.services.get(id)
    }

    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// By id, or by name as people write it ("P1").
    pub fn priority(&self, id_or_name: &str) -> Option<&Arc<Priority>> {
        self.priorities
            .iter()
            .find(|p| p.id.as_str() == id_or_name)
            .or_else(|| self.priorities.iter().find(|p| p.name == id_or_name))
    }

    /// Most urgent first.
    pub fn priorities(&self) -> &[Arc<Priority>] {
        &self.priorities
    }

    pub fn team(&self, id: &str) -> Option<&Arc<Team>> {
        self.teams.get(id)
    }

    /// By id, as all lists below.
    pub fn teams(&self) -> impl Iterator<Item = &Arc<Team>> {
        self.teams.values()
    }

    pub fn user(&self, id: &str) -> Option<&Arc<User>> {
        self.users.get(id)
    }

    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    pub fn schedule(&self, id: &str) -> Option<&Arc<Schedule>> {
        self.schedules.get(id)
    }

    pub fn schedules(&self) -> impl Iterator<Item = &Arc<Schedule>> {
        self.schedules.values()
    }

    /// Who is on call by a schedule.
    pub fn roster(&self, schedule: &str) -> Option<&Arc<Roster>> {
        self.rosters.get(schedule)
    }

    pub fn policy(&self, id: &str) -> Option<&Arc<Policy>> {
        self.policies.get(id)
    }

    pub fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.values()
    }

    pub fn grouping_setting(&self, id: &str) -> Option<&Arc<GroupingSetting>> {
        self.settings.get(id)
    }

    pub fn grouping_settings(&self) -> impl Iterator<Item = &Arc<GroupingSetting>> {
        self.settings.values()
    }

    pub fn maintenance_window(&self, id: &str) -> Option<&Arc<MaintenanceWindow>> {
        self.windows.get(id)
    }

    pub fn maintenance_windows(&self) -> impl Iterator<Item = &Arc<MaintenanceWindow>> {
        self.windows.values()
    }

    pub fn business_service(&self, id: &str) -> Option<&Arc<BusinessService>> {
        self.businesses.get(id)
    }

    pub fn business_services(&self) -> impl Iterator<Item = &Arc<BusinessService>> {
        self.businesses.values()
    }

    /// The shard that owns what belongs to a person: pages, caps, orders.
    pub fn home_of_user(&self, user: &UserId) -> ShardId {
        ShardId(campanile_model::murmur2::partition_of(user.as_str().as_bytes(), self.shards))
    }

    /// The shard that owns a scope's state.
    pub fn home(&self, scope: &ScopeId) -> ShardId {
        ShardId(campanile_model::murmur2::partition_of(scope.as_str().as_bytes(), self.shards))
    }
}

//! What hides a new alert from people.

use campanile_directory::Service;
use campanile_model::{Hidden, Timestamp};
use compact_str::CompactString;

use crate::state::Verdict;

/// Why an alert of this service would reach nobody at this instant. A disabled service outranks maintenance, as its status does.
pub(crate) fn hidden(service: &Service, now: Timestamp) -> Option<(Hidden, Verdict)> {
    if service.disabled {
        return Some((Hidden::DisabledService, Verdict::Hidden(Hidden::DisabledService, CompactString::default())));
    }
    let window = service.maintenance_at(now)?;
    Some((Hidden::Maintenance, Verdict::Hidden(Hidden::Maintenance, CompactString::new(window.id.as_str()))))
}

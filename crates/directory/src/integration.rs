//! One way into a service.

use campanile_model::text::ROUTING_KEY_CHARS;
use campanile_model::{IntegrationId, RoutingKey};
use compact_str::CompactString;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    pub id: IntegrationId,
    pub name: CompactString,
    /// 32 alphanumerics, unique in the directory.
    pub key: RoutingKey,
}

/// An integration as written: its key may still have to be minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationDraft {
    pub id: IntegrationId,
    pub name: CompactString,
    /// PagerDuty's `type`, such as `events_api_v2_inbound_integration`.
    pub type_name: CompactString,
    pub key: Option<RoutingKey>,
}

/// Whether the text has the form of a routing key: 32 ASCII letters and digits.
pub fn is_routing_key(text: &str) -> bool {
    text.len() == ROUTING_KEY_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

//! Everything of a scope in one group while the window is open.

use super::GroupKeys;
use crate::key::Keys;

pub(crate) fn keys(keys: Keys, scope: &str) -> GroupKeys {
    GroupKeys::from_slice(&[keys.group(scope, &[b"time", scope.as_bytes()])])
}

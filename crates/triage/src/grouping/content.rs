//! Equal fields.
//!
//! A missing field equals a missing field only under `all`, and only when some other field is there: two alerts that
//! have nothing of what is compared are strangers. Under `any` a missing field joins nobody.

use campanile_directory::Aggregate;

use super::GroupKeys;
use crate::key::{GroupKey, Keys};

pub(crate) fn keys(
    keys: Keys,
    scope: &str,
    aggregate: Aggregate,
    values: &[Option<String>],
    also: &[Option<String>],
) -> GroupKeys {
    let make = |kind: &[u8], values: &[(usize, &Option<String>)]| -> GroupKey {
        let mut parts: Vec<&[u8]> = vec![kind, scope.as_bytes()];
        let numbers: Vec<[u8; 2]> = values.iter().map(|(at, value)| [*at as u8, u8::from(value.is_some())]).collect();
        for ((_, value), number) in values.iter().zip(&numbers) {
            parts.push(number);
            parts.push(value.as_deref().unwrap_or_default().as_bytes());
        }
        // The similar fields go behind the others, told apart by the count of parts in front of them.
        for value in also {
            parts.push(if value.is_some() { b"+" } else { b"-" });
            parts.push(value.as_deref().unwrap_or_default().as_bytes());
        }
        keys.group(scope, &parts)
    };
    let numbered: Vec<(usize, &Option<String>)> = values.iter().enumerate().collect();
    match aggregate {
        Aggregate::All if values.iter().chain(also).all(Option::is_none) => GroupKeys::new(),
        Aggregate::All => GroupKeys::from_slice(&[make(b"all", &numbered)]),
        Aggregate::Any => {
            numbered.iter().filter(|(_, value)| value.is_some()).map(|field| make(b"any", &[*field])).collect()
        }
    }
}

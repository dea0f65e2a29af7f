//! Minted keys lead home and are not the same twice; derived ids stay what they were.

use campanile_directory::mint::has_affinity;
use campanile_directory::{integration_id, mint_key};
use campanile_model::murmur2::partition_of;
use campanile_model::{ScopeId, ServiceId};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_minted_key_goes_where_its_scope_lives(scope in "P[A-Z0-9]{6,13}", entropy in any::<[u8; 16]>()) {
        let key = mint_key(&ScopeId::new(&scope), &mut || entropy);
        prop_assert!(has_affinity(key.as_str(), &scope));
        prop_assert_eq!(key.as_str().len(), 32);
        for partitions in (0..=9).map(|power| 1_u16 << power) {
            prop_assert_eq!(partition_of(key.as_str().as_bytes(), partitions), partition_of(scope.as_bytes(), partitions));
        }
    }
}

#[test]
fn a_key_is_counted_up_from_the_entropy_as_a_hexadecimal_number() {
    let start = 0x0123_4567_89ab_cdef_0123_4567_89ff_fff0_u128;
    let key = mint_key(&ScopeId::new("PAPIGW1"), &mut || start.to_be_bytes());
    let first = (start..).map(|n| format!("{n:032x}")).find(|key| has_affinity(key, "PAPIGW1"));
    assert_eq!(Some(key.as_str()), first.as_deref());
}

#[test]
fn the_highest_entropy_wraps_around_and_still_ends() {
    let key = mint_key(&ScopeId::new("PAPIGW1"), &mut || [0xff; 16]);
    assert!(has_affinity(key.as_str(), "PAPIGW1"));
}

#[test]
fn a_derived_integration_id_never_changes() {
    let id = |service: &str, name: &str| integration_id(&ServiceId::new(service), name).as_str().to_owned();
    assert_eq!(id("PAPIGW1", "Prometheus"), "PACS2YAS84E8P6");
    // The name is not run together with the service.
    assert_ne!(id("PA", "B"), id("PAB", ""));
}

//! The ledger keeps large kinds of rows apart by the bytes of their keys; the kinds themselves are named elsewhere.

use campanile_ledger::batch::LARGE_KINDS;
use campanile_rows::keys::Kind;

#[test]
fn details_and_nothing_else_are_kept_apart() {
    let large: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| LARGE_KINDS.contains(&kind.bytes())).collect();
    assert_eq!(large, [Kind::Details]);
    assert_eq!(LARGE_KINDS.len(), large.len(), "a kind that no row has");
}

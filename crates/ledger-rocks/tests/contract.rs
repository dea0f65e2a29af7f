//! The contract suite on RocksDB.

mod support;

campanile_ledger::contract_tests!(support::OnDisk::new(|_| {}));

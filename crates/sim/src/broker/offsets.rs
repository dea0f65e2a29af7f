//! Committed offsets of the main lane, and those that wait for the end of their transaction, in append order.

use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) offset: u64,
    pub(crate) metadata: String,
    /// Place in the offsets topic: what was appended earlier never overwrites what was appended later (KAFKA-5247).
    appended: u64,
}

#[derive(Default)]
pub(crate) struct Offsets {
    committed: BTreeMap<u16, Stored>,
    pending: Vec<(u64, u16, Stored)>,
    next: u64,
}

impl Offsets {
    pub(crate) fn pend(&mut self, transaction: u64, shard: u16, offset: u64, metadata: &str) {
        let stored = Stored { offset, metadata: metadata.to_owned(), appended: self.next };
        self.next += 1;
        self.pending.push((transaction, shard, stored));
    }

    /// The newest pending offset of a transaction.
    pub(crate) fn of_transaction(&self, transaction: u64) -> Option<&Stored> {
        self.pending.iter().rev().find(|(number, _, _)| *number == transaction).map(|(_, _, stored)| stored)
    }

    pub(crate) fn end_transaction(&mut self, transaction: u64, is_commit: bool) {
        let (ended, left) = std::mem::take(&mut self.pending).into_iter().partition(|(no, _, _)| *no == transaction);
        self.pending = left;
        let ended: Vec<(u64, u16, Stored)> = ended;
        for (_, shard, stored) in ended.into_iter().filter(|_| is_commit) {
            if self.committed.get(&shard).is_none_or(|before| before.appended < stored.appended) {
                self.committed.insert(shard, stored);
            }
        }
    }

    /// `None` while an offset of the shard is pending.
    pub(crate) fn stable(&self, shard: u16) -> Option<Option<&Stored>> {
        let is_pending = self.pending.iter().any(|(_, of, _)| *of == shard);
        (!is_pending).then(|| self.committed.get(&shard))
    }

    /// The group was empty for longer than offsets are kept.
    pub(crate) fn expire(&mut self) {
        self.committed.clear();
    }
}

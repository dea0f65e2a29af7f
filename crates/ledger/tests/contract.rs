//! The contract suite on the memory adapter.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use campanile_ledger::contract::Subject;
use campanile_ledger::memory::{Memory, MemoryShards};
use campanile_ledger::{Appender, Card, MachineId, Tail, Topic};
use campanile_model::{LedgerId, Span, Timestamp};

struct InMemory {
    memory: Memory,
    now: Arc<AtomicI64>,
}

fn subject() -> InMemory {
    let now = Arc::new(AtomicI64::new(1_000_000));
    let clock = Arc::clone(&now);
    let card = Card { ledger: LedgerId(7), shards: 2, format: 1 };
    InMemory { memory: Memory::new(card, Box::new(move || Timestamp(clock.load(Ordering::SeqCst)))), now }
}

impl Subject for InMemory {
    type Shards = MemoryShards;

    fn shards_of(&self, machine: MachineId) -> MemoryShards {
        self.memory.shards_of(machine)
    }

    fn appender(&self) -> Arc<dyn Appender> {
        self.memory.appender()
    }

    fn tail(&self) -> Arc<dyn Tail> {
        self.memory.tail()
    }

    fn turn(&self, by: Span) {
        self.now.fetch_add(by.0, Ordering::SeqCst);
    }

    fn hold(&self) {
        self.memory.hold();
    }

    fn release(&self) {
        self.memory.release();
    }

    fn crash_and_reopen(&mut self) {
        self.memory.crash();
    }

    fn trim(&self, topic: Topic, partition: u16, below: u64) {
        self.memory.trim(topic, partition, below);
    }
}

campanile_ledger::contract_tests!(subject());

//! A story: a setting and acts in time, drawn from a seed. What it does not fix, the order of every task's turns, the same
//! seed draws while it is told. So a story can lose acts and still be told.

use crate::broker::{Call, Hiccup};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShelfFate {
    Kept,
    Lost,
    /// As it was some writes ago.
    Old(u8),
    /// Not to be opened any more.
    Broken,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Send {
        partition: u8,
        service: u8,
        key: u8,
        action: u8,
    },
    Command {
        pick: u8,
        verb: u8,
        id: u16,
    },
    Join {
        process: u8,
    },
    Kill {
        process: u8,
        shelf: ShelfFate,
        back_ms: i64,
    },
    Pause {
        process: u8,
        ms: i64,
    },
    /// Paused, and another is started under its name meanwhile.
    Twin {
        process: u8,
        ms: i64,
    },
    Drain {
        process: u8,
        back_ms: i64,
    },
    Cut {
        process: u8,
        ms: i64,
    },
    CoordinatorAway {
        ms: i64,
    },
    Network {
        call: Call,
        hiccup: Hiccup,
    },
    Compact {
        shard: u8,
    },
    ExpireOffsets,
    ProcessClock {
        process: u8,
        ms: i64,
    },
    BrokerClock {
        ms: i64,
    },
    Turn {
        ms: i64,
    },
    /// The newest entries of a changelog are gone.
    LoseTail {
        shard: u8,
        entries: u8,
    },
    /// More partitions than shards from here on.
    Widen {
        by: u8,
    },
}

impl Act {
    /// Whether it is trouble rather than work.
    pub(crate) fn is_fault(&self) -> bool {
        !matches!(self, Self::Send { .. } | Self::Command { .. } | Self::Join { .. } | Self::Turn { .. })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) shards: u16,
    pub(crate) processes: u8,
    /// Each with the milliseconds after the one before.
    pub(crate) acts: Vec<(i64, Act)>,
}

/// Which faults a run may have; a bench for one fault at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Calm,
    Stormy,
    /// Stormy, and the broker loses what it acknowledged: shards may be refused then, and must not go on wrongly.
    LostTails,
}

pub(crate) fn draw(seed: u64, weather: Weather) -> Story {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let shards = rng.u16(1..=3);
    let processes = if weather == Weather::Calm { 1 } else { rng.u8(1..=3) };
    let mut acts = vec![(0, Act::Join { process: 0 })];
    for process in 1..processes {
        acts.push((rng.i64(0..3000), Act::Join { process }));
    }
    let faults = if weather == Weather::Calm { 0 } else { rng.u8(5..45) };
    for nth in 0..rng.u16(12..60) {
        let act = match rng.u8(0..100) {
            0..=4 if weather == Weather::LostTails => Act::LoseTail { shard: rng.u8(..), entries: rng.u8(1..20) },
            chance if chance < faults => fault(&mut rng, processes),
            _ => work(&mut rng, nth),
        };
        let pace = [5, 40, 400, 2500][rng.usize(0..4)];
        acts.push((rng.i64(0..pace), act));
    }
    Story { seed, shards, processes, acts }
}

fn work(rng: &mut fastrand::Rng, nth: u16) -> Act {
    match rng.u8(0..10) {
        0..=6 => Act::Send {
            partition: rng.u8(..),
            service: rng.u8(0..4),
            key: rng.u8(0..3),
            action: [0, 0, 0, 1, 2, 2, 3][rng.usize(0..7)],
        },
        7 | 8 => Act::Command { pick: rng.u8(..), verb: rng.u8(0..4), id: if rng.bool() { nth } else { nth / 4 } },
        _ => Act::Turn { ms: rng.i64(1..9000) },
    }
}

fn fault(rng: &mut fastrand::Rng, processes: u8) -> Act {
    let process = rng.u8(0..processes);
    let long = |rng: &mut fastrand::Rng| if rng.bool() { rng.i64(50..3000) } else { rng.i64(9_000..16_000) };
    match rng.u8(0..25) {
        0..=4 => {
            let shelf =
                [ShelfFate::Kept, ShelfFate::Kept, ShelfFate::Lost, ShelfFate::Old(rng.u8(1..6)), ShelfFate::Broken];
            Act::Kill { process, shelf: shelf[rng.usize(0..5)], back_ms: long(rng) }
        }
        5..=7 => Act::Pause { process, ms: long(rng) },
        8 => Act::Twin { process, ms: long(rng) },
        9 => Act::Drain { process, back_ms: long(rng) },
        10 | 11 => Act::Cut { process, ms: long(rng) },
        12 => Act::CoordinatorAway { ms: rng.i64(50..9000) },
        13 => Act::Compact { shard: rng.u8(..) },
        14 => Act::ExpireOffsets,
        15 => Act::ProcessClock { process, ms: clock(rng) },
        16 => Act::BrokerClock { ms: clock(rng) },
        17 => Act::Widen { by: 1 },
        _ => network(rng),
    }
}

fn clock(rng: &mut fastrand::Rng) -> i64 {
    let most = [500, 20_000, 900_000][rng.usize(0..3)];
    rng.i64(-most..=most)
}

fn network(rng: &mut fastrand::Rng) -> Act {
    use Call::{Abort, Changelog, Commit, Committed, Ends, Init, Probe, Produce, SendOffsets};
    let call = [Commit, Commit, Commit, SendOffsets, Produce, Init, Committed, Probe, Abort, Ends, Changelog];
    let call = call[rng.usize(0..call.len())];
    let hiccup = match rng.u8(0..6) {
        0 | 1 => Hiccup::Before,
        2 | 3 => Hiccup::After,
        4 if call == Commit => Hiccup::Late,
        4 if matches!(call, Produce | SendOffsets | Abort) => Hiccup::Fatal,
        _ => Hiccup::Slow(rng.i64(10..4000)),
    };
    Act::Network { call, hiccup }
}

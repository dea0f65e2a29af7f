//! A processor: the tasks that would be its threads, as the role runs them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campanile_clock::Clock;
use campanile_engine::{Cadence, Machine, Progress, Runner, RunnerOptions};
use campanile_ledger::{Card, Claim, MachineId, Shard, Shards, Stop};
use campanile_ledger_kafka::{KafkaShard, KafkaShards, Options, Ports};
use campanile_model::{ShardId, Span, Timestamp};
use campanile_processor::Directory;

use crate::broker::{Happening, at};
use crate::disk::{ModelDisk, Shelf};
use crate::schedule::{SimHost, Wait, lock};
use crate::wire::{ModelCluster, Network};

const CLAIMS_WAIT: Duration = Duration::from_millis(50);
/// The engine measures it in real time, so it must not run out: a drain ends with the commit, or with the shard.
const DRAIN_WAIT: Duration = Duration::from_secs(3600);

/// What a process is started with.
pub(crate) struct Start {
    pub(crate) network: Network,
    pub(crate) instance: String,
    pub(crate) shelf: Shelf,
    pub(crate) card: Card,
    pub(crate) directory: Directory,
    pub(crate) is_stranger: bool,
    pub(crate) signs: Arc<Signs>,
}

/// What the outside asks of a process, and sees of it.
#[derive(Default)]
pub(crate) struct Signs {
    pub(crate) is_draining: AtomicBool,
    pub(crate) has_ended: AtomicBool,
}

type Pile<M> = Arc<Mutex<Vec<Runner<M, KafkaShard>>>>;

pub(crate) fn start(start: Start) {
    let directory = start.directory.clone();
    run(start, move |shard| campanile_processor::machine(directory.clone(), shard, "http://sim"));
}

fn run<M: Machine + 'static>(start: Start, make: impl Fn(ShardId) -> M + Send + 'static) {
    let pile: Pile<M> = Arc::default();
    let network = start.network.clone();
    let (shared, life) = (Arc::clone(&network.shared), Arc::clone(&network.life));
    let (signs, of_worker) = (Arc::clone(&start.signs), Arc::clone(&pile));
    let worker = network.clone();
    shared.spawn(&life, "worker", move || work(&worker, &of_worker, &signs));
    shared.spawn(&life, "claims", move || claim(start, &pile, make));
}

fn claim<M: Machine>(start: Start, pile: &Pile<M>, make: impl Fn(ShardId) -> M) {
    let Start { network, instance, shelf, card, is_stranger, signs, .. } = start;
    let host = Arc::new(SimHost { shared: Arc::clone(&network.shared), life: Arc::clone(&network.life) });
    let disk = Arc::new(ModelDisk { shelf, life: Arc::clone(&network.life) });
    let options = Options::new("model", "state", &instance);
    let cluster = Box::new(ModelCluster { network: network.clone(), instance, is_stranger });
    let mut shards = KafkaShards::on(options, card, Ports { cluster, host, disk });
    while !signs.is_draining.load(Ordering::Relaxed) {
        for claim in shards.claims(CLAIMS_WAIT) {
            let Claim::Granted(mut shard) = claim else { continue };
            tell_restored(&network, &mut shard);
            let machine = make(shard.id());
            lock(pile).push(Runner::new(shard, machine, options_of(&network)));
        }
        if shards.fenced().is_some() {
            signs.has_ended.store(true, Ordering::Relaxed);
            return;
        }
    }
}

fn options_of(network: &Network) -> RunnerOptions {
    let hard = Cadence::for_shards(1);
    // The engine measures these in real time, which must not count: a batch is sealed when nothing more is there to read
    // or after so many changes, and never by its age.
    let (gap, never) = (Duration::ZERO, Duration::from_secs(1 << 30));
    let changes = 1 + network.shared.below(6);
    let cadence = Cadence { gap, age: never, age_hard: never, changes, ..hard };
    RunnerOptions { cadence, event_time: false, steps: true, machine: MachineId::Triage }
}

fn tell_restored(network: &Network, shard: &mut KafkaShard) {
    let commit = shard.opening().commit.clone();
    let rows = shard.scan(&[], None, usize::MAX);
    let timers = shard.timers(Timestamp(i64::MAX), usize::MAX);
    // Lost again already: there is nothing to look at.
    if let (Ok(rows), Ok(timers)) = (rows, timers) {
        let happening = Happening::Restored { shard: shard.id().0, commit, rows, timers };
        at(&network.cluster).happenings.push(happening);
    }
}

fn wall(network: &Network) -> Timestamp {
    network.shared.clock.now() + Span(network.life.skew.load(Ordering::Relaxed))
}

fn work<M: Machine>(network: &Network, pile: &Pile<M>, signs: &Signs) {
    let mut runners: Vec<Runner<M, KafkaShard>> = Vec::new();
    while !signs.is_draining.load(Ordering::Relaxed) {
        runners.append(&mut lock(pile));
        let (mut worked, mut patience, mut lost) = (false, CLAIMS_WAIT, None);
        for (nth, runner) in runners.iter_mut().enumerate() {
            match turn(runner, wall(network)) {
                Ok((any, wait)) => {
                    worked |= any;
                    patience = patience.min(wait);
                }
                Err(Stop::Lost) => lost = Some(nth),
                Err(stop) => return fail(network, signs, runner.shard().id(), &stop),
            }
        }
        if let Some(nth) = lost {
            drop(runners.swap_remove(nth));
            continue;
        }
        match runners.first() {
            Some(_) if worked => network.life.wait(Wait::Turn),
            Some(first) => first.shard().idle(patience.max(Duration::from_millis(1))),
            None => network.nap(CLAIMS_WAIT),
        }
    }
    for runner in &mut runners {
        drop(runner.drain(DRAIN_WAIT));
    }
    drop(runners);
    signs.has_ended.store(true, Ordering::Relaxed);
}

fn turn<M: Machine>(runner: &mut Runner<M, KafkaShard>, wall: Timestamp) -> Result<(bool, Duration), Stop> {
    let mut any = false;
    loop {
        match runner.step(wall)? {
            Progress::Worked => any = true,
            Progress::Sealed => return Ok((true, Duration::ZERO)),
            Progress::Idle(wait) => return Ok((any, wait)),
        }
    }
}

fn fail(network: &Network, signs: &Signs, shard: ShardId, stop: &Stop) {
    if !network.life.is_dead() {
        at(&network.cluster).breach(format!("shard {shard} stopped: {stop}"));
    }
    signs.has_ended.store(true, Ordering::Relaxed);
}

//! The demo on a cluster: the same hour through the same gateway and processor, in topics of its own.
//!
//! The cluster's clock cannot be scaled, so log time is real there: the hour's events come within ten seconds of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use campanile_clock::{Clock as _, Scaled, Wall};
use campanile_ledger_kafka::{Options, topics};

use super::invite::{Where, invite};
use super::{Args, FACTOR, HOUR, Interruption, exit_code, settings};
use crate::commands::at::Reach;
use crate::commands::kafka::serve;
use crate::commands::up::runtime;
use crate::demo::organisation;
use crate::demo::phone::Phone;
use crate::demo::play::{Shown, Stage, play};
use crate::logs;
use crate::print::say;
use crate::signals::Signals;
use crate::telemetry::Telemetry;
use crate::wiring::kafka::{House, Parts, Plan};

/// Shards of the demo's ledger.
const SHARDS: u16 = 4;

pub(super) fn run_in(args: &Args, brokers: &str, data: PathBuf) -> Result<ExitCode> {
    let settings = settings(args, &data)?;
    logs::start(&settings.log)?;
    let telemetry = Telemetry::install()?;
    let runtime = runtime()?;
    let signals = runtime.block_on(async { Signals::take() })?;
    let options = own_topics(args, brokers, &data)?;
    banner(brokers, &options.prefix);
    topics::create(&options, SHARDS, 1)?;
    let parts = Parts { gateway: true, processor: true, notifier: true };
    let directory = Some(organisation::files()?);
    let phone = Phone::default();
    let plan = Plan {
        settings: &settings,
        options: options.clone(),
        parts,
        directory,
        telemetry,
        watch: None,
        terminal: phone.sink(),
    };
    let house = House::open(plan, &runtime)?;
    let url = house.url().ok_or_else(|| anyhow!("the gateway does not listen"))?;
    let pace = Arc::new(Scaled::catching_up(HOUR, FACTOR));
    let interruption = Interruption::watch(signals, &runtime);
    let stage = Stage { ports: &house.ports, url: &url, pace: &pace, end: pace.now() + HOUR, log: &Wall };
    let outcome = play(&stage, &interruption.stop);
    let signals = interruption.over(&runtime)?;
    let ended = match (outcome, signals) {
        (Ok(Shown::Right), Some(signals)) if !args.once => {
            invite(&house.ports, &url, &Where::Kafka { brokers, prefix: &options.prefix })?;
            phone.switch_on();
            serve(house, signals, &runtime)
        }
        (outcome, _) => {
            let drained = house.drain(&runtime, &|_| {});
            outcome.and_then(|shown| drained.map(|()| exit_code(shown)))
        }
    };
    if args.keep {
        say(&format!("the topics {}.* are kept", options.prefix));
    } else if let Err(error) = topics::delete_all(&options) {
        say(&format!("the topics {}.* could not be deleted: {error}", options.prefix));
    }
    ended
}

/// Topics that nobody else has: they are deleted at the end.
fn own_topics(args: &Args, brokers: &str, data: &Path) -> Result<Options> {
    let draw = getrandom::u32().map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    let topic_prefix = Some(format!("campanile-demo-{draw:08x}"));
    Reach { kafka_option: args.kafka_option.clone(), topic_prefix }.options(brokers, Some("demo"), data)
}

fn banner(brokers: &str, prefix: &str) {
    println!(
        "DEMO on Kafka at {brokers}: one hour of noise, sent in ten seconds. The cluster's clock is real, so these are"
    );
    println!("      ten seconds of log time too. Topics are {prefix}.*, of this demonstration alone.");
    println!();
}

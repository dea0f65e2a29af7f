//! The drain: a log of noise, judged by the real processor as fast as it can, beside a run that only reads and decodes
//! the same log with the same decoder. Both in fresh processes, so that neither pays for the other's memory; then what
//! came out is read back and compared with the model.
//!
//! Judge by CPU per event first: on a shared machine it is the figure that holds still.

mod child;
mod expect;
mod ground;
mod prefill;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use ground::Ground;
pub(crate) use ground::rocks_options;

use crate::machine;
use crate::organisation::{SERVICES, SERVICES_MAX};
use crate::report::{Table, grouped};
use crate::workload;

pub use child::{Child, Job, run as run_child};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Events in the log.
    #[arg(long, default_value_t = 3_000_000)]
    pub events: u64,
    /// Shards of the ledger; a power of two, so that every event stands at its home.
    #[arg(long, default_value_t = 8)]
    pub shards: u16,
    /// Threads of the processor; one steps all shards in turn.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Brokers of a Kafka cluster, host:port; the ledger is made there, under topics of its own that are left in place.
    /// Without it the ledger is an embedded one.
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[arg(long, default_value_t = SERVICES, value_parser = clap::value_parser!(u16).range(1..=i64::from(SERVICES_MAX)))]
    pub services: u16,
    /// Directory to make the ledger in; removed afterwards unless --keep [default: the system's for temporary files].
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Keep the ledger, to look at.
    #[arg(long)]
    pub keep: bool,
    /// Largest CPU per event of the processor, as a multiple of reading and decoding.
    #[arg(long, default_value_t = 4.0)]
    pub limit: f64,
    /// Also write the result as JSON to this file.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// What a child process measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub events: u64,
    pub seconds: f64,
    /// User and system time of the process, its start excluded.
    pub cpu_seconds: f64,
    pub peak_rss_bytes: u64,
    /// What the ledger still spent on compaction after the last event: work put off, and none of it above.
    pub debt_cpu_seconds: f64,
}

impl Measured {
    fn cpu_us(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.events.max(1) as f64
    }

    fn per_second(&self) -> f64 {
        self.events as f64 / self.seconds.max(1e-9)
    }
}

/// Runs it all. Says whether the counters were equal and the ratio within its limit.
///
/// # Errors
/// The ledger cannot be made or read, or a child fails.
pub fn run(options: &Options) -> Result<bool> {
    ensure!(options.shards.is_power_of_two(), "{} shards: a power of two is needed", options.shards);
    ensure!(options.events > 0, "there is nothing to drain without events");
    let mut facts = Table::new(["machine", ""]);
    machine::facts().into_iter().for_each(|(name, value)| facts.row([name.to_owned(), value]));
    println!("{}", facts.render());

    let parent = options.data.clone().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let mut place = tempfile::Builder::new().prefix("campanile-drain-").tempdir_in(&parent)?;
    place.disable_cleanup(options.keep);
    let prefix = format!("drain-{}", std::process::id());
    let ground = Ground::of(place.path(), options.kafka.as_deref(), &prefix);
    println!("ledger in {}{}", place.path().display(), if options.keep { "" } else { ", removed afterwards" });
    if let Some(brokers) = &options.kafka {
        println!("topics {prefix}.* on {brokers}");
    }
    let source = workload::Options { seed: options.seed, services: options.services };
    let totals = prefill::run(&ground, options.shards, source, options.events)?;

    // Reading first warms the page cache for everyone; the median of three is not swayed by who was first.
    let mut decodes = vec![measure(&ground, options, Job::Decode)?];
    if options.kafka.is_some() {
        // Reading there goes on from where the shards stand, so it is done before anything was consumed.
        decodes.push(measure(&ground, options, Job::Decode)?);
        decodes.push(measure(&ground, options, Job::Decode)?);
    }
    let processor = measure(&ground, options, Job::Process)?;
    if options.kafka.is_none() {
        decodes.push(measure(&ground, options, Job::Decode)?);
        decodes.push(measure(&ground, options, Job::Decode)?);
    }
    decodes.sort_by(|a, b| a.cpu_us().total_cmp(&b.cpu_us()));
    let decode = decodes[decodes.len() / 2];

    let lines = expect::compare(&ground, &totals)?;
    let equal = lines.iter().all(expect::Line::is_equal);
    let ratio = processor.cpu_us() / decode.cpu_us();
    println!("\n{}", expect::table(&lines).render());
    println!("{}", figures(&decode, &processor).render());
    println!("CPU of the processor / of read and decode: {ratio:.2}, at most {:.2}", options.limit);
    println!("counters equal: {}", if equal { "yes" } else { "no" });
    if let Some(path) = &options.json {
        let result = json!({
            "events": options.events, "shards": options.shards, "threads": options.threads, "seed": options.seed,
            "machine": machine::facts().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "read_and_decode": decodes, "processor": processor, "ratio": ratio, "limit": options.limit,
            "counters_equal": equal, "counters": lines,
        });
        std::fs::write(path, format!("{result:#}\n"))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(equal && ratio <= options.limit)
}

fn figures(decode: &Measured, processor: &Measured) -> Table {
    let mut table = Table::new(["run", "events/s", "CPU µs/event", "put off", "peak RSS MiB", "seconds"]);
    for (name, it) in [("read and decode only (median of 3)", decode), ("processor", processor)] {
        table.row([
            name.to_owned(),
            grouped(it.per_second() as u64),
            format!("{:.3}", it.cpu_us()),
            format!("{:.3}", it.debt_cpu_seconds * 1e6 / it.events.max(1) as f64),
            grouped(it.peak_rss_bytes >> 20),
            format!("{:.2}", it.seconds),
        ]);
    }
    table
}

/// Runs this program again as a child; what it prints on standard output is its result.
fn measure(ground: &Ground, options: &Options, job: Job) -> Result<Measured> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["drain-child", "--job", job.as_str(), "--threads", &options.threads.to_string()]);
    ground.tell(&mut child);
    let child = child.stdout(Stdio::piped()).spawn().context("the child process could not be started")?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the {} run failed: {}", job.as_str(), output.status);
    }
    let measured: Measured = serde_json::from_slice(&output.stdout).context("the child's result cannot be read")?;
    ensure!(
        measured.events == options.events,
        "the {} run saw {} events of {}",
        job.as_str(),
        measured.events,
        options.events
    );
    println!(
        "{:<8} {:>9} events/s, {:.3} µs CPU/event",
        job.as_str(),
        grouped(measured.per_second() as u64),
        measured.cpu_us()
    );
    Ok(measured)
}

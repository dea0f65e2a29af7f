//! `campanile-load`: see `--help`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use campanile_load::organisation::{SERVICES, SERVICES_MAX};
use campanile_load::send::{Mix, append, http};
use campanile_load::{drain, idle, paging, workload};
use clap::{Parser, Subcommand};

/// RocksDB on the system's allocator keeps growing, and a sixth of the processor's time went to it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Batches are megabytes, made and dropped ten times a second: their pages are kept for a while rather than given back and
/// cleared anew, and large blocks come from the ordinary arenas.
#[allow(unsafe_code, reason = "jemalloc reads its settings from a symbol of this name before main begins")]
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8] = b"oversize_threshold:0,dirty_decay_ms:5000,muzzy_decay_ms:0,narenas:4\0";

#[derive(Parser)]
#[command(version, about = "Load for Campanile: noise to send, and what must come out of it")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a ledger, drain it with the processor, compare with the model and with reading alone.
    Drain(drain::Options),
    /// Idle to incident on Kafka: how long an event takes until its incident can be read, beside a bare transaction.
    Latency(idle::Options),
    /// Send events to a gateway at a fixed rate.
    Http(http::Options),
    /// Append events through a server's socket at a fixed rate.
    Append(append::Options),
    /// Write the organisation that the events speak of, one file per object.
    Directory(DirectoryOptions),
    /// Print events, one a line.
    Events(EventsOptions),
    /// Open very many incidents at once, and see that their ladders climb in time.
    Paging(paging::Options),
    #[command(hide = true)]
    DrainChild(drain::Child),
}

#[derive(clap::Args)]
struct DirectoryOptions {
    /// Folder to write to; made if it is not there.
    dir: PathBuf,
    #[arg(long, value_enum, default_value = "noise")]
    mix: Mix,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Services [default: 500 for noise, 24 for oracle].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(SERVICES_MAX)))]
    services: Option<u16>,
}

#[derive(clap::Args)]
struct EventsOptions {
    #[arg(long, default_value_t = 10)]
    events: u64,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    #[arg(long, default_value_t = SERVICES, value_parser = clap::value_parser!(u16).range(1..=i64::from(SERVICES_MAX)))]
    services: u16,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("campanile-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// False: it ran, and the result is not what it has to be.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::Drain(options) => drain::run(&options),
        Command::Latency(options) => idle::run(&options),
        Command::Http(options) => http::run(&options),
        Command::Append(options) => append::run(&options),
        Command::Directory(options) => write_directory(&options).map(|()| true),
        Command::Events(options) => print_events(&options).map(|()| true),
        Command::Paging(options) => paging::run(&options),
        Command::DrainChild(child) => drain::run_child(&child).map(|()| true),
    }
}

fn write_directory(options: &DirectoryOptions) -> Result<()> {
    let objects = options.mix.objects(options.seed, options.mix.services(options.services));
    for (kind, id, json) in &objects {
        let folder = options.dir.join(kind.folder());
        let path = folder.join(format!("{id}.json"));
        let write = |path: &Path| std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(path, json));
        write(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{} objects in {}", objects.len(), options.dir.display());
    Ok(())
}

fn print_events(options: &EventsOptions) -> Result<()> {
    use std::io::Write as _;
    let mut workload = workload::Workload::new(workload::Options { seed: options.seed, services: options.services });
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut json = Vec::new();
    for _ in 0..options.events {
        workload.write_next(&mut json);
        json.push(b'\n');
        out.write_all(&json)?;
    }
    out.flush().context("standard output takes no more")
}

//! `campanile up`: the server.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use campanile_clock::Steady;
use campanile_pagerduty::objects::File;
use clap::Args as ClapArgs;
use tokio::runtime::Runtime;

use super::at::Reach;
use super::kafka::{self, Cluster};
use crate::apply::Applied;
use crate::config::{Flags, Settings};
use crate::print::colour::Colour;
use crate::print::{diagnostic, say};
use crate::signals::{Ask, Signals};
use crate::supervise::Death;
use crate::telemetry::Telemetry;
use crate::wiring::kafka::Parts;
use crate::wiring::{House, Plan, to_the_terminal};
use crate::{folder, logs};

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile up                                     data in ./campanile-data, events on 127.0.0.1:8080
  campanile up --directory examples/seed-organisation
  campanile up --config /etc/campanile/campanile.toml --data /var/lib/campanile
  campanile up --listen 127.0.0.1:0                a free port; it is printed

SIGTERM or Ctrl-C drains: requests under way are answered, what was taken is committed. A second one ends at once;
even then every event that was answered 202 is kept.")]
pub(super) struct Args {
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE", env = "CAMPANILE_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory; everything durable lives here [default: ./campanile-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port for events [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Shards of a new ledger, fixed from then on [default: 4]
    #[arg(long, value_name = "N")]
    shards: Option<u16>,
    /// Threads that judge events [default: one per shard, at most the cores]
    #[arg(long, value_name = "N")]
    threads: Option<u16>,
    /// Run on a Kafka cluster instead: its brokers, host:port separated by commas
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// With --kafka: name of this process in the group [default: the host's name]
    #[arg(long, value_name = "NAME", requires = "kafka")]
    instance: Option<String>,
    #[command(flatten)]
    reach: Reach,
    /// Folder of the organisation to apply at the start
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Socket of the operator's door [default: campanile.sock in the data directory]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug, trace, or directives [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl Args {
    fn flags(&self) -> Flags {
        Flags::default()
            .with("ledger.data", "--data", self.data.as_ref().map(|path| path.display()))
            .with("gateway.listen", "--listen", self.listen.as_ref())
            .with("ledger.shards", "--shards", self.shards)
            .with("processor.threads", "--threads", self.threads)
            .with("door.socket", "--socket", self.socket.as_ref().map(|path| path.display()))
            .with("log.format", "--log-format", self.log_format.as_ref())
            .with("log.level", "--log-level", self.log_level.as_ref())
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let settings = Settings::load(args.config.as_deref(), &args.flags())?;
    if let Some(brokers) = &args.kafka {
        let cluster = Cluster::new(brokers, args.instance.as_deref(), &args.reach);
        let parts = Parts { gateway: true, processor: true, notifier: settings.notifier.run };
        let roles = kafka::Roles { parts, watch: None };
        return kafka::run(&settings, &cluster, roles, args.directory.as_deref());
    }
    let directory = match &args.directory {
        Some(dir) => match read_directory(dir)? {
            Some(files) => Some(files),
            None => return Ok(ExitCode::FAILURE),
        },
        None => None,
    };
    check_data(&settings.ledger.data)?;
    logs::start(&settings.log)?;
    let telemetry = Telemetry::install()?;
    let runtime = runtime()?;
    let signals = runtime.block_on(async { Signals::take() })?;
    let clock = Arc::new(Steady::new());
    let house =
        House::open(Plan { settings: &settings, clock, directory, telemetry, terminal: to_the_terminal() }, &runtime)?;
    greet(&house, &settings);
    serve(house, signals, &runtime)
}

/// Tells in plain words why data cannot lie there. Whatever else is wrong with the place, the ledger tells.
fn check_data(data: &Path) -> Result<()> {
    let shown = data.display();
    let remedy = "name another with --data, or let the server's user write there";
    // As the ledger makes it: for this user alone.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    match made.and_then(|()| tempfile::tempfile_in(data).map(drop)) {
        Err(error) => match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                bail!("the data directory {shown} is, or lies in, a file; name a directory with --data")
            }
            ErrorKind::PermissionDenied => bail!("this user may not write in the data directory {shown}; {remedy}"),
            ErrorKind::ReadOnlyFilesystem => {
                bail!("the data directory {shown} is on a read-only file system; {remedy}")
            }
            _ => Ok(()),
        },
        Ok(()) => Ok(()),
    }
}

/// The objects of a folder; `None` after telling what is wrong with it.
pub(super) fn read_directory(dir: &Path) -> Result<Option<Vec<File>>> {
    let folder = folder::read(dir)?;
    if folder.misplaced.is_empty() {
        return Ok(Some(folder.files));
    }
    diagnostic::print(&folder.misplaced, Colour::Red)?;
    say(&format!("{} is not a directory that can be applied; nothing was started", dir.display()));
    Ok(None)
}

/// The runtime of the gateway and of signals. The ledger and the shards have threads of their own.
pub(super) fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("http").build().context("the runtime could not be started")
}

fn greet(house: &House, settings: &Settings) {
    // The one line on standard output: scripts wait for it, and with port 0 they learn the port.
    println!("listening on {}", house.url());
    let card = house.ports.card;
    say(&format!(
        "ledger {:016x} in {}, {} shards; the door is {}",
        card.ledger.0,
        settings.ledger.data.display(),
        card.shards,
        settings.socket.display()
    ));
    if let Some(applied) = &house.applied {
        tell_applied(applied);
    }
    if house.ports.feed.current_epoch().0 == 0 {
        say(
            "no organisation is known yet, so every routing key is refused; bring one in with `campanile directory apply DIR`",
        );
    }
}

pub(super) fn tell_applied(applied: &Applied) {
    for warning in &applied.warnings {
        say(&format!("warning: {warning}"));
    }
    match applied.changed {
        0 => say(&format!("the directory is as it was, epoch {}", applied.epoch.0)),
        changed => say(&format!("the directory was applied: {changed} objects changed, epoch {}", applied.epoch.0)),
    }
    for (service, integration, key) in &applied.minted {
        say(&format!("new integration key {key} for service {service}, integration {integration}"));
    }
}

/// Serves until a signal or a death, then drains. A death is an error; so the process ends with a code that a
/// supervisor restarts on.
pub(super) fn serve(mut house: House, mut signals: Signals, runtime: &Runtime) -> Result<ExitCode> {
    enum End {
        Asked(Ask),
        Died(Death),
    }
    let end = runtime.block_on(async {
        tokio::select! {
            ask = signals.next() => End::Asked(ask),
            death = house.death() => End::Died(death),
        }
    });
    let tell = |step: &str| say(step);
    match &end {
        End::Asked(ask) => {
            say(&format!(
                "{}: stopping; once more to end at once, which loses nothing that was confirmed",
                ask.as_str()
            ));
        }
        End::Died(death) => say(&format!("{} died: {}; stopping", death.name, death.reason)),
    }
    runtime.spawn(async move {
        let ask = signals.next().await;
        say(&format!("{}: ending at once; the next start goes on from the last commit", ask.as_str()));
        exit_now(ask);
    });
    let drained = house.drain(runtime, &tell);
    match end {
        End::Asked(_) => {
            drained?;
            say("stopped");
            Ok(ExitCode::SUCCESS)
        }
        End::Died(death) => {
            if let Err(error) = drained {
                say(&format!("{error:#}"));
            }
            bail!(anyhow!(
                "{} died: {}; what was confirmed is kept, and the next start goes on from the last commit",
                death.name,
                death.reason
            ))
        }
    }
}

/// Ends the process without unwinding anything: the ledger recovers from that as from a power cut.
pub(super) fn exit_now(ask: Ask) -> ! {
    std::process::exit(ask.exit_status())
}

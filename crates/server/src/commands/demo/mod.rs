//! `campanile demo`: on the embedded ledger here, on a cluster in `kafka`.

mod invite;
mod kafka;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use campanile_clock::{Clock, Scaled};
use campanile_model::Span;
use clap::Args as ClapArgs;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::invite::{Where, invite};
use super::up::{exit_now, runtime, serve};
use crate::config::{Flags, Settings};
use crate::demo::organisation;
use crate::demo::phone::Phone;
use crate::demo::play::{Shown, Stage, play};
use crate::logs;
use crate::print::say;
use crate::signals::Signals;
use crate::supervise::Stop;
use crate::telemetry::Telemetry;
use crate::wiring::{House, Plan};

/// The hour of noise, and how many times as fast it goes.
const HOUR: Span = Span::hours(1);
const FACTOR: i64 = 360;
/// How long the notifier waits for the processor's word, in log time: 15 s of ours.
const PATIENCE: Span = Span::minutes(90);

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile demo                 the hour of noise, then a server to play with until Ctrl-C
  campanile demo --once          end after the numbers; exit 1 if they are not right
  campanile demo --keep          leave the data behind, to export or to look at
  campanile demo --kafka 127.0.0.1:19092      on a cluster, in topics of its own that are deleted at the end

Nothing outside a temporary directory and those topics is touched. Everything goes through the real gateway and the real ledger; only the
clock is scaled, and only here: a server has no such option. On Kafka even that clock is real: the cluster has its own, so
the hour's events come within ten seconds of log time.")]
pub(super) struct Args {
    /// End after the funnel
    #[arg(long)]
    once: bool,
    /// Keep the data directory, or the topics, at the end
    #[arg(long)]
    keep: bool,
    /// Play on a Kafka cluster: its brokers, host:port separated by commas
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// With --kafka: a setting of the Kafka client as it is, NAME=@FILE for secrets; again for more
    #[arg(long, value_name = "NAME=VALUE", requires = "kafka")]
    kafka_option: Vec<String>,
    /// Address and port for events; another port is taken if it is busy [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Logs on standard error: error, warn, info, debug, trace [default: warn]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let data = tempfile::Builder::new().prefix("campanile-demo-").tempdir();
    let data = data.context("a temporary directory could not be made; set TMPDIR to a place that can be written")?;
    let outcome = match &args.kafka {
        Some(brokers) => kafka::run_in(&args, brokers, data.path().to_owned()),
        None => run_in(&args, data.path().to_owned()),
    };
    tidy_away(data, args.keep);
    outcome
}

fn tidy_away(data: TempDir, keep: bool) {
    if keep {
        say(&format!("the data is kept in {}", data.keep().display()));
    } else if let Err(error) = data.close() {
        say(&format!("the temporary data could not be removed: {error}"));
    }
}

fn run_in(args: &Args, data: PathBuf) -> Result<ExitCode> {
    let mut settings = settings(args, &data)?;
    // Seconds of log time, 360 of which pass in one of ours.
    settings.notifier.paging.patience = PATIENCE;
    logs::start(&settings.log)?;
    let telemetry = Telemetry::install()?;
    let runtime = runtime()?;
    let signals = runtime.block_on(async { Signals::take() })?;
    banner();
    let clock = Arc::new(Scaled::catching_up(HOUR, FACTOR));
    let end = clock.now() + HOUR;
    let phone = Phone::default();
    let plan = Plan {
        settings: &settings,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        directory: Some(organisation::files()?),
        telemetry,
        terminal: phone.sink(),
    };
    let house = House::open(plan, &runtime)?;
    let interruption = Interruption::watch(signals, &runtime);
    let stage = Stage { ports: &house.ports, url: &house.url(), pace: &clock, end, log: clock.as_ref() };
    let outcome = play(&stage, &interruption.stop);
    let signals = interruption.over(&runtime)?;
    match (outcome, signals) {
        (Ok(Shown::Right), Some(signals)) if !args.once => {
            let data = Where::Data { data: &settings.ledger.data, socket: &settings.socket };
            invite(&house.ports, &house.url(), &data)?;
            phone.switch_on();
            serve(house, signals, &runtime)
        }
        (outcome, _) => {
            let drained = house.drain(&runtime, &|_| {});
            let shown = outcome?;
            drained?;
            Ok(exit_code(shown))
        }
    }
}

fn exit_code(shown: Shown) -> ExitCode {
    match shown {
        Shown::Right => ExitCode::SUCCESS,
        Shown::Wrong | Shown::Interrupted => ExitCode::FAILURE,
    }
}

fn settings(args: &Args, data: &std::path::Path) -> Result<Settings> {
    let level = args.log_level.clone().unwrap_or_else(|| "warn".to_owned());
    let flags = Flags::default()
        .with("ledger.data", "--data", Some(data.display()))
        .with("door.socket", "--socket", Some(crate::config::default_socket(data).display()))
        .with("log.level", "--log-level", Some(level))
        .with("gateway.listen", "--listen", args.listen.as_ref());
    let mut settings = Settings::load(None, &flags)?;
    // The demo's ledger is new and small, whatever a server here is set to.
    settings.ledger.shards = None;
    settings.public_url = None;
    if is_busy(&settings.gateway.listen) {
        let host = settings.gateway.listen.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host).to_owned();
        say(&format!("{} is in use; the demo takes a free port instead", settings.gateway.listen));
        settings.gateway.listen = format!("{host}:0");
    }
    Ok(settings)
}

fn is_busy(listen: &str) -> bool {
    let bound = std::net::TcpListener::bind(listen);
    bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

fn banner() {
    println!("DEMO: one hour of noise in ten seconds. The clock runs {FACTOR} times as fast until it has caught up;");
    println!("      only this demonstration has such a clock, `campanile up` keeps real time. Data is temporary.");
    println!();
}

/// Signals while the funnel runs: the first ends the show, the second the process.
struct Interruption {
    stop: Stop,
    task: tokio::task::JoinHandle<Option<Signals>>,
    over: tokio::sync::oneshot::Sender<()>,
}

impl Interruption {
    fn watch(mut signals: Signals, runtime: &Runtime) -> Self {
        let stop = Stop::default();
        let (over, is_over) = tokio::sync::oneshot::channel();
        let asked = stop.clone();
        let task = runtime.spawn(async move {
            tokio::select! {
                _ = is_over => return Some(signals),
                ask = signals.next() => {
                    say(&format!("{}: stopping; once more to end at once", ask.as_str()));
                    asked.set();
                }
            }
            tokio::spawn(async move {
                let ask = signals.next().await;
                exit_now(ask)
            });
            None
        });
        Self { stop, task, over }
    }

    /// Gives the signals back, if none came.
    fn over(self, runtime: &Runtime) -> Result<Option<Signals>> {
        // It does not listen any more when a signal came.
        let _ = self.over.send(());
        runtime.block_on(self.task).context("the watch over signals failed")
    }
}

//! `campanile demo`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use campanile_clock::{Clock, Scaled};
use campanile_model::Span;
use clap::Args as ClapArgs;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::up::{exit_now, runtime, serve};
use crate::apply::{Change, Refused};
use crate::config::{Flags, Settings};
use crate::demo::funnel::{Funnel, differences, sentence};
use crate::demo::organisation::{self, MAINTAINED};
use crate::demo::screen::Screen;
use crate::demo::{sender, story};
use crate::logs;
use crate::print::say;
use crate::signals::Signals;
use crate::supervise::Stop;
use crate::telemetry::Telemetry;
use crate::wiring::{House, Plan};

/// The hour of noise, and how many times as fast it goes.
const HOUR: Span = Span::hours(1);
const FACTOR: i64 = 360;
/// Log time left at the end of the hour, so that the last events are not squeezed against it.
const MARGIN: Span = Span::minutes(2);
const REDRAW_EVERY: Duration = Duration::from_millis(100);
/// Longest wait for the funnel after the last event was answered.
const SETTLE_WAIT: Duration = Duration::from_secs(30);

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile demo                 the hour of noise, then a server to play with until Ctrl-C
  campanile demo --once          end after the numbers; exit 1 if they are not right
  campanile demo --keep          leave the data behind, to export or to look at

Nothing outside a temporary directory is touched. Everything goes through the real gateway and the real ledger; only the
clock is scaled, and only here: a server has no such option.")]
pub(super) struct Args {
    /// End after the funnel
    #[arg(long)]
    once: bool,
    /// Keep the data directory at the end
    #[arg(long)]
    keep: bool,
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
    let outcome = run_in(&args, data.path().to_owned());
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
    let settings = settings(args, &data)?;
    logs::start(&settings.log)?;
    let telemetry = Telemetry::install()?;
    let runtime = runtime()?;
    let signals = runtime.block_on(async { Signals::take() })?;
    banner();
    let clock = Arc::new(Scaled::catching_up(HOUR, FACTOR));
    let end = clock.now() + HOUR;
    let plan = Plan {
        settings: &settings,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        directory: Some(organisation::files()?),
        telemetry,
    };
    let house = House::open(plan, &runtime)?;
    let interruption = Interruption::watch(signals, &runtime);
    let outcome = show(&house, &clock, end, &interruption.stop);
    let signals = interruption.over(&runtime)?;
    match (outcome, signals) {
        (Ok(Shown::Right), Some(signals)) if !args.once => {
            invite(&house, &settings)?;
            serve(house, signals, &runtime)
        }
        (outcome, _) => {
            let drained = house.drain(&runtime, &|_| {});
            let shown = outcome?;
            drained?;
            Ok(match shown {
                Shown::Right => ExitCode::SUCCESS,
                Shown::Wrong | Shown::Interrupted => ExitCode::FAILURE,
            })
        }
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Right,
    Wrong,
    Interrupted,
}

/// Makes the noise and shows the funnel until it stands still.
fn show(house: &House, clock: &Arc<Scaled>, end: campanile_model::Timestamp, stop: &Stop) -> Result<Shown> {
    let ports = &house.ports;
    let window = organisation::maintenance(&ports.feed.directory().load(), clock.now())?;
    let change = Change { files: vec![window], ..Change::default() };
    let applied = ports.applier.apply(change, ports.target());
    applied.map_err(|refused| match refused {
        Refused::Failed(reason) => anyhow!(reason),
        Refused::Invalid(diagnostics) => anyhow!("the maintenance window is refused: {diagnostics:?}"),
    })?;
    println!("{MAINTAINED} is under maintenance for the next two hours of log time.");
    println!();
    let begin = clock.now();
    let length = Span(end.since(begin).0 - MARGIN.0);
    let lanes = story::lanes(&ports.feed.directory().load(), length);
    let mut senders = Some(sender::start(lanes, &house.url(), begin, clock, stop)?);
    let (mut funnel, mut screen) = (Funnel::new(ports.card.shards), Screen::new());
    let mut all_sent = None;
    loop {
        funnel.read(ports.tail.as_ref())?;
        screen.show(&funnel.totals(), clock.now())?;
        if let Some(threads) = senders.take_if(|threads| threads.iter().all(std::thread::JoinHandle::is_finished)) {
            sender::wait(threads)?;
            all_sent = Some(Instant::now());
        }
        let is_late = all_sent.is_some_and(|at: Instant| at.elapsed() > SETTLE_WAIT);
        if all_sent.is_some() && funnel.is_over() || is_late {
            break;
        }
        if let Some(reason) = ports.roles.failed() {
            bail!("the processor stopped: {reason}");
        }
        if stop.wait(REDRAW_EVERY) {
            return Ok(Shown::Interrupted);
        }
    }
    let totals = funnel.totals();
    println!();
    println!("{}", sentence(&totals));
    let wrong = differences(&totals);
    for line in &wrong {
        say(line);
    }
    Ok(if wrong.is_empty() { Shown::Right } else { Shown::Wrong })
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

/// What to try next, with addresses and a key that work.
fn invite(house: &House, settings: &Settings) -> Result<()> {
    let (url, data) = (house.url(), settings.ledger.data.display().to_string());
    let snapshot = house.ports.feed.directory().load();
    let mut services: Vec<_> = snapshot.services().filter(|service| service.name != MAINTAINED).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let found =
        services.iter().find_map(|service| Some((service.name.clone(), service.integrations.first()?.key.clone())));
    let (service, key) = found.context("the organisation has no service with a key")?;
    println!();
    let (incidents, resolves) = (story::EXPECTED.incidents, story::EXPECTED.alerts);
    println!(
        "All {incidents} incidents were resolved by their senders: {resolves} resolve events, not counted as raw."
    );
    println!("From here on the clock is real. The server stays until Ctrl-C:");
    println!("  events    {url}/v2/enqueue");
    println!("  health    {url}/health/ready    metrics {url}/metrics");
    println!("  socket    {}", settings.socket.display());
    println!();
    println!("Break {service}, then look:");
    println!();
    println!(
        "  curl -s {url}/v2/enqueue -H 'content-type: application/json' -d '{{\"routing_key\":\"{key}\",\"event_action\":\"trigger\",\"dedup_key\":\"try-me\",\"payload\":{{\"summary\":\"Checkout fails\",\"source\":\"web-1\",\"severity\":\"critical\"}}}}'"
    );
    println!();
    let program = program();
    println!("  {program} incident list --data {data}");
    println!("  {program} incident list --all --data {data}");
    println!("  {program} tail incidents --from start --data {data}");
    Ok(())
}

/// How this program was called, so that the lines above work as they stand: it may not be on the path.
fn program() -> String {
    std::env::args().next().filter(|name| name.contains('/')).unwrap_or_else(|| "campanile".to_owned())
}

//! `campanile processor`, `campanile notifier`, `campanile gateway`, `campanile up --kafka`: roles on a Kafka cluster. `campanile topics`: its
//! topics.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use campanile_ledger_kafka::{Options, topics};
use clap::{Args as ClapArgs, Subcommand};
use tokio::runtime::Runtime;

use super::at::Reach;
use super::up::{exit_now, read_directory, runtime, tell_applied};
use crate::config::{Flags, Settings};
use crate::logs;
use crate::print::say;
use crate::signals::{Ask, Signals};
use crate::supervise::Death;
use crate::telemetry::Telemetry;
use crate::wiring::kafka::{House, Parts, Plan};
use crate::wiring::to_the_terminal;

/// Where the cluster is and who we are there.
#[derive(ClapArgs, Clone)]
pub(super) struct Cluster {
    /// Brokers, host:port separated by commas
    #[arg(long, value_name = "BROKERS", env = "CAMPANILE_KAFKA")]
    kafka: String,
    /// Name of this process in the group; one each, the same after a restart [default: the host's name]
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

impl Cluster {
    pub(super) fn new(kafka: &str, instance: Option<&str>, reach: &Reach) -> Self {
        Self { kafka: kafka.to_owned(), instance: instance.map(str::to_owned), reach: reach.clone() }
    }

    pub(super) fn options(&self, data: &Path) -> Result<Options> {
        self.reach.options(&self.kafka, self.instance.as_deref(), data)
    }
}

#[derive(ClapArgs)]
pub(super) struct RoleArgs {
    #[command(flatten)]
    cluster: Cluster,
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE", env = "CAMPANILE_CONFIG")]
    config: Option<PathBuf>,
    /// Where shards keep their rows between restarts; losing it costs a restore [default: ./campanile-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port: of a gateway for events, health and metrics [default: 127.0.0.1:8080]; of a processor for health
    /// and metrics [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Threads that judge events [default: the cores]
    #[arg(long, value_name = "N")]
    threads: Option<u16>,
    /// Folder of the organisation to apply at the start
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// error, warn, info, debug, trace, or directives [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl RoleArgs {
    fn flags(&self) -> Flags {
        Flags::default()
            .with("ledger.data", "--data", self.data.as_ref().map(|path| path.display()))
            .with("gateway.listen", "--listen", self.listen.as_ref())
            .with("processor.threads", "--threads", self.threads)
            .with("log.level", "--log-level", self.log_level.as_ref())
    }
}

/// `campanile processor`, `campanile notifier` and `campanile gateway`.
pub(super) fn run_role(args: RoleArgs, parts: Parts) -> Result<ExitCode> {
    let settings = Settings::load(args.config.as_deref(), &args.flags())?;
    run(&settings, &args.cluster, Roles { parts, watch: args.listen.as_deref() }, args.directory.as_deref())
}

/// What a process is to run.
pub(super) struct Roles<'a> {
    pub(super) parts: Parts,
    /// Where health and metrics are served if there is no gateway.
    pub(super) watch: Option<&'a str>,
}

/// Runs roles until a signal or a death.
pub(super) fn run(
    settings: &Settings,
    cluster: &Cluster,
    roles: Roles<'_>,
    directory: Option<&Path>,
) -> Result<ExitCode> {
    let directory = match directory.map(read_directory).transpose()? {
        Some(None) => return Ok(ExitCode::FAILURE),
        Some(found) => found,
        None => None,
    };
    logs::start(&settings.log)?;
    let telemetry = Telemetry::install()?;
    let runtime = runtime()?;
    let signals = runtime.block_on(async { Signals::take() })?;
    let options = cluster.options(&settings.ledger.data)?;
    let instance = options.instance.clone();
    let Roles { parts, watch } = roles;
    let house = House::open(
        Plan { settings, options, parts, directory, telemetry, watch, terminal: to_the_terminal() },
        &runtime,
    )?;
    match house.url() {
        // The one line on standard output: scripts wait for it, and with port 0 they learn the port.
        Some(url) => println!("listening on {url}"),
        None if parts.processor => println!("processing"),
        None => println!("notifying"),
    }
    if let Some(url) = house.watch_url() {
        say(&format!("health {url}/health/ready, metrics {url}/metrics"));
    }
    let card = house.ports.card;
    say(&format!("ledger {:016x} on {}, {} shards; this is {instance}", card.ledger.0, cluster.kafka, card.shards));
    if let Some(applied) = &house.applied {
        tell_applied(applied);
    }
    serve(house, signals, &runtime)
}

/// Serves until a signal or a death, then drains.
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
    match &end {
        End::Asked(ask) => say(&format!("{}: stopping; once more to end at once", ask.as_str())),
        End::Died(death) => say(&format!("{} died: {}; stopping", death.name, death.reason)),
    }
    runtime.spawn(async move {
        let ask = signals.next().await;
        exit_now(ask);
    });
    let drained = house.drain(runtime, &|step: &str| say(step));
    match end {
        End::Asked(_) => {
            drained?;
            say("stopped");
            Ok(ExitCode::SUCCESS)
        }
        End::Died(death) => bail!(anyhow!("{} died: {}", death.name, death.reason)),
    }
}

#[derive(ClapArgs)]
pub(super) struct TopicsArgs {
    #[command(subcommand)]
    verb: TopicsVerb,
}

#[derive(Subcommand)]
enum TopicsVerb {
    /// Make the topics that are missing, and the ledger card
    Create {
        #[command(flatten)]
        cluster: Cluster,
        /// Shards; fixed from then on
        #[arg(long, default_value_t = 4)]
        shards: u16,
        /// Copies of each partition; 3 on a cluster that is to survive a broker
        #[arg(long, default_value_t = 1)]
        replication: u16,
    },
    /// Compare the topics' settings with what they must be
    Check {
        #[command(flatten)]
        cluster: Cluster,
    },
}

pub(super) fn run_topics(args: TopicsArgs) -> Result<ExitCode> {
    match args.verb {
        TopicsVerb::Create { cluster, shards, replication } => {
            let card = topics::create(&cluster.options(Path::new("."))?, shards, replication)?;
            say(&format!("the topics are there: ledger {:016x}, {} shards", card.ledger.0, card.shards));
            Ok(ExitCode::SUCCESS)
        }
        TopicsVerb::Check { cluster } => {
            let findings = topics::check(&cluster.options(Path::new("."))?)?;
            for finding in &findings {
                println!("{}: {}\n    {}", finding.topic, finding.text, finding.remedy);
            }
            if findings.is_empty() {
                say("all topics are as they must be");
                return Ok(ExitCode::SUCCESS);
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

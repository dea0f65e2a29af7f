//! The command line: one file per subcommand. Grammar and words here are what people type; keep them.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 used wrongly, 3 (`send` only) not delivered, try again.

mod at;
mod config;
mod coverage;
mod demo;
mod directory;
mod doctor;
mod incident;
mod kafka;
mod log;
mod moment;
mod offsets;
mod oncall;
mod organisation;
mod schedule;
mod send;
mod tail;
mod up;
mod who;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::wiring::kafka::Parts;

/// Turns raw alerts into actionable incidents. Speaks PagerDuty's Events API v2.
#[derive(Parser)]
#[command(name = "campanile", version, arg_required_else_help = true, propagate_version = true)]
#[command(after_help = "\
First steps:
  campanile demo                                  an hour of noise in ten seconds, then yours to play with
  campanile up --directory examples/seed-organisation
  campanile send --routing-key KEY --summary 'Disk full on db-1' --source db-1 --severity critical
  campanile incident list
  campanile tail incidents

Settings come from flags, then CAMPANILE_… variables, then the file given with --config; see `campanile config show`.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: every role in one process, on one data directory
    Up(up::Args),
    /// Judge events on a Kafka cluster; several share the shards
    Processor(kafka::RoleArgs),
    /// Climb escalation policies and page people on a Kafka cluster; several share the shards
    Notifier(kafka::RoleArgs),
    /// Take events over HTTP into a Kafka cluster
    Gateway(kafka::RoleArgs),
    /// Make or check the topics of a Kafka cluster
    Topics(kafka::TopicsArgs),
    /// Decide about a shard on Kafka whose offset somebody moved
    Offsets(offsets::Args),
    /// Show what it does: an hour of noise in ten seconds, on data that is thrown away
    Demo(demo::Args),
    /// Look for what is wrong here or on a cluster, and say what to do
    Doctor(doctor::Args),
    /// Check, apply and show the organisation: services, keys, teams, schedules, maintenance
    Directory(directory::Args),
    /// Send one event, from a script or by hand
    Send(send::Args),
    /// List incidents, look at one, acknowledge, resolve or change it
    Incident(incident::Args),
    /// Show who is on call now, level by level of every escalation policy
    Oncall(oncall::Args),
    /// Show whom an incident of a service would page, level by level
    Who(who::Args),
    /// Show a schedule as a calendar, with its gaps
    Schedule(schedule::Args),
    /// Follow incidents, alerts, dead letters or any other topic
    Tail(tail::Args),
    /// Export the log of a stopped server; list its topics
    Log(log::Args),
    /// Show or check the configuration
    Config(config::Args),
    /// Print the version
    Version,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// It could not be done; the message says what to do.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Up(args) => up::run(args),
            Command::Processor(args) => {
                kafka::run_role(args, Parts { gateway: false, processor: true, notifier: false })
            }
            Command::Notifier(args) => {
                kafka::run_role(args, Parts { gateway: false, processor: false, notifier: true })
            }
            Command::Gateway(args) => kafka::run_role(args, Parts { gateway: true, processor: false, notifier: false }),
            Command::Topics(args) => kafka::run_topics(args),
            Command::Offsets(args) => offsets::run(args),
            Command::Demo(args) => demo::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::Directory(args) => directory::run(args),
            Command::Send(args) => send::run(args),
            Command::Incident(args) => incident::run(args),
            Command::Oncall(args) => oncall::run(args),
            Command::Who(args) => who::run(args),
            Command::Schedule(args) => schedule::run(args),
            Command::Tail(args) => tail::run(args),
            Command::Log(args) => log::run(args),
            Command::Config(args) => config::run(args),
            Command::Version => {
                println!("campanile {}", env!("CARGO_PKG_VERSION"));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

//! `campanile doctor`: what may be wrong here, and what to do about it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args as ClapArgs;
use serde_json::Value;

use super::at::At;
use crate::config::Settings;
use crate::doctor::{Check, Verdict, embedded, kafka, worst};
use crate::print::colour::{self, Colour};
use crate::print::table::one_line;

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile doctor                                  this machine, and the server on ./campanile-data if one runs
  campanile doctor --kafka 127.0.0.1:9092           the cluster, its topics, the group, and this machine
  campanile doctor --kafka 127.0.0.1:9092 --json | jq -r 'select(.verdict == \"bad\") | .remedy'

On Kafka it writes one record, `~clock`, into the directory's topic, to compare clocks; --read-only leaves that out.
Exit codes: 0 nothing is bad (warnings may be there), 1 something is.")]
pub(super) struct Args {
    #[command(flatten)]
    at: At,
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE", env = "CAMPANILE_CONFIG")]
    config: Option<PathBuf>,
    /// Write nothing to the cluster: clocks are not compared
    #[arg(long)]
    read_only: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let checks = match args.at.options()? {
        Some(options) => kafka::checks(&options, &args.at.data(), args.read_only),
        None => embedded::checks(&Settings::load(args.config.as_deref(), &args.at.flags())?),
    };
    if args.json {
        let lines: Vec<Value> = checks.iter().map(Check::json).collect();
        lines.iter().for_each(|line| println!("{line}"));
    } else {
        print(&checks);
    }
    Ok(if worst(&checks) == Verdict::Bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A line for each, with its remedy below where there is one.
fn print(checks: &[Check]) {
    let paints = colour::is_on(&std::io::stdout());
    for check in checks {
        let colour = match check.verdict {
            Verdict::Good => Colour::Green,
            Verdict::Unknown => Colour::Dim,
            Verdict::Warning => Colour::Yellow,
            Verdict::Bad => Colour::Red,
        };
        let word = colour.paint(&format!("{:<8}", check.verdict.as_str()), paints);
        println!("{word} {:<18} {}", check.name, one_line(&check.found));
        if !check.remedy.is_empty() {
            println!("{:<8} {:<18} → {}", "", "", one_line(&check.remedy));
        }
    }
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    println!(
        "\n{} checks: {} bad, {} warnings, {} could not be asked",
        checks.len(),
        count(Verdict::Bad),
        count(Verdict::Warning),
        count(Verdict::Unknown)
    );
}

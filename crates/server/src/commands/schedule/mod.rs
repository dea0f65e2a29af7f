//! `campanile schedule`: who is on call when.

mod render;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args as ClapArgs, Subcommand};

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile schedule show platform-rotation
  campanile schedule show PXXXXXX --since 2026-10-26 --until 2026-11-09 --list
  campanile schedule show PXXXXXX --directory examples/seed-organisation --time-zone Europe/Berlin")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show one schedule: its layers, what comes of them, and when nobody is on call
    #[command(visible_alias = "get")]
    Show(show::Args),
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Show(args) => show::run(args),
    }
}

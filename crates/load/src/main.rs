//! `campanile-load`: see `--help`.

use std::process::ExitCode;

use anyhow::Result;
use campanile_load::drain;
use clap::{Parser, Subcommand};

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
    #[command(hide = true)]
    DrainChild(drain::Child),
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

fn run(command: Command) -> Result<bool> {
    match command {
        Command::Drain(options) => drain::run(&options),
        Command::DrainChild(child) => drain::run_child(&child).map(|()| true),
    }
}

//! The `campanile` binary: reads the command line, does it, tells what went wrong.

use std::process::ExitCode;

use campanile_server::commands::Cli;
use campanile_server::failure;
use clap::Parser;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => failure::tell(&error),
    }
}

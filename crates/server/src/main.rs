//! The `campanile` binary: reads the command line, does it, tells what went wrong.

use std::process::ExitCode;

use campanile_server::commands::Cli;
use campanile_server::failure;
use clap::Parser;

/// RocksDB on the system's allocator keeps growing, and a sixth of the processor's time went to it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => failure::tell(&error),
    }
}

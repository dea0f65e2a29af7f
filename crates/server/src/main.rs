//! The `campanile` binary: reads the command line, does it, tells what went wrong.

use std::process::ExitCode;

use campanile_server::commands::Cli;
use campanile_server::failure;
use clap::Parser;

/// RocksDB on the system's allocator keeps growing, and a sixth of the processor's time went to it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Batches are megabytes, made and dropped ten times a second: their pages are kept for a while rather than given back and
/// cleared anew, and large blocks come from the ordinary arenas.
#[allow(unsafe_code, reason = "jemalloc reads its settings from a symbol of this name before main begins")]
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8] = b"oversize_threshold:0,dirty_decay_ms:5000,muzzy_decay_ms:0,narenas:4\0";

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => failure::tell(&error),
    }
}

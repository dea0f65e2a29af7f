//! What the process has used, and what it runs on: a figure without its machine is no figure.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of all threads of this process, user and system.
pub fn cpu_used() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, ns) = (used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs());
    Duration::new(seconds, u32::try_from(ns).unwrap_or_default())
}

/// Most memory that the process has held, in bytes; 0 where the system does not say.
pub fn peak_rss_bytes() -> u64 {
    field("/proc/self/status", "VmHWM:").and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Memory that the process holds now, in bytes; 0 where the system does not say.
pub fn rss_bytes() -> u64 {
    field("/proc/self/status", "VmRSS:").and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Processor, cores, memory, kernel, load, and how this program was built, one line each.
pub fn facts() -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or_else(|_| unknown(), |cores| cores.to_string());
    let memory = field("/proc/meminfo", "MemTotal:").and_then(|kb| kb.parse::<u64>().ok());
    let first_line = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    vec![
        ("processor", line_after("/proc/cpuinfo", "model name").unwrap_or_else(unknown)),
        ("cores", cores),
        ("memory", memory.map_or_else(unknown, |kb| format!("{:.1} GiB", kb as f64 / f64::from(1 << 20)))),
        ("kernel", first_line("/proc/sys/kernel/osrelease").unwrap_or_else(unknown)),
        ("load before", first_line("/proc/loadavg").unwrap_or_else(unknown)),
        ("build", build().to_owned()),
    ]
}

fn build() -> &'static str {
    if cfg!(debug_assertions) {
        "with debug assertions: figures are for looking, not for comparing; build with --release"
    } else {
        "release"
    }
}

/// The first word after a name at the start of a line.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

fn line_after(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

//! The senders: one kept connection a lane, each event at its time, the next only after the last was answered.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use campanile_clock::Scaled;
use campanile_model::Timestamp;

use super::story::Planned;
use crate::http::Http;
use crate::supervise::Stop;

/// How often an event that the gateway could not take is offered again. As senders do; nothing was written meanwhile.
const RETRIES: usize = 50;
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Starts a thread for each lane.
///
/// # Errors
/// The system has no thread to give, or the URL is none.
pub fn start(
    lanes: Vec<Vec<Planned>>,
    url: &str,
    begin: Timestamp,
    clock: &Arc<Scaled>,
    stop: &Stop,
) -> Result<Vec<JoinHandle<Result<()>>>> {
    let mut threads = Vec::new();
    for (number, lane) in lanes.into_iter().enumerate() {
        let (mut http, clock, stop) = (Http::new(url)?, Arc::clone(clock), stop.clone());
        let send = move || {
            for event in &lane {
                if stop.wait(clock.until(begin + event.after)) {
                    return Ok(());
                }
                deliver(&mut http, event)?;
            }
            Ok(())
        };
        let thread = std::thread::Builder::new().name(format!("sender-{number}")).spawn(send);
        threads.push(thread.context("a sender could not be started")?);
    }
    Ok(threads)
}

fn deliver(http: &mut Http, event: &Planned) -> Result<()> {
    for _ in 0..RETRIES {
        let answer = http.post("/v2/enqueue", &event.body)?;
        match answer.status {
            202 => return Ok(()),
            // 503: nothing was written. A 500 may have been, and a repeat would spoil the count.
            429 | 503 => std::thread::sleep(RETRY_AFTER),
            status => bail!("the gateway answered {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
    Err(anyhow!("the gateway took an event not even after {RETRIES} tries"))
}

/// Waits for all senders.
///
/// # Errors
/// The first that failed.
pub fn wait(threads: Vec<JoinHandle<Result<()>>>) -> Result<()> {
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a sender panicked"))??;
    }
    Ok(())
}

//! Asking about a server on the embedded ledger, running or not.

use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use campanile_model::Timestamp;
use serde_json::json;

use super::{Check, machine};
use crate::client::Client;
use crate::config::Settings;
use crate::print::time;

const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// A wall clock that is behind the newest record by more was turned back. Ours.
const CLOCK_BACK_MS: i64 = 1000;

pub fn checks(settings: &Settings) -> Vec<Check> {
    let data = &settings.ledger.data;
    let mut checks = vec![place(data), machine::disk(data), machine::files()];
    match Client::connect(&settings.socket) {
        Ok(mut client) => {
            checks.push(Check::good("server", format!("answers at {}", settings.socket.display())));
            checks.push(port_answers(&settings.gateway.listen));
            checks.extend(ask(&mut client));
        }
        Err(error) => {
            let remedy = "start it with campanile up, or name its data directory with --data";
            checks.push(Check::warning("server", format!("{error:#}"), remedy));
            checks.push(port_is_free(&settings.gateway.listen));
        }
    }
    checks
}

/// Whether data can lie there.
fn place(data: &Path) -> Check {
    const NAME: &str = "data directory";
    let shown = data.display();
    if !data.exists() {
        return Check::good(NAME, format!("{shown} does not exist yet; the first start makes it"));
    }
    if !data.is_dir() {
        return Check::bad(NAME, format!("{shown} is a file"), "name a directory with --data");
    }
    match tempfile::tempfile_in(data) {
        Ok(_) => Check::good(NAME, format!("{shown} can be written")),
        Err(error) => {
            let remedy = "run this as the server's user, or let that user write there";
            Check::bad(NAME, format!("{shown} cannot be written: {error}"), remedy)
        }
    }
}

fn port_answers(listen: &str) -> Check {
    let mut found = listen.to_socket_addrs().into_iter().flatten();
    if found.any(|address| TcpStream::connect_timeout(&address, CONNECT_WAIT).is_ok()) {
        return Check::good("port", format!("something listens on {listen}"));
    }
    Check::unknown("port", format!("nothing listens on {listen}"), "if the server was started with --listen, ask there")
}

fn port_is_free(listen: &str) -> Check {
    match TcpListener::bind(listen) {
        Ok(_) => Check::good("port", format!("{listen} is free")),
        Err(error) => {
            let remedy = "end what listens there (ss -ltnp), or choose another with --listen";
            Check::bad("port", format!("{listen} cannot be taken: {error}"), remedy)
        }
    }
}

/// What the running server knows.
fn ask(client: &mut Client) -> Vec<Check> {
    let status = match client.ask_once(&json!({ "op": "status" })) {
        Ok(status) => status,
        Err(error) => return vec![Check::bad("shards", format!("{error:#}"), "see the server's log")],
    };
    let shards = status["shards"].as_array().cloned().unwrap_or_default();
    let halted: Vec<_> = shards
        .iter()
        .filter_map(|shard| Some(format!("shard {}: {}", shard["shard"], shard["halted"].as_str()?)))
        .collect();
    let failed = status["failed"].as_str();
    let shards_check = match (failed, halted.is_empty()) {
        (Some(reason), _) => Check::bad("shards", format!("the processor stopped: {reason}"), "restart the server"),
        (None, false) => Check::bad("shards", halted.join("; "), "nothing is lost; mend the cause and they go on"),
        (None, true) => Check::good("shards", format!("{} work", shards.len())),
    };
    let directory = match status["epoch"].as_u64() {
        Some(0) | None => Check::bad(
            "directory",
            "no organisation is known: every routing key is refused",
            "campanile directory apply DIR",
        ),
        Some(epoch) => Check::good("directory", format!("epoch {epoch}")),
    };
    let newest = shards.iter().filter_map(|shard| shard["now"].as_i64()).max();
    vec![shards_check, directory, clock(newest.map(Timestamp), time::now())]
}

fn clock(newest: Option<Timestamp>, now: Timestamp) -> Check {
    let Some(newest) = newest.filter(|at| at.0 > 0) else { return Check::good("clock", "no record to compare with") };
    let behind_ms = newest.since(now).0;
    if behind_ms > CLOCK_BACK_MS {
        let found = format!("this machine's clock is {behind_ms} ms behind the newest record: it was turned back");
        return Check::warning(
            "clock",
            found,
            "let it keep time with NTP (chrony); log time stands until the clock is there",
        );
    }
    Check::good("clock", "not behind the newest record")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn clock_that_was_turned_back_is_told() {
        let now = Timestamp(1_000_000);
        let verdict = |newest| clock(Some(Timestamp(newest)), now).verdict;
        assert_eq!(verdict(now.0 + CLOCK_BACK_MS), Verdict::Good);
        assert_eq!(verdict(now.0 + CLOCK_BACK_MS + 1), Verdict::Warning);
        assert_eq!(clock(None, now).verdict, Verdict::Good);
    }
}

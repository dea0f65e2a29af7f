//! What to try after the hour, with addresses and a key that work.

use std::path::Path;

use anyhow::{Context, Result};

use crate::demo::organisation::MAINTAINED;
use crate::demo::story;
use crate::door::Ports;

/// Where commands find what the demo made.
pub(super) enum Where<'a> {
    Data { data: &'a Path, socket: &'a Path },
    Kafka { brokers: &'a str, prefix: &'a str },
}

pub(super) fn invite(ports: &Ports, url: &str, place: &Where<'_>) -> Result<()> {
    let snapshot = ports.feed.directory().load();
    let mut services: Vec<_> = snapshot.services().filter(|service| service.name != MAINTAINED).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let found =
        services.iter().find_map(|service| Some((service.name.clone(), service.integrations.first()?.key.clone())));
    let (service, key) = found.context("the organisation has no service with a key")?;
    println!();
    let (incidents, resolves) = (story::EXPECTED.incidents, story::EXPECTED.alerts);
    println!(
        "All {incidents} incidents were resolved by their senders: {resolves} resolve events, not counted as raw."
    );
    let flags = match place {
        Where::Data { data, socket } => {
            println!("From here on the clock is real. The server stays until Ctrl-C:");
            println!("  events    {url}/v2/enqueue");
            println!("  health    {url}/health/ready    metrics {url}/metrics");
            println!("  socket    {}", socket.display());
            format!("--data {}", data.display())
        }
        Where::Kafka { brokers, prefix } => {
            println!("Gateway, processor and notifier stay until Ctrl-C:");
            println!("  events    {url}/v2/enqueue, or produce to {prefix}.events");
            println!("  health    {url}/health/ready    metrics {url}/metrics");
            format!("--kafka {brokers} --topic-prefix {prefix}")
        }
    };
    println!();
    println!("Break {service}, then look:");
    println!();
    println!(
        "  curl -s {url}/v2/enqueue -H 'content-type: application/json' -d '{{\"routing_key\":\"{key}\",\"event_action\":\"trigger\",\"dedup_key\":\"try-me\",\"payload\":{{\"summary\":\"Checkout fails\",\"source\":\"web-1\",\"severity\":\"critical\"}}}}'"
    );
    println!();
    let program = program();
    println!("The phone of whoever is on call rings here. From another terminal, with the number that it tells:");
    println!();
    println!("  {program} incident ack NUMBER {flags}          and the ladder stops; 5 minutes of silence escalate");
    println!("  {program} incident escalate NUMBER {flags}     or at once");
    println!("  {program} oncall {flags}");
    println!("  {program} incident list {flags}");
    println!("  {program} incident list --all {flags}");
    println!("  {program} tail incidents --from start {flags}");
    println!("  {program} tail notifications --from start {flags}");
    Ok(())
}

/// How this program was called, so that the lines above work as they stand: it may not be on the path.
fn program() -> String {
    std::env::args().next().filter(|name| name.contains('/')).unwrap_or_else(|| "campanile".to_owned())
}

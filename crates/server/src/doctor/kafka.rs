//! Asking a cluster, check by check. What one question cannot be answered does not keep the others from being asked.

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use campanile_ledger::{Card, Stored, Tail, Topic};
use campanile_ledger_kafka::inspect::{self, Cluster};
use campanile_ledger_kafka::{Ledger, Options, topics};
use campanile_model::Timestamp;

use super::{Check, judge, machine};
use crate::feed::Feed;
use crate::print::time;
use crate::supervise::Supervisor;
use crate::wiring::start_feed;

/// Longest wait for a broker's address to answer.
const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// Newest events of each partition that are looked at.
const SAMPLE: u64 = 500;
/// Newest dead letters of each partition that are looked at, and how old they may be.
const LETTERS: u64 = 200;
const LETTERS_AGE_MS: i64 = 3_600_000;

/// Every check of a cluster and of this machine as a processor's home. Writes one record, `~clock`, unless `reads_only`.
pub fn checks(options: &Options, data: &Path, reads_only: bool) -> Vec<Check> {
    let mut checks = vec![machine::disk(data), machine::files(), machine::set_aside(data)];
    let cluster = match inspect::cluster(options) {
        Ok(cluster) => cluster,
        Err(error) => {
            let remedy = "check the address, that the brokers run, and security.protocol (--kafka-option)";
            checks.push(Check::bad("cluster", error.to_string(), remedy));
            return checks;
        }
    };
    checks.push(addresses(&cluster));
    checks.push(versions(options, &cluster));
    for (broker, _) in &cluster.brokers {
        checks.extend(match inspect::broker_settings(options, *broker) {
            Ok(settings) => judge::broker_settings(&settings),
            Err(error) => vec![unasked("broker settings", &error, "DESCRIBE_CONFIGS on the cluster")],
        });
    }
    checks.dedup();
    checks.push(match inspect::permissions(options) {
        Ok(allowed) => judge::permissions(&allowed),
        Err(error) => unasked("permissions", &error, "DESCRIBE on the topics"),
    });
    let card = match topics::card(options) {
        Ok(card) => card,
        Err(error) => {
            let remedy =
                "campanile topics create; if they were made: name their --topic-prefix, and see permissions above";
            checks.push(Check::bad("topics", error.to_string(), remedy));
            return checks;
        }
    };
    checks.extend(settings(options, &cluster));
    checks.push(judge::copies(&cluster));
    if !reads_only {
        checks.push(match inspect::clock(options) {
            Ok(reading) => judge::clock(reading),
            Err(error) => Check::bad(
                "clock",
                format!("no record could be written: {error}"),
                "enough brokers in sync for min.insync.replicas? WRITE on the directory's topic?",
            ),
        });
    }
    checks.push(match inspect::group(options, card) {
        Ok(group) => judge::group(&group, card.shards),
        Err(error) => unasked("group", &error, "DESCRIBE on the group"),
    });
    match inspect::progress(options, card) {
        Ok(shards) => checks.extend(judge::progress(&shards)),
        Err(error) => checks.push(unasked("lag", &error, "DESCRIBE on the group and the topics")),
    }
    checks.extend(contents(options, card));
    checks
}

fn unasked(name: &'static str, error: &topics::TopicsError, permission: &str) -> Check {
    Check::unknown(name, error.to_string(), format!("ask as a user with {permission}"))
}

/// Whether the addresses that clients are sent to can be reached from here.
fn addresses(cluster: &Cluster) -> Check {
    let silent = |address: &&String| {
        let mut found = address.to_socket_addrs().into_iter().flatten();
        !found.any(|address| TcpStream::connect_timeout(&address, CONNECT_WAIT).is_ok())
    };
    let all: Vec<_> = cluster.brokers.iter().map(|(_, address)| address).collect();
    let silent: Vec<_> = all.iter().copied().filter(silent).map(String::as_str).collect();
    if silent.is_empty() {
        let all: Vec<_> = all.into_iter().map(String::as_str).collect();
        return Check::good("cluster", format!("{} brokers answer: {}", all.len(), all.join(", ")));
    }
    Check::bad(
        "cluster",
        format!("the cluster names brokers that cannot be reached from here: {}", silent.join(", ")),
        "bring them up, or mend their advertised.listeners: clients are sent to these names",
    )
}

fn versions(options: &Options, cluster: &Cluster) -> Check {
    let client = inspect::client_version();
    let is_plain = options.client.iter().all(|(name, value)| {
        name != "security.protocol" || ["plaintext", "sasl_plaintext"].contains(&value.to_lowercase().as_str())
    });
    let Some((_, address)) = cluster.brokers.first().filter(|_| is_plain) else {
        let why = format!("client librdkafka {client}; brokers behind TLS are not asked");
        return Check::unknown("versions", why, "kafka-broker-api-versions.sh; 4.0 or later is what is tested");
    };
    match inspect::versions(address) {
        Ok(found) => {
            let protocol = if found.has_consumer_protocol { "Kafka 4.0 or later" } else { "older than Kafka 4.0" };
            let text =
                format!("client librdkafka {client}; broker {protocol}, answers {} kinds of request", found.requests);
            if found.txn_offset_commit.is_none_or(|version| version < 3) {
                Check::bad(
                    "versions",
                    text,
                    "Kafka 2.5 or later: without its fence two processors could commit one batch",
                )
            } else if found.has_consumer_protocol {
                Check::good("versions", text)
            } else {
                Check::warning("versions", text, "upgrade the brokers; Campanile is tested with 4.3")
            }
        }
        Err(error) => Check::unknown("versions", format!("{address}: {error}"), "kafka-broker-api-versions.sh"),
    }
}

/// Settings of the topics.
fn settings(options: &Options, cluster: &Cluster) -> Vec<Check> {
    let mut checks = match topics::check(options) {
        Ok(findings) if findings.is_empty() => vec![Check::good("topics", "every setting is as it must be")],
        Ok(findings) => findings
            .into_iter()
            .map(|it| Check::bad("topics", format!("{}: {}", it.topic, it.text), it.remedy))
            .collect(),
        Err(error) => vec![unasked("topics", &error, "DESCRIBE_CONFIGS on the topics")],
    };
    if let Ok(settings) = topics::settings(options) {
        checks.push(judge::replication(cluster, &settings));
    }
    checks
}

/// What lies in the topics: the organisation, how senders key their events, dead letters.
fn contents(options: &Options, card: Card) -> Vec<Check> {
    let ledger = match Ledger::open(options.clone()) {
        Ok(ledger) => ledger,
        Err(error) => return vec![unasked("producers", &error, "READ on the topics")],
    };
    let tail = ledger.tail();
    let (supervisor, _deaths) = Supervisor::new();
    let feed = Feed::new(card.shards);
    let organisation = match start_feed(&feed, &tail, &supervisor) {
        Ok(()) => directory(&feed),
        Err(error) => Check::bad("directory", format!("{error:#}"), "see the message; mend it where it was applied"),
    };
    supervisor.stop().set();
    let partitions = ledger.appender().partitions(Topic::Events);
    let events = newest(tail.as_ref(), Topic::Events, partitions, SAMPLE);
    let producers = judge::producers(&events, partitions);
    let letters = newest(tail.as_ref(), Topic::DeadLetters, card.shards.min(partitions), LETTERS);
    vec![organisation, producers, dead_letters(&letters, time::now())]
}

fn directory(feed: &Feed) -> Check {
    let snapshot = feed.directory().load();
    let (services, keys) =
        snapshot.services().fold((0, 0), |(services, keys), it| (services + 1, keys + it.integrations.len()));
    if keys == 0 {
        let remedy = "campanile directory apply DIR --kafka BROKERS";
        return Check::bad("directory", "no service has an integration key: every event becomes a dead letter", remedy);
    }
    Check::good("directory", format!("epoch {}, {services} services with {keys} keys", feed.current_epoch().0))
}

fn newest(tail: &dyn Tail, topic: Topic, partitions: u16, count: u64) -> Vec<(u16, Stored)> {
    let mut found = Vec::new();
    for partition in 0..partitions {
        let ends = tail.ends(topic, partition);
        let mut next = ends.end.saturating_sub(count).max(ends.start);
        while let Ok(records) = tail.read(topic, partition, next, count as usize)
            && let Some(last) = records.last()
        {
            next = last.offset + 1;
            found.extend(records.into_iter().map(|stored| (partition, stored)));
            if next >= ends.end {
                break;
            }
        }
    }
    found
}

/// Dead letters of the last hour, by reason.
fn dead_letters(letters: &[(u16, Stored)], now: Timestamp) -> Check {
    let mut reasons = BTreeMap::<String, usize>::new();
    for (_, stored) in letters.iter().filter(|(_, stored)| now.since(stored.at).0 < LETTERS_AGE_MS) {
        let reason = stored.record.headers.iter().find(|header| header.name == "campanile-reason");
        let reason = reason.map_or("unknown".into(), |header| String::from_utf8_lossy(&header.value).into_owned());
        *reasons.entry(reason).or_default() += 1;
    }
    if reasons.is_empty() {
        return Check::good("dead letters", "none in the last hour");
    }
    let found: Vec<_> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    Check::warning(
        "dead letters",
        format!("in the last hour, among the newest: {}", found.join(", ")),
        "campanile tail dead-letters --from start --no-follow; unknown_key means a sender with a key nobody has",
    )
}

//! The likely mistakes on Kafka, judged from facts. No call of the cluster here.

use std::collections::{BTreeSet, HashMap};

use campanile_ledger::Stored;
use campanile_ledger_kafka::inspect::{ClockReading, Cluster, Group, Progress};
use campanile_model::murmur2::partition_of;

use super::Check;

/// A clock that is off by more shows in times that people read. Ours.
const CLOCK_OFF_WARN_MS: i64 = 1000;
/// A record so far ahead is judged at the wall's time. Source: LEDGER 4.
const CLOCK_OFF_BAD_MS: i64 = 5 * 60 * 1000;
/// Records that wait for a shard before somebody should look. Ours: a second's work of one core, several times over.
const LAG_RECORDS_WARN: u64 = 100_000;
/// Percent of a sample.
const SHARE_WARN: usize = 10;
/// Source: `transaction.timeout.ms` of a processor, LEDGER 2.
const TRANSACTION_TIMEOUT_MS: u64 = 8000;

/// Every partition has a leader and all its copies.
pub fn copies(cluster: &Cluster) -> Check {
    let each = || cluster.topics.iter().flat_map(|(topic, list)| list.iter().map(move |it| (topic, it)));
    let named = |found: Vec<String>| found.join(", ");
    let leaderless = each().filter(|(_, it)| it.leader < 0).map(|(topic, it)| format!("{topic}-{}", it.number));
    let leaderless: Vec<_> = leaderless.collect();
    if !leaderless.is_empty() {
        return Check::bad(
            "partitions",
            format!("without a leader: {}", named(leaderless)),
            "bring the brokers that hold them back; until then their shards stand still",
        );
    }
    let behind = each().filter(|(_, it)| it.in_sync < it.replicas).map(|(topic, it)| format!("{topic}-{}", it.number));
    let behind: Vec<_> = behind.collect();
    if !behind.is_empty() {
        return Check::warning(
            "partitions",
            format!("{} lack a copy that is in sync: {}", behind.len(), named(behind.into_iter().take(5).collect())),
            "see why a broker is down or behind; one more loss stops writes",
        );
    }
    Check::good(
        "partitions",
        format!("{} partitions of {} topics have all their copies", each().count(), cluster.topics.len()),
    )
}

/// A broker may be lost without loss of records, and without a stop.
pub fn replication(cluster: &Cluster, settings: &HashMap<String, HashMap<String, String>>) -> Check {
    let copies = |topic: &String| cluster.topics.get(topic).and_then(|list| list.iter().map(|it| it.replicas).min());
    let mut single = Vec::new();
    for (topic, found) in settings {
        let Some(copies) = copies(topic) else { continue };
        let in_sync = found.get("min.insync.replicas").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1);
        if in_sync > 1 && in_sync >= copies {
            return Check::bad(
                "replication",
                format!("{topic} has {copies} copies and min.insync.replicas={in_sync}: a broker's restart stops it"),
                format!("kafka-configs.sh --alter --topic {topic} --add-config min.insync.replicas={}", copies - 1),
            );
        }
        if copies >= 3 && in_sync < 2 {
            return Check::bad(
                "replication",
                format!("{topic} confirms a write when one broker of {copies} has it"),
                format!("kafka-configs.sh --alter --topic {topic} --add-config min.insync.replicas=2"),
            );
        }
        if copies < 2 {
            single.push(topic.as_str());
        }
    }
    if single.is_empty() {
        return Check::good("replication", "every topic survives a broker");
    }
    let found = format!("{} topics have one copy: a broker's disk is the only place of their records", single.len());
    Check::warning(
        "replication",
        found,
        "with three brokers: kafka-reassign-partitions.sh for these, topics create --replication 3 for new ones",
    )
}

/// Settings of a broker that no topic can mend.
pub fn broker_settings(settings: &HashMap<String, String>) -> Vec<Check> {
    const NAME: &str = "broker settings";
    let text = |name: &str| settings.get(name).map(String::as_str);
    let number = |name: &str| text(name).and_then(|text| text.parse::<i64>().ok());
    let mut checks = Vec::new();
    let cleanup = "transaction.abort.timed.out.transaction.cleanup.interval.ms";
    if number(cleanup).is_some_and(|ms| ms > 1000) {
        let ms = number(cleanup).unwrap_or_default();
        checks.push(Check::warning(
            NAME,
            format!("a dead process's transaction hides what follows it for up to {ms} ms more ({cleanup}={ms})"),
            format!("set {cleanup}=1000 in the brokers' configuration and restart them one by one"),
        ));
    }
    if text("auto.create.topics.enable") == Some("true") {
        checks.push(Check::warning(
            NAME,
            "auto.create.topics.enable=true: a misspelt topic name makes a topic, with settings nobody chose",
            "set auto.create.topics.enable=false; campanile topics create makes what is needed",
        ));
    }
    if text("unclean.leader.election.enable") == Some("true") {
        checks.push(Check::bad(
            NAME,
            "unclean.leader.election.enable=true: a broker that is behind may lead, and confirmed records are lost",
            "set unclean.leader.election.enable=false",
        ));
    }
    if let Some(ms) = number("transaction.max.timeout.ms").filter(|ms| *ms < TRANSACTION_TIMEOUT_MS as i64) {
        checks.push(Check::bad(
            NAME,
            format!("transaction.max.timeout.ms={ms}: no processor can start, it asks for {TRANSACTION_TIMEOUT_MS}"),
            "set transaction.max.timeout.ms=900000, the default",
        ));
    }
    if let Some(ms) = number("group.max.session.timeout.ms").filter(|ms| *ms < 10_000) {
        checks.push(Check::bad(
            NAME,
            format!("group.max.session.timeout.ms={ms}: no processor can join, it asks for 10000"),
            "set group.max.session.timeout.ms=1800000, the default",
        ));
    }
    if let Some(minutes) = number("offsets.retention.minutes").filter(|minutes| *minutes < 7 * 24 * 60) {
        checks.push(Check::warning(
            NAME,
            format!(
                "offsets.retention.minutes={minutes}: after so long without a processor the witness of commits is gone"
            ),
            "set offsets.retention.minutes=10080 or more",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::good(NAME, "nothing that would hurt"));
    }
    checks
}

pub fn clock(reading: ClockReading) -> Check {
    let ClockReading { ahead_ms, round_trip } = reading;
    let error_ms = round_trip.as_millis() as i64 / 2 + 1;
    let off = ahead_ms.abs() - error_ms;
    let found = format!("the broker is {ahead_ms:+} ms from this machine, give or take {error_ms} ms");
    let remedy = "let both keep time with NTP (chrony); log time is the brokers'";
    if off > CLOCK_OFF_BAD_MS {
        Check::bad("clock", found, remedy)
    } else if off > CLOCK_OFF_WARN_MS {
        Check::warning("clock", found, remedy)
    } else {
        Check::good("clock", found)
    }
}

pub fn group(group: &Group, shards: u16) -> Check {
    let count = group.members.len();
    let names: Vec<_> = group.members.iter().map(|(client, host)| format!("{client} at {host}")).collect();
    let found = format!("{} {}, {count} members: {}", group.name, group.state.to_lowercase(), names.join(", "));
    match (group.state.as_str(), count) {
        ("Stable", _) if count > usize::from(shards) => {
            let remedy =
                format!("{shards} shards keep {shards} processes busy; end the others, or keep them as spares");
            Check::warning("group", found, remedy)
        }
        ("Stable", _) => Check::good("group", found),
        (_, 0) => Check::bad(
            "group",
            format!("{} has no members: nobody judges events", group.name),
            "start one: campanile processor --kafka BROKERS --instance NAME; if one runs, this user lacks DESCRIBE on the group",
        ),
        _ => Check::warning(
            "group",
            found,
            "members join or leave at this moment; if it stays so, look for processes that restart, or share an instance name",
        ),
    }
}

/// Records that wait, and lanes that cannot be read on.
pub fn progress(shards: &[Progress]) -> Vec<Check> {
    let mut waiting = Vec::new();
    let mut pinned = Vec::new();
    let mut total = 0;
    for it in shards {
        let next = it.committed.as_ref().map_or(it.stable.start, |(offset, _)| *offset);
        let lag = it.stable.end.saturating_sub(next);
        total += lag;
        if lag > LAG_RECORDS_WARN {
            waiting.push(format!("shard {}: {lag}", it.shard));
        }
        if it.high > it.stable.end {
            pinned.push(format!("shard {}: {} records", it.shard, it.high - it.stable.end));
        }
    }
    let lag = if waiting.is_empty() {
        Check::good("lag", format!("{total} records wait on {} shards", shards.len()))
    } else {
        let remedy = "add processors up to the number of shards, and look at campanile_halted and the log";
        Check::warning("lag", format!("records wait: {}", waiting.join(", ")), remedy)
    };
    let open = if pinned.is_empty() {
        Check::good("open transactions", "none holds a lane back")
    } else {
        Check::warning(
            "open transactions",
            format!("a producer's open transaction hides {}", pinned.join(", ")),
            "run this again: if it stays, find it with kafka-transactions.sh find-hanging and let it commit or abort; \
             senders need no transaction",
        )
    };
    vec![lag, open]
}

/// How well senders' keys find their partitions, by a sample of (partition, record) of the events.
pub fn producers(sample: &[(u16, Stored)], partitions: u16) -> Check {
    const NAME: &str = "producers";
    if sample.is_empty() {
        return Check::good(NAME, "no event yet to look at");
    }
    let keyless = sample.iter().filter(|(_, stored)| stored.record.key.is_none()).count();
    let strays = |(partition, stored): &&(u16, Stored)| {
        stored.record.key.as_deref().is_some_and(|key| partition_of(key, partitions) != *partition)
    };
    let strayed = sample.iter().filter(strays).count();
    let percent = |count: usize| count * 100 / sample.len();
    let found = format!(
        "of the last {} events {} % have no key, {} % lie where murmur2 of their key does not point",
        sample.len(),
        percent(keyless),
        percent(strayed)
    );
    if percent(keyless) >= SHARE_WARN {
        let remedy =
            "key records by routing key: order per alert is promised only so, and each keyless event may take a hop";
        Check::warning(NAME, found, remedy)
    } else if percent(strayed) >= SHARE_WARN {
        let remedy =
            "each such event takes a hop; set partitioner=murmur2_random in librdkafka clients, whose default is CRC32";
        Check::warning(NAME, found, remedy)
    } else {
        Check::good(NAME, found)
    }
}

/// What this user may do, against what a role needs.
pub fn permissions(allowed: &HashMap<String, BTreeSet<String>>) -> Check {
    const NAME: &str = "permissions";
    if allowed.is_empty() {
        let remedy = "give this user DESCRIBE on the topics, or ask as the processors' user with --kafka-option";
        return Check::unknown(NAME, "the brokers tell this user nothing about the ledger's topics", remedy);
    }
    let lacks = |(topic, operations): (&String, &BTreeSet<String>)| {
        let missing: Vec<_> =
            ["READ", "WRITE", "DESCRIBE"].into_iter().filter(|it| !operations.contains(*it)).collect();
        (!missing.is_empty()).then(|| format!("{} on {topic}", missing.join(" and ")))
    };
    let mut missing: Vec<_> = allowed.iter().filter_map(lacks).collect();
    missing.sort();
    if missing.is_empty() {
        return Check::good(NAME, format!("this user may read and write all {} topics", allowed.len()));
    }
    let remedy = "kafka-acls.sh --add --allow-principal User:NAME --operation Read --operation Write --operation Describe \
                  --topic campanile. --resource-pattern-type prefixed, and the same for --group and --transactional-id";
    Check::bad(NAME, format!("this user lacks {}", missing.join("; ")), remedy)
}

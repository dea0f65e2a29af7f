//! The table of options.

use super::form::Form;

/// One thing that an operator may set.
#[derive(Debug)]
pub struct Opt {
    /// `section.key`, or a bare key at the top of the file.
    pub key: &'static str,
    pub form: Form,
    /// As it would be written; `None` where the program chooses.
    pub default: Option<&'static str>,
    /// What it means, its unit, and why the default is what it is.
    pub help: &'static str,
}

impl Opt {
    /// `CAMPANILE_GATEWAY_LISTEN` for `gateway.listen`.
    pub fn variable(&self) -> String {
        format!("CAMPANILE_{}", self.key.replace(['.', '-'], "_").to_uppercase())
    }

    /// The part before the dot; empty at the top of the file.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(section, _)| section)
    }

    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }
}

/// Every option, in the order of `config show`.
pub const ALL: &[Opt] = &[
    Opt {
        key: "public_url",
        form: Form::Url,
        default: None,
        help: "Base of the links in records, as people reach this server. Default: the gateway's own address.",
    },
    Opt {
        key: "ledger.data",
        form: Form::Text,
        default: Some("./campanile-data"),
        help: "The data directory: everything durable lives here. One server at a time.",
    },
    Opt {
        key: "ledger.shards",
        form: Form::Whole { least: 1, most: 1000 },
        default: None,
        help: "Shards of a new ledger; fixed when it is made. Default: what the ledger has, or 4 for a new one.",
    },
    Opt {
        key: "ledger.free_space_floor",
        form: Form::Size,
        default: Some("512 MiB"),
        help: "Below this much free space input stops (503, nothing is lost) and goes on when there is space again.",
    },
    Opt {
        key: "ledger.block_cache",
        form: Form::Size,
        default: Some("128 MiB"),
        help: "Memory for the database's block cache.",
    },
    Opt {
        key: "retention.inputs_hours",
        form: Form::Whole { least: 1, most: 1_000_000 },
        default: Some("24"),
        help: "Hours that records of events, triage, commands, pages and answers are kept.",
    },
    Opt {
        key: "retention.inputs_size",
        form: Form::Size,
        default: Some("2 GiB"),
        help: "Bytes of events, triage, commands, pages and answers that each partition keeps at most; whichever bound comes first. What is not judged yet stays.",
    },
    Opt {
        key: "retention.outputs_hours",
        form: Form::Whole { least: 1, most: 1_000_000 },
        default: Some("168"),
        help: "Hours that records of incidents, alerts, dead-letters and notifications are kept.",
    },
    Opt {
        key: "retention.outputs_size",
        form: Form::Size,
        default: Some("2 GiB"),
        help: "Bytes of incidents, alerts, dead-letters and notifications that each partition keeps at most; whichever bound comes first. What is not judged yet stays.",
    },
    Opt {
        key: "retention.steps_hours",
        form: Form::Whole { least: 1, most: 1_000_000 },
        default: Some("24"),
        help: "Hours that records of steps are kept.",
    },
    Opt {
        key: "retention.steps_size",
        form: Form::Size,
        default: Some("1 GiB"),
        help: "Bytes of steps that each partition keeps at most; whichever bound comes first. What is not judged yet stays.",
    },
    Opt {
        key: "gateway.listen",
        form: Form::Address,
        default: Some("127.0.0.1:8080"),
        help: "Address and port of the HTTP door. Port 0 takes a free one. It has no TLS: keep it local or behind a proxy.",
    },
    Opt {
        key: "gateway.connections",
        form: Form::Whole { least: 1, most: 1_000_000 },
        default: Some("10000"),
        help: "Most open connections; more wait. Each may take a file descriptor.",
    },
    Opt {
        key: "gateway.connections_per_address",
        form: Form::Whole { least: 1, most: 1_000_000 },
        default: Some("5000"),
        help: "Most open connections from one address; more are closed. Half of all, because a proxy is one address.",
    },
    Opt {
        key: "gateway.events_per_key_per_minute",
        form: Form::Whole { least: 1, most: 4_000_000_000 },
        default: None,
        help: "Above it a routing key's events are answered 429 and not stored. Default: no limit. PagerDuty allows about 120.",
    },
    Opt {
        key: "gateway.body_memory",
        form: Form::Size,
        default: Some("256 MiB"),
        help: "Memory for bodies that are not durable yet; above it the answer is 503. 512 bodies of the largest size.",
    },
    Opt {
        key: "gateway.drain_notice",
        form: Form::Seconds { most: 600 },
        default: Some("0"),
        help: "Seconds for which readiness is false before the door closes: as long as a load balancer needs to notice.",
    },
    Opt {
        key: "processor.threads",
        form: Form::Whole { least: 1, most: 1000 },
        default: None,
        help: "Threads that step shards. Default: one per shard, at most the machine's cores.",
    },
    Opt {
        key: "processor.steps",
        form: Form::Switch,
        default: Some("true"),
        help: "Whether each commit notes what it consumed on campanile.steps, so that decisions can be replayed.",
    },
    Opt {
        key: "notifier.run",
        form: Form::Switch,
        default: Some("true"),
        help: "Whether `campanile up` runs the notifier: without it incidents are made, and nobody is assigned or paged.",
    },
    Opt {
        key: "notifier.threads",
        form: Form::Whole { least: 1, most: 1000 },
        default: Some("1"),
        help: "Threads that step the notifier's shards. Pages are few: one steps all shards in turn.",
    },
    Opt {
        key: "notifier.deliveries_per_channel",
        form: Form::Whole { least: 1, most: 1000 },
        default: Some("16"),
        help: "Pages of one channel that are on their way to its provider at once; more wait, the most urgent first.",
    },
    Opt {
        key: "notifier.priority_delays",
        form: Form::Text,
        default: Some("P1=0, P2=900, P3=3600"),
        help: "Seconds that an incident of each priority waits for its first level; a priority that is not listed, and none, do not wait.",
    },
    Opt {
        key: "notifier.patience",
        form: Form::Seconds { most: 3600 },
        default: Some("15"),
        help: "Seconds that the processor may take to confirm a step before the page goes out unconfirmed.",
    },
    Opt {
        key: "notifier.last_resort",
        form: Form::Text,
        default: None,
        help: "Ids of users, with commas between, who are paged when nobody is on call at any level. Default: nobody; the policy is looked at again until somebody is.",
    },
    Opt {
        key: "notifier.gap_routing_key",
        form: Form::Secret,
        default: None,
        help: "Integration key that gets an event when nobody is on call at any level of a policy. Default: none, it is told on campanile.notifications only.",
    },
    Opt {
        key: "door.socket",
        form: Form::Text,
        default: None,
        help: "Path of the operator's door. Default: campanile.sock in the data directory.",
    },
    Opt {
        key: "drain.within",
        form: Form::Seconds { most: 3600 },
        default: Some("30"),
        help: "Seconds that a stopping server waits for its work to be committed. What is not is judged at the next start.",
    },
    Opt {
        key: "log.format",
        form: Form::OneOf(&["text", "json"]),
        default: Some("text"),
        help: "text for people, json for a collector. Logs go to standard error.",
    },
    Opt {
        key: "log.level",
        form: Form::LogLevel,
        default: Some("info"),
        help: "error, warn, info, debug, trace or off; or directives such as info,campanile_processor=debug.",
    },
];

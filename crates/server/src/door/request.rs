//! What may be asked, as it stands on the wire.

use std::collections::BTreeMap;

use campanile_ledger::Topic;
use serde::{Deserialize, Deserializer};

/// Records that one read gives when nobody says how many.
const READ_MAX_DEFAULT: u64 = 1000;
/// Rows that one request gives when nobody says how many.
const ROWS_LIMIT_DEFAULT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    Append {
        #[serde(deserialize_with = "topic")]
        topic: Topic,
        #[serde(default)]
        partition: Option<u16>,
        records: Vec<NewRecord>,
    },
    Read {
        #[serde(deserialize_with = "topic")]
        topic: Topic,
        #[serde(default)]
        partition: u16,
        #[serde(default)]
        from: From,
        #[serde(default = "read_max")]
        max: u64,
        #[serde(default)]
        follow: bool,
    },
    Ends {
        #[serde(deserialize_with = "topic")]
        topic: Topic,
    },
    Card {},
    Status {},
    Rows {
        shard: u16,
        kind: String,
        #[serde(default)]
        after: Option<String>,
        #[serde(default = "rows_limit")]
        limit: usize,
    },
    DirectoryApply {
        files: Vec<NewObject>,
        #[serde(default)]
        prune: bool,
        #[serde(default)]
        dry_run: bool,
    },
    Directory {},
    Webhooks {},
    WebhookPing {
        id: String,
    },
    WebhookEnable {
        id: String,
    },
    Command {
        command: serde_json::Value,
    },
}

/// Where a read begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Start,
    End,
    Offset(u64),
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Number(u64),
            Word(String),
        }
        match Wire::deserialize(deserializer) {
            Ok(Wire::Number(offset)) => Ok(Self::Offset(offset)),
            Ok(Wire::Word(word)) if word == "start" => Ok(Self::Start),
            Ok(Wire::Word(word)) if word == "end" => Ok(Self::End),
            _ => Err(serde::de::Error::custom("\"from\" must be an offset, \"start\" or \"end\"")),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub value_base64: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// One object of a directory: `kind` is the name of its folder, `json` the text of its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewObject {
    pub kind: String,
    pub id: String,
    /// The path as messages show it.
    #[serde(default)]
    pub name: Option<String>,
    pub json: String,
}

fn read_max() -> u64 {
    READ_MAX_DEFAULT
}

fn rows_limit() -> usize {
    ROWS_LIMIT_DEFAULT
}

fn topic<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Topic, D::Error> {
    let name = String::deserialize(deserializer)?;
    Topic::parse(&name).ok_or_else(|| serde::de::Error::custom(unknown_topic(&name)))
}

/// The message for a name that is no topic's.
pub fn unknown_topic(name: &str) -> String {
    let known = Topic::ALL.map(|topic| topic.name().trim_start_matches("campanile."));
    format!("topic \"{name}\" is not known; topics are {}", known.join(", "))
}

//! `campanile send`: one event.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use campanile_pagerduty::events_v2::answer::INVALID_ROUTING_KEY;
use campanile_pagerduty::events_v2::{Decoder, validate_request};
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::{Map, Value, json};

use super::at::At;
use crate::client::NotAllowed;
use crate::http::Http;
use crate::print::say;

/// Where events go when neither a URL nor a server's data is named and no socket lies in the default place.
const URL_DEFAULT: &str = "http://127.0.0.1:8080";
/// The exit code for an event that did not arrive and may be sent again.
const NOT_DELIVERED: u8 = 3;
/// The exit code for a wrong use, as clap has it: the same call cannot succeed.
const MISUSED: u8 = 2;
/// The path of the door for events; people copy it into the URL, where it may stand.
const PATH: &str = "/v2/enqueue";

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile send --routing-key KEY --summary 'Disk full on db-1' --source db-1 --severity critical
  campanile send --routing-key KEY --action resolve --dedup-key db-1/disk
  campanile send --routing-key KEY --summary Slow --source api --detail p99=2.1s --detail region=eu
  jq . event.json | campanile send --json -

Goes to --url if given; otherwise to the Kafka cluster or the socket that is named, or the socket in ./campanile-data;
where no socket is, to http://127.0.0.1:8080.

Prints the event's dedup key on standard output; a later event with the same key updates the same alert.
Exit codes: 0 accepted and durable, 1 refused (do not repeat it), 2 used wrongly, 3 not delivered (repeat it).")]
pub(super) struct Args {
    /// Integration key of the service, 32 characters
    #[arg(long, value_name = "KEY", env = "CAMPANILE_ROUTING_KEY", hide_env_values = true)]
    routing_key: Option<String>,
    /// What happened to the alert [default: trigger]
    #[arg(long, value_enum)]
    action: Option<Action>,
    /// Names the alert; made if absent on trigger, needed otherwise
    #[arg(long, value_name = "KEY")]
    dedup_key: Option<String>,
    /// What is wrong, in one line
    #[arg(long)]
    summary: Option<String>,
    /// What is broken: a host, a service
    #[arg(long)]
    source: Option<String>,
    /// critical, error, warning or info [default: error]
    #[arg(long)]
    severity: Option<String>,
    /// Part of the source, such as a disk or a queue
    #[arg(long)]
    component: Option<String>,
    /// What kind of thing is wrong, such as disk or latency
    #[arg(long)]
    class: Option<String>,
    /// Logical group, such as prod-datapipe
    #[arg(long)]
    group: Option<String>,
    /// One entry of custom_details; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = detail)]
    detail: Vec<(String, String)>,
    /// A whole event as JSON, from a file or - for standard input; other flags are laid over it
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    /// Send over HTTP to this server or proxy [default: the socket, or http://127.0.0.1:8080 where none is]
    #[arg(long, value_name = "URL", env = "CAMPANILE_URL")]
    url: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

fn detail(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        Err("the name is empty; write NAME=VALUE".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let event = event(&args)?;
    let dedup_key = event["dedup_key"].as_str().unwrap_or_default().to_owned();
    let body = event.to_string().into_bytes();
    if let Some(problems) = problems(&body) {
        say(&format!("the event is invalid: {problems}"));
        return Ok(ExitCode::FAILURE);
    }
    let sent = match &args.url {
        Some(url) => over_http(url, &body),
        None if args.at.is_named() || args.at.socket().exists() => over_door(&args.at, &event),
        None => over_http(URL_DEFAULT, &body),
    };
    match sent {
        Ok(Sent::Accepted) => {
            println!("{dedup_key}");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Sent::Refused(why)) => {
            say(&format!("the event was refused: {why}"));
            Ok(ExitCode::FAILURE)
        }
        Ok(Sent::Misused(why)) => {
            say(&format!("the event was not sent: {why}"));
            Ok(ExitCode::from(MISUSED))
        }
        Ok(Sent::NotDelivered(why)) => {
            say(&format!("the event was not delivered, send it again: {why}"));
            Ok(ExitCode::from(NOT_DELIVERED))
        }
        Err(error) => {
            say(&format!("the event was not delivered, send it again: {error:#}"));
            Ok(ExitCode::from(NOT_DELIVERED))
        }
    }
}

/// The event: what `--json` gave, flags over it, a dedup key in it.
fn event(args: &Args) -> Result<Value> {
    let mut event = match &args.json {
        Some(path) => read_event(path)?,
        None => Map::new(),
    };
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            event.insert(name.to_owned(), value.into());
        }
    };
    set("routing_key", args.routing_key.as_deref());
    set("event_action", args.action.map(Action::as_str));
    set("dedup_key", args.dedup_key.as_deref());
    event.entry("event_action").or_insert("trigger".into());
    if event["event_action"] == "trigger" {
        let is_given =
            event.get("dedup_key").is_some_and(|key| !key.as_str().is_some_and(str::is_empty) && !key.is_null());
        if !is_given {
            event.insert("dedup_key".to_owned(), new_key()?.into());
        }
        let payload = event.entry("payload").or_insert_with(|| json!({}));
        if let Some(payload) = payload.as_object_mut() {
            fill_payload(payload, args);
        }
    }
    Ok(Value::Object(event))
}

fn fill_payload(payload: &mut Map<String, Value>, args: &Args) {
    let texts = [
        ("summary", &args.summary),
        ("source", &args.source),
        ("severity", &args.severity),
        ("component", &args.component),
        ("class", &args.class),
        ("group", &args.group),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            payload.insert(name.to_owned(), value.as_str().into());
        }
    }
    payload.entry("severity").or_insert("error".into());
    if !args.detail.is_empty() {
        let details: BTreeMap<_, _> = args.detail.iter().cloned().collect();
        let given = payload.entry("custom_details").or_insert_with(|| json!({}));
        if let Some(given) = given.as_object_mut() {
            given.extend(details.into_iter().map(|(name, value)| (name, value.into())));
        }
    }
}

fn read_event(path: &Path) -> Result<Map<String, Value>> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
    };
    match serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))? {
        Value::Object(event) => Ok(event),
        _ => Err(anyhow!("{} must hold one JSON object", path.display())),
    }
}

/// A dedup key of our own: 32 hexadecimal digits, as PagerDuty makes them.
pub(super) fn new_key() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// What the gateway would say; asked before, because behind the door nobody answers.
fn problems(body: &[u8]) -> Option<String> {
    let mut decoder = Decoder::default();
    // Decoding takes its input apart.
    let mut bytes = body.to_vec();
    match decoder.decode(&mut bytes) {
        Err(error) => Some(error.to_string()),
        Ok(event) => {
            let problems = validate_request(&event).err()?;
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Some(texts.join("; "))
        }
    }
}

enum Sent {
    Accepted,
    Refused(String),
    /// The call is wrong, not the event and not the moment.
    Misused(String),
    NotDelivered(String),
}

fn over_http(url: &str, body: &[u8]) -> Result<Sent> {
    let base = url.trim_end_matches('/');
    let mut http = match Http::new(base.strip_suffix(PATH).unwrap_or(base)) {
        Ok(http) => http,
        Err(error) => return Ok(Sent::Misused(format!("{error:#}"))),
    };
    let answer = http.post(PATH, body)?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    Ok(match answer.status {
        202 => Sent::Accepted,
        429 | 500.. => Sent::NotDelivered(format!("{url} answered {}: {text}", answer.status)),
        status => Sent::Refused(format!("{url} answered {status}: {text}")),
    })
}

fn over_door(at: &At, event: &Value) -> Result<Sent> {
    let mut client = match at.connect() {
        Err(error) if error.is::<NotAllowed>() => return Ok(Sent::Misused(format!("{error:#}"))),
        client => client?,
    };
    // The gateway asks the directory; behind the door an unknown key would end among the dead letters.
    let key = &event["routing_key"];
    if !client.objects()?.iter().any(|object| has_key(&object.body, key)) {
        let help = "no service has it, see `campanile directory show services`";
        return Ok(Sent::Refused(format!("{INVALID_ROUTING_KEY}: {help}")));
    }
    let record = json!({ "key": key, "value": event.to_string() });
    client.ask_once(&json!({ "op": "append", "topic": "events", "records": [record] }))?;
    Ok(Sent::Accepted)
}

/// Whether an integration of the object has this key.
fn has_key(object: &Value, key: &Value) -> bool {
    object["integrations"].as_array().is_some_and(|list| list.iter().any(|it| it["integration_key"] == *key))
}

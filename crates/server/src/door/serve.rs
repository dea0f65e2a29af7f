//! One request and its answer.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::request::Request;
use super::{Ports, append, command, directory, read, rows, status, webhooks};
use crate::supervise::Stop;

/// Members of the last line of an answer, beside `"done":true`.
pub(super) type Done = Map<String, Value>;

/// Why there is no answer.
pub(super) enum Refusal {
    /// The asker is told, and may ask on.
    Said { error: String, more: Done },
    /// The asker is gone.
    Gone(io::Error),
}

impl Refusal {
    pub(super) fn said(error: impl Into<String>) -> Self {
        Self::Said { error: error.into(), more: Done::new() }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

pub(super) type Answer = Result<Done, Refusal>;

/// Who asks: where lines go, and whether they still listen.
pub(super) trait Asker {
    fn out(&mut self) -> &mut dyn Write;

    /// Sends what was written on its way.
    fn flush(&mut self) -> io::Result<()>;

    /// Nobody reads any more.
    fn has_left(&mut self) -> bool;
}

/// Members of a `json!` object.
pub(super) fn members(value: Value) -> Done {
    match value {
        Value::Object(members) => members,
        _ => Done::new(),
    }
}

/// Answers one line.
///
/// # Errors
/// The asker cannot be written to.
pub(super) fn answer(ports: &Ports, line: &[u8], asker: &mut dyn Asker, stop: &Stop) -> io::Result<()> {
    let outcome = match serde_json::from_slice::<Request>(line) {
        Ok(request) => dispatch(ports, request, asker, stop),
        Err(error) => Err(Refusal::said(format!("not a request: {error}"))),
    };
    let last = match outcome {
        Ok(mut done) => {
            done.insert("done".to_owned(), json!(true));
            done
        }
        Err(Refusal::Said { error, mut more }) => {
            more.insert("error".to_owned(), json!(error));
            more
        }
        Err(Refusal::Gone(error)) => return Err(error),
    };
    write_line(asker, &Value::Object(last))?;
    asker.flush()
}

pub(super) fn write_line(asker: &mut dyn Asker, line: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *asker.out(), line)?;
    asker.out().write_all(b"\n")
}

fn dispatch(ports: &Ports, request: Request, asker: &mut dyn Asker, stop: &Stop) -> Answer {
    match request {
        Request::Append { topic, partition, records } => append::append(ports, topic, partition, records),
        Request::Read { topic, partition, from, max, follow } => {
            read::read(ports, read::Range { topic, partition, from, max, follow }, asker, stop)
        }
        Request::Ends { topic } => Ok(read::ends(ports, topic)),
        Request::Card {} => Ok(status::card(ports)),
        Request::Status {} => Ok(status::status(ports)),
        Request::Rows { shard, kind, after, limit } => {
            rows::rows(ports, rows::Page { shard, kind, after, limit }, asker)
        }
        Request::DirectoryApply { files, prune, dry_run } => directory::apply(ports, files, prune, dry_run),
        Request::Directory {} => directory::show(ports, asker),
        Request::Webhooks {} => webhooks::list(ports, asker),
        Request::WebhookPing { id } => webhooks::ping(ports, &id),
        Request::WebhookEnable { id } => webhooks::enable(ports, &id),
        Request::Command { command } => command::command(ports, &command, stop),
    }
}

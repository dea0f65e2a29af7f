//! Talking to the door: that of a running server through its socket, or on Kafka the one that the command line is itself.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use campanile_pagerduty::objects::Diagnostic;
use serde_json::{Value, json};

use crate::desk::Desk;

/// The door said no.
#[derive(Debug)]
pub struct Refused {
    pub message: String,
    /// Problems of a directory, if it was one.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

/// The socket is not ours to use. Trying again helps only as another user.
#[derive(Debug)]
pub struct NotAllowed(PathBuf);

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.display();
        write!(f, "{shown} may be used only by the user that runs the server, and root; become one of them")
    }
}

impl std::error::Error for NotAllowed {}

/// One object of the running server's organisation.
pub struct Object {
    /// The name of its kind's folder, such as `services`.
    pub kind: String,
    pub id: String,
    /// What stands inside PagerDuty's wrapper.
    pub body: Value,
}

/// A connection to the door.
pub enum Client {
    Socket(Socket),
    Kafka(Arc<Desk>),
}

/// The door of a running server.
pub struct Socket {
    path: PathBuf,
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the socket of a running server.
    ///
    /// # Errors
    /// No server is there: with how to start one.
    pub fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path).map_err(|error| {
            let shown = path.display();
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => anyhow!(
                    "no server answers at {shown}; start one with `campanile up`, or name its data directory with --data"
                ),
                ErrorKind::PermissionDenied => NotAllowed(path.to_owned()).into(),
                _ => anyhow!("{shown} cannot be connected to: {error}"),
            }
        })?;
        Ok(Self::Socket(Socket { path: path.to_owned(), reader: BufReader::new(stream) }))
    }

    /// One more conversation with the same door, for a thread of its own.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn another(&self) -> Result<Self> {
        match self {
            Self::Socket(socket) => Self::connect(&socket.path),
            Self::Kafka(desk) => Ok(Self::Kafka(Arc::clone(desk))),
        }
    }

    /// Asks, hands every line before the last to `take`, and gives the last.
    ///
    /// # Errors
    /// The door refuses ([`Refused`]), or the server is gone.
    pub fn ask(&mut self, request: &Value, mut take: impl FnMut(Value) -> Result<()>) -> Result<Value> {
        match self {
            Self::Socket(socket) => {
                socket.send(request)?;
                loop {
                    match end(socket.next()?)? {
                        Line::More(line) => take(line)?,
                        Line::Last(line) => return Ok(line),
                    }
                }
            }
            Self::Kafka(desk) => {
                let mut last = None;
                desk.ask(request, &mut |line| match end(line)? {
                    Line::More(line) => take(line),
                    Line::Last(line) => {
                        last = Some(line);
                        Ok(())
                    }
                })?;
                last.context("the door gave no answer")
            }
        }
    }

    /// Asks for one line only.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn ask_once(&mut self, request: &Value) -> Result<Value> {
        self.ask(request, |_| Ok(()))
    }

    /// Every object of the organisation that the server has now.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn objects(&mut self) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        self.ask(&json!({ "op": "directory" }), |line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default();
            let wrapper: Value = serde_json::from_str(text("json")).unwrap_or_default();
            let body = wrapper.as_object().and_then(|wrapper| wrapper.values().next()).cloned().unwrap_or_default();
            objects.push(Object { kind: text("kind").to_owned(), id: text("id").to_owned(), body });
            Ok(())
        })?;
        Ok(objects)
    }

    /// Every row of a kind on every shard, page by page.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn rows(&mut self, kind: &str, mut take: impl FnMut(Value) -> Result<()>) -> Result<()> {
        let shards = self.ask_once(&json!({ "op": "card" }))?["shards"].as_u64().unwrap_or(0);
        for shard in 0..shards {
            let mut after = Value::Null;
            loop {
                let page = json!({ "op": "rows", "shard": shard, "kind": kind, "after": after, "limit": 1000 });
                let last = self.ask(&page, |mut line| take(line["value"].take()))?;
                after = last["after"].clone();
                if after.is_null() {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Socket {
    fn gone(&self) -> String {
        format!("the server behind {} went away", self.path.display())
    }

    fn send(&self, request: &Value) -> Result<()> {
        let mut bytes = serde_json::to_vec(request)?;
        bytes.push(b'\n');
        self.reader.get_ref().write_all(&bytes).with_context(|| self.gone())
    }

    fn next(&mut self) -> Result<Value> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line).with_context(|| self.gone())? == 0 {
            bail!("{} before it answered", self.gone());
        }
        serde_json::from_slice(&line).context("the server answered with something else than JSON")
    }
}

enum Line {
    More(Value),
    Last(Value),
}

/// Whether an answer ends with this line.
fn end(line: Value) -> Result<Line> {
    if let Some(message) = line["error"].as_str() {
        let diagnostics = line["diagnostics"].as_array().map(|list| list.iter().map(diagnostic).collect());
        return Err(Refused { message: message.to_owned(), diagnostics: diagnostics.unwrap_or_default() }.into());
    }
    Ok(if line["done"] == json!(true) { Line::Last(line) } else { Line::More(line) })
}

fn diagnostic(json: &Value) -> Diagnostic {
    let number = |name: &str| json[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(1);
    Diagnostic {
        file: json["file"].as_str().unwrap_or_default().to_owned(),
        line: number("line"),
        column: number("column"),
        message: json["message"].as_str().unwrap_or_default().to_owned(),
        help: json["help"].as_str().map(str::to_owned),
    }
}

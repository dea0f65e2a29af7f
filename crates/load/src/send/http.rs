//! Through the gateway: `POST /v2/enqueue` over HTTP/1.1 with kept connections.
//!
//! By hand over a socket: one request in flight per connection, a fixed head, an answer of a few headers. A client
//! library would cost more CPU than the server spends on the event, on the same machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Backoff, Common, Tally};
use crate::hostile::Door;
use crate::journal::{Event, Journal};

/// Longest wait for an answer or a connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer body, in bytes; the gateway's are below 300.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest line of an answer's head, and most lines.
const HEAD_LINE_BYTES_MAX: u64 = 8192;
const HEAD_LINES_MAX: usize = 100;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The gateway, such as http://127.0.0.1:8080; TLS is not spoken.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    #[command(flatten)]
    pub common: Common,
}

/// Sends over HTTP. Says whether every event was answered 202.
///
/// # Errors
/// The URL is none, the journal cannot be written, or the server is away and no retry was asked for.
pub fn run(options: &Options) -> Result<bool> {
    let authority = authority(&options.url)?.to_owned();
    let retry = options.common.retry;
    let carrier = move |events: Receiver<Event>, journal: &Journal| carry(&authority, retry, &events, journal);
    super::run(&options.common, Door::Http, Arc::new(carrier))
}

fn authority(url: &str) -> Result<&str> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not an http:// URL"))?;
    let authority = rest.trim_end_matches('/');
    ensure!(!authority.is_empty() && !authority.contains('/'), "{url}: give host and port only");
    Ok(authority)
}

fn carry(authority: &str, retry: bool, events: &Receiver<Event>, journal: &Journal) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut connection = Connection { authority: authority.to_owned(), stream: None };
    for event in events {
        let mut backoff = Backoff::new();
        for attempt in 1.. {
            journal.sends(std::slice::from_ref(&event), attempt)?;
            let answer = connection.post(&event.json);
            let again = match &answer {
                Ok(status) => {
                    journal.answered(event.index, attempt, *status)?;
                    *status == 429 || *status >= 500
                }
                Err(error) => {
                    connection.stream = None;
                    journal.lost(std::slice::from_ref(&event), attempt, &format!("{error:#}"))?;
                    true
                }
            };
            if again && retry {
                tally.retries += 1;
                backoff.wait();
                continue;
            }
            tally.answer(answer.map_or_else(|_| "lost".to_owned(), |status| status.to_string()), 1);
            tally.latency.record(Instant::now().saturating_duration_since(event.intended));
            break;
        }
    }
    Ok(tally)
}

struct Connection {
    authority: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection {
    fn post(&mut self, body: &[u8]) -> Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.authority)?,
        };
        let mut request = format!(
            "POST /v2/enqueue HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.authority,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        stream.get_mut().write_all(&request)?;
        let (status, keeps) = read_answer(&mut stream)?;
        if keeps {
            self.stream = Some(stream);
        }
        Ok(status)
    }
}

fn connect(authority: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(authority).with_context(|| format!("{authority} takes no connection"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    Ok(BufReader::new(stream))
}

/// The status, and whether the connection may be used again.
pub fn read_answer(stream: &mut impl BufRead) -> Result<(u16, bool)> {
    let first = head_line(stream)?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|text| text.parse().ok());
    let Some(status) = status else { bail!("{first:?} is no answer") };
    let (mut length, mut keeps) = (None, true);
    for _ in 0..HEAD_LINES_MAX {
        let line = head_line(stream)?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { bail!("{line:?} is no header") };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>().context("content-length is no number")?);
        } else if name.eq_ignore_ascii_case("connection") {
            keeps = !value.trim().eq_ignore_ascii_case("close");
        }
    }
    match length {
        Some(length) => {
            ensure!(length <= BODY_BYTES_MAX, "an answer of {length} bytes");
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
        }
        // Of another length or chunked: its end is not looked for, the connection is given up.
        None => keeps = status == 204,
    }
    Ok((status, keeps))
}

fn head_line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    stream.take(HEAD_LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    ensure!(line.ends_with(b"\n"), "the connection ended within an answer");
    let text = String::from_utf8_lossy(&line);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

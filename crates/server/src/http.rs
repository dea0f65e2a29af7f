//! A small HTTP/1.1 client over one kept connection, for `send` and the demo: one request after the other, bodies with
//! a length. No TLS: a sender behind a proxy with certificates is what curl is for.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

/// Longest wait for a connection, and for each answer.
const WAIT: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Longest line of a head, in bytes.
const LINE_BYTES_MAX: u64 = 16 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

pub struct Http {
    /// As the `Host` header has it.
    host: String,
    /// Path in front of every request's, without a slash at the end.
    prefix: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Http {
    /// A client of `http://host[:port][/prefix]`. Connects with the first request.
    ///
    /// # Errors
    /// The URL is of another kind.
    pub fn new(url: &str) -> Result<Self> {
        if url.starts_with("https://") {
            bail!("{url}: this client speaks no TLS; use curl, or the server's own http address");
        }
        let rest = url.strip_prefix("http://").ok_or_else(|| anyhow!("{url} is no URL; write http://host:port"))?;
        let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            bail!("{url} names no host; write http://host:port");
        }
        if let Some((_, port)) = host.rsplit_once(':')
            && !port.ends_with(']')
            && port.parse::<u16>().is_err()
        {
            bail!("{url}: {port:?} is no port; write http://host:port");
        }
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        Ok(Self { host: host.to_owned(), prefix, stream: None })
    }

    /// Posts JSON and gives the answer. A kept connection that the server has closed meanwhile is made anew, once.
    ///
    /// # Errors
    /// Nobody answers, or not in HTTP.
    pub fn post(&mut self, path: &str, body: &[u8]) -> Result<Answer> {
        let was_kept = self.stream.is_some();
        match self.exchange("POST", path, body) {
            Err(error) if was_kept && is_closed(&error) => self.exchange("POST", path, body),
            other => other,
        }
        .with_context(|| format!("http://{} did not answer", self.host))
    }

    /// Gets a page.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.exchange("GET", path, b"").with_context(|| format!("http://{} did not answer", self.host))
    }

    fn exchange(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(&self.host)?),
        };
        let length = body.len();
        let mut request = format!(
            "{method} {}{path} HTTP/1.1\r\nhost: {}\r\nuser-agent: campanile/{}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n",
            self.prefix,
            self.host,
            env!("CARGO_PKG_VERSION"),
        )
        .into_bytes();
        request.extend_from_slice(body);
        stream.get_ref().write_all(&request)?;
        let (answer, keeps) = read_answer(&mut stream)?;
        if keeps {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn connect(host: &str) -> io::Result<TcpStream> {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let target = if has_port { host.to_owned() } else { format!("{host}:80") };
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{target} has no address"));
    for address in target.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, WAIT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(WAIT))?;
                stream.set_write_timeout(Some(WAIT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// The answer, and whether the connection may be used again.
fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<(Answer, bool)> {
    let status = read_line(stream)?;
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    let status = code.ok_or_else(|| invalid(format!("not an answer in HTTP: {status:?}")))?;
    let (mut length, mut keeps, mut is_chunked) = (None, true, false);
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(format!("not a header: {line:?}")))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<usize>().ok(),
            "connection" => keeps = !value.eq_ignore_ascii_case("close"),
            "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let body = match length {
        _ if is_chunked => read_chunks(stream)?,
        Some(length) if length > ANSWER_BYTES_MAX => return Err(invalid(format!("an answer of {length} bytes"))),
        Some(length) => {
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            body
        }
        None => {
            keeps = false;
            let mut body = Vec::new();
            stream.take(ANSWER_BYTES_MAX as u64).read_to_end(&mut body)?;
            body
        }
    };
    Ok((Answer { status, body }, keeps))
}

fn read_chunks(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| invalid(format!("not a chunk: {line:?}")))?;
        if size == 0 {
            while !read_line(stream)?.is_empty() {}
            return Ok(body);
        }
        if body.len() + size > ANSWER_BYTES_MAX {
            return Err(invalid("an answer that is too long".to_owned()));
        }
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        read_line(stream)?;
    }
}

fn read_line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let text = String::from_utf8_lossy(&line);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

//! The socket: listening, one thread a connection, closing all of them when the server stops.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Ports;
use super::serve::{Asker, answer};
use crate::supervise::{Stop, Supervisor, lock};

/// Most connections at once. Ours: a `tail` of all partitions takes one for each, and a person runs a few of them.
const CONNECTIONS_MAX: usize = 2048;
/// Longest request, in bytes: a whole organisation, or a batch of records, in one line.
const REQUEST_BYTES_MAX: u64 = 64 << 20;
/// Longest path of a Unix socket on Linux, its end included. Source: unix(7), `sun_path`.
const PATH_BYTES_MAX: usize = 108;
/// Pause after an accept that failed, most likely for want of file descriptors, which conversations that end give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Connections = Arc<Mutex<BTreeMap<u64, UnixStream>>>;

/// The open door. Closing it ends every conversation.
pub struct Door {
    path: PathBuf,
    connections: Connections,
}

impl Door {
    /// Opens the door at `path`. The caller holds the lock on the data, so a socket that lies there is a dead one's.
    ///
    /// # Errors
    /// The path is too long, or the file system has no sockets.
    pub fn open(path: &Path, ports: Ports, supervisor: &Supervisor) -> Result<Self> {
        let listener = bind(path)?;
        let connections = Connections::default();
        let door = Self { path: path.to_owned(), connections: Arc::clone(&connections) };
        supervisor.spawn("door", move |stop| listen(&listener, &ports, &connections, &stop))?;
        Ok(door)
    }

    /// Takes the socket away and hangs up on everybody. Set the supervisor's stop first.
    pub fn close(self) {
        // Wakes the listener, which then sees the stop. If the socket was removed, it sleeps until the process ends.
        let _ = UnixStream::connect(&self.path);
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.path);
        for stream in lock(&self.connections).values() {
            // One that has left needs no shutdown.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Binds inside a directory that only we can enter and moves the socket out when its mode is right: at no moment can
/// anybody else connect.
fn bind(path: &Path) -> Result<UnixListener> {
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    let hall = parent.join(".door");
    let inside = hall.join("s");
    let longest = path.as_os_str().len().max(inside.as_os_str().len());
    if longest >= PATH_BYTES_MAX {
        bail!(
            "the operator's door cannot be opened at {}: a socket's path has at most {} bytes; \
             choose a shorter one with door.socket or CAMPANILE_DOOR_SOCKET",
            path.display(),
            PATH_BYTES_MAX - 1
        );
    }
    let open = || -> io::Result<UnixListener> {
        // Left by a start that was killed in between.
        let _ = fs::remove_dir_all(&hall);
        fs::DirBuilder::new().mode(0o700).create(&hall)?;
        let listener = UnixListener::bind(&inside)?;
        fs::set_permissions(&inside, fs::Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        fs::remove_dir(&hall)?;
        Ok(listener)
    };
    open().with_context(|| format!("the operator's door cannot be opened at {}", path.display()))
}

fn listen(listener: &UnixListener, ports: &Ports, connections: &Connections, stop: &Stop) -> Result<()> {
    let numbers = AtomicU64::new(0);
    while !stop.is_set() {
        let accepted = listener.accept();
        if stop.is_set() {
            break;
        }
        // Out of descriptors, or the asker left at once: neither is a reason to close the door.
        let welcomed = accepted.and_then(|(stream, _)| {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            welcome(stream, number, ports, connections, stop)
        });
        if let Err(error) = welcomed {
            tracing::warn!(%error, "a connection to the operator's door was dropped");
            stop.wait(ACCEPT_PAUSE);
        }
    }
    Ok(())
}

fn welcome(stream: UnixStream, number: u64, ports: &Ports, connections: &Connections, stop: &Stop) -> io::Result<()> {
    let mut open = lock(connections);
    if open.len() >= CONNECTIONS_MAX {
        drop(open);
        return writeln!(&stream, "{{\"error\":\"{CONNECTIONS_MAX} connections are open already; close some\"}}");
    }
    open.insert(number, stream.try_clone()?);
    drop(open);
    let (ports, connections, stop) = (ports.clone(), Arc::clone(connections), stop.clone());
    let talk = move || {
        if let Err(error) = converse(&ports, &stream, &stop) {
            tracing::debug!(%error, "a conversation at the operator's door broke off");
        }
        lock(&connections).remove(&number);
    };
    // Not supervised: a conversation may end whenever its asker likes.
    std::thread::Builder::new().name(format!("door-{number}")).spawn(talk).map(drop)
}

fn converse(ports: &Ports, stream: &UnixStream, stop: &Stop) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut conversation = Conversation { stream, out: BufWriter::new(stream) };
    let mut line = Vec::new();
    while !stop.is_set() {
        line.clear();
        if (&mut reader).take(REQUEST_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && line.len() as u64 >= REQUEST_BYTES_MAX {
            writeln!(
                conversation.out,
                "{{\"error\":\"a request has at most {REQUEST_BYTES_MAX} bytes; send several\"}}"
            )?;
            return conversation.flush();
        }
        if !line.trim_ascii().is_empty() {
            answer(ports, &line, &mut conversation, stop)?;
        }
    }
    Ok(())
}

struct Conversation<'a> {
    stream: &'a UnixStream,
    out: BufWriter<&'a UnixStream>,
}

impl Asker for Conversation<'_> {
    fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Looks whether the other end was closed. Whatever was sent meanwhile is read away: who follows has nothing to say.
    fn has_left(&mut self) -> bool {
        if self.stream.set_nonblocking(true).is_err() {
            return true;
        }
        let mut rest = [0; 256];
        let mut stream = self.stream;
        let has_left = match stream.read(&mut rest) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        has_left || self.stream.set_nonblocking(false).is_err()
    }
}

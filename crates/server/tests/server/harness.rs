//! Running the binary: a server that is killed when its test ends, and commands that are waited for.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The key of api-gateway in the seed's organisation.
pub(crate) const KEY: &str = "e223d895e36d0b1a54f468765b42d71b";

/// Longest wait for anything that a server does. Generous: a machine under test is busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn seed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/seed-organisation")
}

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn campanile() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CAMPANILE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    campanile().args(arguments).output().expect("the binary starts")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Calls `look` until it gives something. Processes have no other way to be waited for.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) data: PathBuf,
}

impl Server {
    /// Starts on `data` with the seed's organisation.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &["--directory", &seed().display().to_string()])
    }

    pub(crate) fn start_with(data: &Path, more: &[&str]) -> Self {
        let mut command = campanile();
        command.arg("up").arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--log-level", "warn"]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it listens");
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let output = child.wait_with_output().expect("it ends");
            panic!("no server: {}", err(&output));
        };
        Self { url: url.to_owned(), data: data.to_owned(), child }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("kill is there");
        assert!(status.success());
    }

    /// Waits until it has ended; gives its status and what it said.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = eventually("the server's end", || self.child.try_wait().expect("it can be asked"));
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said).expect("it is text");
        }
        (status, said)
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// A command on this server's data.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let data = self.data.display().to_string();
        campanile().args(arguments).args(["--data", &data]).output().expect("the binary starts")
    }

    /// One exchange at the door: the lines before the last, and the last.
    pub(crate) fn ask(&self, request: &Value) -> (Vec<Value>, Value) {
        let stream = UnixStream::connect(self.data.join("campanile.sock")).expect("the door is open");
        writeln!(&stream, "{request}").expect("it reads");
        let mut lines = Vec::new();
        for line in BufReader::new(&stream).lines() {
            let line: Value = serde_json::from_str(&line.expect("it answers")).expect("in JSON");
            if line["done"] == true || line["error"].is_string() {
                return (lines, line);
            }
            lines.push(line);
        }
        panic!("the door closed before the answer to {request}");
    }

    /// Every record of a topic, parsed.
    pub(crate) fn records(&self, topic: &str) -> Vec<Value> {
        let (_, ends) = self.ask(&json!({ "op": "ends", "topic": topic }));
        let partitions = ends["ends"].as_array().map_or(0, Vec::len);
        let read = |partition| self.ask(&json!({ "op": "read", "topic": topic, "partition": partition, "from": 0 })).0;
        (0..partitions).flat_map(read).collect()
    }

    /// Values of every record of a topic.
    pub(crate) fn values(&self, topic: &str) -> Vec<Value> {
        let records = self.records(topic);
        records.iter().filter_map(|record| serde_json::from_str(record["value"].as_str()?).ok()).collect()
    }

    /// The first value of a topic that fits; waits for it.
    pub(crate) fn record(&self, topic: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(topic, || self.values(topic).into_iter().find(&fits))
    }

    /// Sends a trigger over HTTP and waits for its incident; gives the incident as `data` of its record.
    pub(crate) fn break_something(&self, dedup_key: &str, severity: &str) -> Value {
        let sent = campanile()
            .args(["send", "--url", &self.url, "--routing-key", KEY, "--dedup-key", dedup_key])
            .args(["--summary", &format!("{dedup_key} is broken"), "--source", dedup_key, "--severity", severity])
            .output()
            .expect("the binary starts");
        assert!(sent.status.success(), "{}", err(&sent));
        eventually("the incident", || {
            let records = self.values("incidents");
            let found = records.iter().find(|record| record["data"]["incident_key"] == dedup_key)?;
            Some(found["data"].clone())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where the test waited for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

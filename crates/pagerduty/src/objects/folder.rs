//! A folder of objects, or the records that were made from one: read as a whole, built as a whole, or refused as a whole.
//!
//! Pure: who walks the folder, draws entropy and appends the records is the caller.

use std::collections::BTreeMap;
use std::fmt;

use campanile_directory::subscription::Secret;
use campanile_directory::suggest::did_you_mean;
use campanile_directory::{Kind, Object, Problem, Snapshot, Warning, build, mint_key, mint_secret, scopes, warnings};
use campanile_model::{Epoch, IntegrationId, RoutingKey, ScopeId, ServiceId, SubscriptionId};
use compact_str::CompactString;

use super::positions::position_of;
use super::{read, write};

/// Longest object, in bytes. Source: ours, below Kafka's default `max.message.bytes` of 1048588 with room for headers.
pub const OBJECT_BYTES_MAX: usize = 1_000_000;

/// One object's file.
#[derive(Clone, Debug)]
pub struct File {
    pub kind: Kind,
    pub id: String,
    /// The path as messages show it.
    pub name: String,
    pub bytes: Vec<u8>,
}

impl File {
    /// The file at `<kind>/<ID>.json`, a path inside the directory's folder with `/` between its parts.
    /// `None` for what is no object's and does not claim to be: hidden files, and notes that are not JSON.
    ///
    /// # Errors
    /// The path names no kind, or lies too deep, or is of another format.
    pub fn new(path: &str, bytes: Vec<u8>) -> Result<Option<Self>, Diagnostic> {
        let refuse = |message: String, help: &str| {
            let (file, help) = (path.to_owned(), Some(help.to_owned()));
            Err(Diagnostic { file, line: 1, column: 1, message, help })
        };
        let parts: Vec<_> = path.split('/').collect();
        let (stem, extension) = parts.last().and_then(|name| name.rsplit_once('.')).unwrap_or_default();
        let is_config = ["json", "yaml", "yml", "toml"].contains(&extension);
        if !is_config || parts.iter().any(|part| part.starts_with('.')) {
            return Ok(None);
        }
        let [folder, _] = parts.as_slice() else {
            return refuse(
                "an object's file lies in the folder of its kind".to_owned(),
                "move it to <kind>/<ID>.json, such as services/PAPIGW1.json",
            );
        };
        let Some(kind) = Kind::of_folder(folder) else {
            let folders = Kind::ALL.map(Kind::folder);
            let message = format!("unknown kind of object \"{folder}\"{}", did_you_mean(folder, folders));
            return refuse(message, &format!("folders are {}", folders.join(", ")));
        };
        if extension != "json" {
            return refuse(format!("objects are JSON, not {extension}"), "rewrite the file as JSON");
        }
        Ok(Some(Self { kind, id: stem.to_owned(), name: path.to_owned(), bytes }))
    }
}

/// A message about a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
    /// What is allowed, or what to do.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// A directory that can be applied.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub snapshot: Snapshot,
    /// What to store: canonical JSON with every key filled in, by kind and id.
    pub objects: Vec<(Kind, String, Vec<u8>)>,
    /// Keys that were made now. They are lost unless the objects are stored.
    pub minted: Vec<(ServiceId, IntegrationId, RoutingKey)>,
    /// Secrets of webhooks that were made now; lost likewise.
    pub minted_secrets: Vec<(SubscriptionId, CompactString)>,
    pub warnings: Vec<Diagnostic>,
}

/// What an earlier apply has minted.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub key: &'a dyn Fn(&ServiceId, &IntegrationId) -> Option<RoutingKey>,
    pub secret: &'a dyn Fn(&SubscriptionId) -> Option<CompactString>,
}

impl Known<'_> {
    /// Nothing was minted before.
    pub const NOTHING: Known<'static> = Known { key: &|_, _| None, secret: &|_| None };
}

/// The directory of these files. An integration without a key keeps the one that is known, or gets a new one; so does
/// a webhook without a secret.
///
/// # Errors
/// Everything that is wrong with any file, by file and line.
pub fn load(
    files: &[File],
    known: Known<'_>,
    entropy: &mut dyn FnMut() -> [u8; 16],
    epoch: Epoch,
    shards: u16,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut reading = read_all(files);
    let minted = fill_keys(&mut reading.objects, known.key, entropy);
    let minted_secrets = fill_secrets(&mut reading.objects, known.secret, entropy);
    let mut stored: Vec<_> =
        reading.objects.iter().map(|object| (object.kind(), object.id().to_owned(), write(object))).collect();
    stored.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (kind, id, bytes) in &stored {
        if bytes.len() > OBJECT_BYTES_MAX {
            reading.refusals.push(reading.places.diagnose(*kind, id, "", too_large(bytes.len()), None));
        }
    }
    reading.warnings.extend(warnings(&reading.objects));
    let warnings = reading.warnings.iter().map(|warning| reading.places.of_warning(warning)).collect();
    let snapshot = reading.build(epoch, shards)?;
    Ok(Loaded { snapshot, objects: stored, minted, minted_secrets, warnings })
}

/// The snapshot of records that `load` made: kind, id and stored bytes of every object that was not removed.
///
/// # Errors
/// As `load`; of records that an apply has stored, never.
pub fn snapshot_from_records<Id: AsRef<str>, Bytes: AsRef<[u8]>>(
    records: impl IntoIterator<Item = (Kind, Id, Bytes)>,
    epoch: Epoch,
    shards: u16,
) -> Result<Snapshot, Vec<Diagnostic>> {
    let files: Vec<_> = records
        .into_iter()
        .map(|(kind, id, bytes)| {
            let (id, bytes) = (id.as_ref().to_owned(), bytes.as_ref().to_vec());
            let name = format!("{}/{id}.json", kind.folder());
            File { kind, id, name, bytes }
        })
        .collect();
    read_all(&files).build(epoch, shards)
}

fn too_large(bytes: usize) -> String {
    format!("object of {bytes} bytes exceeds the limit of {OBJECT_BYTES_MAX} bytes")
}

/// Where each object was written.
struct Places<'f> {
    files: BTreeMap<(Kind, &'f str), &'f File>,
}

impl Places<'_> {
    fn diagnose(&self, kind: Kind, id: &str, path: &str, message: String, help: Option<String>) -> Diagnostic {
        match self.files.get(&(kind, id)) {
            Some(file) => {
                let (line, column) = position_of(&file.bytes, path);
                Diagnostic { file: file.name.clone(), line, column, message, help }
            }
            // One of the default priorities: nobody wrote it.
            None => Diagnostic { file: format!("{}/{id}.json", kind.folder()), line: 1, column: 1, message, help },
        }
    }

    fn of_problem(&self, it: Problem) -> Diagnostic {
        self.diagnose(it.kind, &it.id, &it.path, it.message, it.help)
    }

    fn of_warning(&self, it: &Warning) -> Diagnostic {
        self.diagnose(it.kind, &it.id, &it.path, it.message.clone(), it.help.clone())
    }
}

struct Reading<'f> {
    places: Places<'f>,
    objects: Vec<Object>,
    warnings: Vec<Warning>,
    refusals: Vec<Diagnostic>,
    /// Kinds of which a file could not be read.
    broken: Vec<Kind>,
}

fn read_all(files: &[File]) -> Reading<'_> {
    let places = Places { files: files.iter().map(|file| ((file.kind, file.id.as_str()), file)).collect() };
    let mut reading = Reading { places, objects: vec![], warnings: vec![], refusals: vec![], broken: vec![] };
    for file in files {
        if file.bytes.len() > OBJECT_BYTES_MAX {
            reading.broken.push(file.kind);
            let (name, message) = (file.name.clone(), too_large(file.bytes.len()));
            reading.refusals.push(Diagnostic { file: name, line: 1, column: 1, message, help: None });
            continue;
        }
        match read(file.kind, &file.id, &file.bytes) {
            Ok((object, warnings)) => {
                reading.objects.push(object);
                reading.warnings.extend(warnings);
            }
            Err(faults) => {
                reading.broken.push(file.kind);
                reading.refusals.extend(faults.into_iter().map(|fault| Diagnostic {
                    file: file.name.clone(),
                    line: fault.line,
                    column: fault.column,
                    message: fault.message,
                    help: fault.help,
                }));
            }
        }
    }
    reading
}

impl Reading<'_> {
    fn build(mut self, epoch: Epoch, shards: u16) -> Result<Snapshot, Vec<Diagnostic>> {
        let problems = match build(epoch, shards, std::mem::take(&mut self.objects)) {
            Ok(snapshot) if self.refusals.is_empty() => return Ok(snapshot),
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        };
        let shown = problems.into_iter().filter(|problem| !self.explains(problem));
        let shown: Vec<_> = shown.map(|problem| self.places.of_problem(problem)).collect();
        self.refusals.extend(shown);
        self.refusals.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Err(self.refusals)
    }

    /// Whether a reference leads nowhere perhaps only because a file could not be read: its own fault is shown already.
    fn explains(&self, problem: &Problem) -> bool {
        problem.missing.as_ref().is_some_and(|(kind, _)| {
            // A dependency may be a service or a business service, and says the first.
            self.broken.contains(kind) || (problem.kind == Kind::Business && self.broken.contains(&Kind::Business))
        })
    }
}

fn fill_keys(
    objects: &mut [Object],
    known_keys: &dyn Fn(&ServiceId, &IntegrationId) -> Option<RoutingKey>,
    entropy: &mut dyn FnMut() -> [u8; 16],
) -> Vec<(ServiceId, IntegrationId, RoutingKey)> {
    let scopes = scopes(objects);
    let mut minted = Vec::new();
    for object in objects {
        let Object::Service(service) = object else { continue };
        let service = service.as_mut();
        for integration in service.integrations.iter_mut().filter(|integration| integration.key.is_none()) {
            let key = known_keys(&service.id, &integration.id).unwrap_or_else(|| {
                let own = || ScopeId::new(service.id.as_str());
                let key = mint_key(&scopes.get(&service.id).cloned().unwrap_or_else(own), entropy);
                minted.push((service.id.clone(), integration.id.clone(), key.clone()));
                key
            });
            integration.key = Some(key);
        }
    }
    minted
}

fn fill_secrets(
    objects: &mut [Object],
    known: &dyn Fn(&SubscriptionId) -> Option<CompactString>,
    entropy: &mut dyn FnMut() -> [u8; 16],
) -> Vec<(SubscriptionId, CompactString)> {
    let mut minted = Vec::new();
    for object in objects {
        let Object::Subscription(it) = object else { continue };
        if it.secret.is_none() {
            let secret = known(&it.id).unwrap_or_else(|| {
                let secret = mint_secret(entropy);
                minted.push((it.id.clone(), secret.clone()));
                secret
            });
            it.secret = Some(Secret(secret));
        }
    }
    minted
}

//! The tree as the rules see it: every file's text, and every crate's manifest.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::scan::{self, Scan};

/// Directories that hold nothing of ours.
const SKIPPED: &[&str] = &[".git", ".cache", "target", "node_modules", "__pycache__", ".venv"];

/// Largest file that is read, in bytes; larger ones are data. Source: no page or source of ours comes near it.
const FILE_BYTES_MAX: u64 = 2 << 20;

/// The files and crates of one checkout.
pub(super) struct Tree {
    /// Text files, by path.
    pub(super) files: Vec<File>,
    /// Directories under `crates/` that have a manifest, by directory.
    pub(super) crates: Vec<Crate>,
}

/// One text file.
pub(super) struct File {
    /// Path from the root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// Present for Rust.
    pub(super) scan: Option<Scan>,
}

impl File {
    /// The directory name of the crate whose `src` holds this Rust file, with what the scanner saw.
    pub(super) fn as_source(&self) -> Option<(&str, &Scan)> {
        let mut parts = self.path.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("crates"), Some(directory), Some("src")) => self.scan.as_ref().map(|scan| (directory, scan)),
            _ => None,
        }
    }
}

/// One crate under `crates/`.
pub(super) struct Crate {
    /// Name of its directory, which is also its name without the prefix.
    pub(super) directory: String,
    /// Path of the manifest from the root.
    pub(super) path: String,
    /// Text of the manifest.
    pub(super) text: String,
    /// `package.name`; empty when there is none.
    pub(super) name: String,
    /// `package.metadata.campanile.floor`.
    pub(super) floor: Option<i64>,
    /// What it depends on, of every kind and for every platform.
    pub(super) dependencies: Vec<Dependency>,
}

/// One entry of a dependency table.
pub(super) struct Dependency {
    /// Name of the package, also when the manifest renames it.
    pub(super) package: String,
    pub(super) is_dev: bool,
    /// Line in the manifest, counted from 1.
    pub(super) line: usize,
}

impl Crate {
    /// Whether the crate must be free of clocks, I/O, threads and the like: `model`, and floors 10 to 30.
    pub(super) fn is_pure(&self) -> bool {
        self.directory == "model" || self.floor.is_some_and(|floor| (10..=30).contains(&floor))
    }

    /// The line of the manifest that starts with `key`, else 1.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |index| index + 1)
    }
}

impl Tree {
    /// Reads every text file under `root`, and the manifests of `crates/*`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let mut crates = Vec::new();
        for file in &files {
            let parts: Vec<_> = file.path.split('/').collect();
            if let ["crates", directory, "Cargo.toml"] = parts[..] {
                crates.push(read_manifest(directory, file)?);
            }
        }
        Ok(Self { files, crates })
    }

    /// The crate in the given directory under `crates/`.
    pub(super) fn crate_in(&self, directory: &str) -> Option<&Crate> {
        self.crates.iter().find(|candidate| candidate.directory == directory)
    }
}

fn walk(root: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    let directory = root.join(prefix);
    let entries = fs::read_dir(&directory).with_context(|| format!("{} cannot be read", directory.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", directory.display()))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().with_context(|| format!("{path} cannot be read"))?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(root, &path, files)?;
        } else if kind.is_file() && entry.metadata().is_ok_and(|data| data.len() <= FILE_BYTES_MAX) {
            // What is not UTF-8 is not text, and a file that vanished meanwhile was an editor's.
            let Ok(text) = fs::read_to_string(entry.path()) else { continue };
            let scan = path.ends_with(".rs").then(|| scan::scan(&text));
            files.push(File { path, text, scan });
        }
    }
    Ok(())
}

fn read_manifest(directory: &str, file: &File) -> Result<Crate> {
    let table: toml::Table = file.text.parse().with_context(|| format!("{} is not TOML", file.path))?;
    let package = table.get("package");
    let mut manifest = Crate {
        directory: directory.to_owned(),
        path: file.path.clone(),
        text: file.text.clone(),
        name: package.and_then(|package| package.get("name")?.as_str()).unwrap_or_default().to_owned(),
        floor: package.and_then(|package| package.get("metadata")?.get("campanile")?.get("floor")?.as_integer()),
        dependencies: Vec::new(),
    };
    add_dependencies(&mut manifest, &table);
    for platform in table.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values) {
        add_dependencies(&mut manifest, platform.as_table().unwrap_or(&toml::Table::new()));
    }
    Ok(manifest)
}

fn add_dependencies(manifest: &mut Crate, table: &toml::Table) {
    for (kind, is_dev) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
        let Some(entries) = table.get(kind).and_then(toml::Value::as_table) else { continue };
        for (key, value) in entries {
            let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned();
            let line = dependency_line(&manifest.text, kind, key);
            manifest.dependencies.push(Dependency { package, is_dev, line });
        }
    }
}

/// The line of `key` in the first table whose header ends in `kind`, or of that entry's own table.
fn dependency_line(text: &str, kind: &str, key: &str) -> usize {
    let mut in_kind = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            if header.strip_suffix(key).is_some_and(|start| start.ends_with(&format!("{kind}."))) {
                return index + 1;
            }
            in_kind = header == kind || header.ends_with(&format!(".{kind}"));
        } else if in_kind && line.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '='])) {
            return index + 1;
        }
    }
    1
}

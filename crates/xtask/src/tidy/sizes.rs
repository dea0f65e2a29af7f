//! No file of logic over 500 lines and no function over 70, as a ratchet: what was longer before may stay, listed
//! with its size in `ratchet.txt`, and may not grow. A file without a function body is a table, not logic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Breach;
use super::tree::Tree;

/// Longest file of logic, in lines. Source: STYLE, where two screens of imports already mean two files.
const FILE_LINES_MAX: usize = 500;
/// Longest function, in lines. Source: TigerBeetle's rule, one screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Where the exceptions are listed, from the root.
const RATCHET: &str = "crates/xtask/ratchet.txt";

const RATCHET_HEAD: &str = "\
# Files and functions that were too long when the rule came: what, where, lines. They may shrink, never grow.
# `cargo xtask tidy --update-ratchet` lowers and removes entries; it adds none.
";

/// What is too long: a file, or a function in a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    path: String,
    function: Option<String>,
}

impl Item {
    fn lines_max(&self) -> usize {
        if self.function.is_some() { FUNCTION_LINES_MAX } else { FILE_LINES_MAX }
    }

    fn rule(&self) -> &'static str {
        if self.function.is_some() { "function-size" } else { "file-size" }
    }

    fn title(&self) -> String {
        self.function.as_ref().map_or_else(|| "file".to_owned(), |name| format!("function '{name}'"))
    }
}

/// The exceptions and their sizes.
pub(super) struct Ratchet(BTreeMap<Item, usize>);

impl Ratchet {
    /// Reads the list; a tree without one has no exceptions.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(RATCHET)).unwrap_or_default();
        let mut entries = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (item, lines) = parse(line).with_context(|| {
                format!("{RATCHET}:{}: not 'file PATH LINES' or 'function PATH NAME LINES': {line}", index + 1)
            })?;
            entries.insert(item, lines);
        }
        Ok(Self(entries))
    }

    /// Writes back the smaller of the listed and the present size, leaving out what is within the limits by now.
    pub(super) fn lower(mut self, root: &Path, tree: &Tree) -> Result<Vec<String>> {
        let sizes = sizes(tree);
        let mut changes = Vec::new();
        self.0.retain(|item, allowed| {
            let size = sizes.get(item).map_or(0, |&(_, lines)| lines);
            let place = format!("{} in {}", item.title(), item.path);
            if size <= item.lines_max() {
                changes.push(format!("removed the exception for {place}"));
                return false;
            }
            if size < *allowed {
                changes.push(format!("lowered the exception for {place} from {allowed} to {size} lines"));
                *allowed = size;
            }
            true
        });
        if !changes.is_empty() {
            fs::write(root.join(RATCHET), self.to_text()).with_context(|| format!("{RATCHET} cannot be written"))?;
        }
        Ok(changes)
    }

    fn to_text(&self) -> String {
        let mut text = RATCHET_HEAD.to_owned();
        for (Item { path, function }, lines) in &self.0 {
            let written = match function {
                Some(name) => writeln!(text, "function {path} {name} {lines}"),
                None => writeln!(text, "file {path} {lines}"),
            };
            written.expect("a String takes every write");
        }
        text
    }
}

fn parse(line: &str) -> Option<(Item, usize)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["file", path, lines] => Some((Item { path: path.to_owned(), function: None }, lines.parse().ok()?)),
        ["function", path, name, lines] => {
            Some((Item { path: path.to_owned(), function: Some(name.to_owned()) }, lines.parse().ok()?))
        }
        _ => None,
    }
}

/// Checks every source against the limits and the list.
pub(super) fn check(tree: &Tree, ratchet: &Ratchet) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (item, (line, lines)) in sizes(tree) {
        let lines_max = item.lines_max();
        let allowed = ratchet.0.get(&item).copied();
        if lines <= allowed.unwrap_or(lines_max).max(lines_max) {
            continue;
        }
        let limit = match allowed {
            Some(allowed) => format!("grew to {lines} lines from the {allowed} that the ratchet allows"),
            None => format!("has {lines} lines, more than {lines_max}"),
        };
        let text = format!("{} {limit}; split it by what it decides", item.title());
        breaches.push(Breach::new(item.path.as_str(), line, item.rule(), text));
    }
    breaches
}

/// The first line and the size of every file of logic and every function. Of functions that share a name in one
/// file the longest counts.
fn sizes(tree: &Tree) -> BTreeMap<Item, (usize, usize)> {
    let mut sizes = BTreeMap::new();
    for file in &tree.files {
        let Some((_, scan)) = file.as_source() else { continue };
        if scan.functions.is_empty() {
            continue;
        }
        sizes.insert(Item { path: file.path.clone(), function: None }, (1, file.text.lines().count()));
        for function in &scan.functions {
            let item = Item { path: file.path.clone(), function: Some(function.name.clone()) };
            let size = sizes.entry(item).or_insert((function.line, function.lines));
            if function.lines > size.1 {
                *size = (function.line, function.lines);
            }
        }
    }
    sizes
}

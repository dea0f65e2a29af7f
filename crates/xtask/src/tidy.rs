//! `cargo xtask tidy`: reads the tree once, asks each rule, collects breaches.
//!
//! One rule, or one family of rules, per file. A rule is a plain function of the tree; it neither reads files itself
//! nor prints. The exceptions are `generated` and `sizes`, which compare with a file that is not source.
//! Sources are scanned, not parsed: a scanner that knows comments, strings and braces is enough for every rule here
//! and keeps this crate quick to build.

mod documents;
mod floors;
mod generated;
mod heads;
mod knowledge;
mod leftovers;
mod names;
mod packages;
mod purity;
mod scan;
mod sizes;
mod tree;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use crate::docs;

/// One place that breaks one rule, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// Path from the root, with forward slashes.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Name of the rule.
    pub rule: &'static str,
    /// What is wrong; what to do.
    pub text: String,
}

impl Breach {
    fn new(path: impl Into<String>, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.text)
    }
}

/// What one run of tidy found.
#[derive(Debug)]
pub struct Report {
    /// Every breach, by path and line.
    pub breaches: Vec<Breach>,
    /// Number of files read.
    pub files: usize,
    /// Number of crates read.
    pub crates: usize,
}

/// Checks the tree under `root` against every rule.
///
/// # Errors
/// When the tree cannot be read or a manifest is not TOML.
pub fn check(root: &Path) -> Result<Report> {
    check_with_pages(root, docs::PAGES)
}

/// As [`check`], with another list of generated pages; for the tests of that rule.
///
/// # Errors
/// As [`check`].
pub fn check_with_pages(root: &Path, pages: &[docs::Page]) -> Result<Report> {
    let tree = tree::Tree::read(root)?;
    let ratchet = sizes::Ratchet::read(root)?;
    let mut breaches = Vec::new();
    breaches.extend(packages::check(&tree));
    breaches.extend(floors::check(&tree));
    breaches.extend(knowledge::check(&tree));
    breaches.extend(heads::check(&tree));
    breaches.extend(names::check(&tree));
    breaches.extend(leftovers::check(&tree));
    breaches.extend(purity::check(&tree));
    breaches.extend(sizes::check(&tree, &ratchet));
    breaches.extend(documents::check(&tree));
    breaches.extend(generated::check(root, pages));
    breaches.sort();
    Ok(Report { breaches, files: tree.files.len(), crates: tree.crates.len() })
}

/// Lowers or removes the entries of the ratchet that are more generous than the tree needs; adds none.
/// Returns a line for each changed entry.
///
/// # Errors
/// When the tree or the ratchet cannot be read or written.
pub fn update_ratchet(root: &Path) -> Result<Vec<String>> {
    let tree = tree::Tree::read(root)?;
    sizes::Ratchet::read(root)?.lower(root, &tree)
}

//! `cargo xtask tidy | docs`: reads the command line, prints, sets the exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use campanile_xtask::{docs, tidy};

const USAGE: &str = "\
usage: cargo xtask <task>

  tidy [--root DIR]    check the tree; exit 1 and one line per breach
  tidy --update-ratchet
                       lower or remove the entries of ratchet.txt that have become too generous
  docs [--root DIR]    write the generated pages
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let mut root = None;
    let mut ratchet_is_updated = false;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--root" => root = Some(PathBuf::from(arguments.next().context("--root wants a directory")?)),
            "--update-ratchet" => ratchet_is_updated = true,
            other => bail!("unknown argument '{other}'\n\n{USAGE}"),
        }
    }
    let root = match root {
        Some(root) => root,
        None => workspace_root()?,
    };
    match task.as_str() {
        "tidy" if ratchet_is_updated => update_ratchet(&root),
        "tidy" => check(&root),
        "docs" => write_docs(&root),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("unknown task '{other}'\n\n{USAGE}"),
    }
}

fn check(root: &Path) -> Result<ExitCode> {
    let report = tidy::check(root)?;
    for breach in &report.breaches {
        println!("{breach}");
    }
    let (files, crates) = (report.files, report.crates);
    if report.breaches.is_empty() {
        println!("tidy: {files} files in {crates} crates, no breach");
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} breaches in {files} files of {crates} crates", report.breaches.len());
    Ok(ExitCode::FAILURE)
}

fn update_ratchet(root: &Path) -> Result<ExitCode> {
    for line in tidy::update_ratchet(root)? {
        println!("tidy: {line}");
    }
    check(root)
}

fn write_docs(root: &Path) -> Result<ExitCode> {
    for path in docs::write(root, docs::PAGES)? {
        println!("docs: wrote {path}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The nearest directory above the current one whose manifest is a workspace's.
fn workspace_root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the current directory cannot be read")?;
    here.ancestors()
        .find(|directory| {
            std::fs::read_to_string(directory.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]"))
        })
        .map(Path::to_path_buf)
        .context("no workspace here or above; name one with --root DIR")
}

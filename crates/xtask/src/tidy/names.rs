//! No junk drawers: a file, directory or module is named after what it decides.

use super::Breach;
use super::scan::is_identifier;
use super::tree::{File, Tree};

/// Words that say where code was put and not what it is; also refused as a part, as in `time_util`.
const JUNK: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

/// Where our own code lives; documents may use the words.
const ROOMS: &[&str] = &["crates/", "tests/", "benches/", "scripts/"];

/// Checks paths, and modules declared in a line.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let ours = tree.files.iter().filter(|file| ROOMS.iter().any(|room| file.path.starts_with(room)));
    ours.flat_map(|file| path_breach(file).into_iter().chain(module_breaches(file))).collect()
}

fn path_breach(file: &File) -> Option<Breach> {
    let word = file.path.split('/').filter_map(|part| junk_in(part.split('.').next()?)).next()?;
    let text =
        format!("a path with the word '{word}'; name it after what it decides, or move its parts to their homes");
    Some(Breach::new(&file.path, 1, "names", text))
}

fn module_breaches(file: &File) -> Vec<Breach> {
    let Some(scan) = &file.scan else { return Vec::new() };
    let mut breaches = Vec::new();
    for (index, line) in scan.code.lines().enumerate() {
        let Some((before, after)) = line.split_once("mod ") else { continue };
        let name: String = after.chars().take_while(|&character| is_identifier(character)).collect();
        if let Some(word) = junk_in(&name).filter(|_| !before.ends_with(is_identifier)) {
            let text = format!("module '{name}' has the word '{word}'; name it after what it decides");
            breaches.push(Breach::new(&file.path, index + 1, "names", text));
        }
    }
    breaches
}

fn junk_in(name: &str) -> Option<&'static str> {
    let mut words = name.split(['_', '-']);
    words.find_map(|word| JUNK.iter().find(|junk| **junk == word).copied())
}

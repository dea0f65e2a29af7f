//! Nothing in the tree names the machine it was written on, or the host of a package registry: neither means anything
//! to the reader, and both break elsewhere. Lock files are the package manager's.

use super::Breach;
use super::scan::is_identifier;
use super::tree::Tree;

/// Directories of the machines this was written on, in halves so that this file does not carry them.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/bash", "_jobs")];

/// Hosts of package registries, likewise.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("proxy.golang", ".org"),
    concat!("repo1.maven", ".org"),
    concat!("deb.debian", ".org"),
];

/// Checks every text file.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.ends_with(".lock")) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(path) = MACHINE_PATHS.iter().find(|path| starts_a_path(line, path)) {
                let text = format!("'{path}' is a path of one machine; write it relative, or with a variable");
                breaches.push(Breach::new(&file.path, index + 1, "machine-path", text));
            }
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host)) {
                let text = format!("'{host}' is a registry's host; name the package, not where it is served");
                breaches.push(Breach::new(&file.path, index + 1, "registry-host", text));
            }
        }
    }
    breaches
}

/// Whether `path` stands in the line as the beginning of a path, not as a part of a longer one or of an address.
fn starts_a_path(line: &str, path: &str) -> bool {
    let continues = |character: char| is_identifier(character) || "./-}~*".contains(character);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(continues) || line[..at].ends_with("//"))
}

//! A folder of directory objects on disk.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use campanile_directory::Kind;
use campanile_pagerduty::objects::{Diagnostic, File};

/// Deepest path below the folder that is looked at. One is right; more are found so that they can be refused by name.
const DEPTH_MAX: usize = 4;

/// The files of a folder, and those that are no object's but claim to be.
pub struct Folder {
    pub files: Vec<File>,
    pub misplaced: Vec<Diagnostic>,
}

/// Reads every object's file, named as its path from here.
///
/// # Errors
/// The folder itself cannot be read, or there is no object in it.
pub fn read(root: &Path) -> Result<Folder> {
    let mut folder = Folder { files: Vec::new(), misplaced: Vec::new() };
    let entries = fs::read_dir(root).with_context(|| format!("the folder {} cannot be read", root.display()))?;
    walk(entries, root, "", 0, &mut folder);
    folder.files.sort_by(|a, b| a.name.cmp(&b.name));
    if folder.files.is_empty() && folder.misplaced.is_empty() {
        bail!("the folder {} holds no objects; they are files such as services/PAPIGW1.json inside it", root.display());
    }
    Ok(folder)
}

fn walk(entries: fs::ReadDir, root: &Path, below: &str, depth: usize, folder: &mut Folder) {
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                folder.misplaced.push(unreadable(&root.join(below), &error));
                continue;
            }
        };
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let full = entry.path();
        if !full.is_dir() {
            take(&path, &full, folder);
        } else if depth < DEPTH_MAX {
            match fs::read_dir(&full) {
                Ok(entries) => walk(entries, root, &path, depth + 1, folder),
                Err(error) => folder.misplaced.push(unreadable(&full, &error)),
            }
        }
    }
}

/// Reads a file, unless its name says that it is no object's.
fn take(path: &str, full: &Path, folder: &mut Folder) {
    match File::new(path, Vec::new()) {
        Ok(Some(mut file)) => match read_file(full) {
            Ok(bytes) => {
                file.bytes = bytes;
                file.name = full.display().to_string();
                folder.files.push(file);
            }
            Err(error) => folder.misplaced.push(unreadable(full, &error)),
        },
        // The folder of a kind that is none, such as a link to what is gone, would hide all its objects.
        Ok(None) if Kind::of_folder(path).is_some() => {
            if let Err(error) = fs::read_dir(full) {
                folder.misplaced.push(unreadable(full, &error));
            }
        }
        Ok(None) => {}
        Err(mut diagnostic) => {
            diagnostic.file = full.display().to_string();
            folder.misplaced.push(diagnostic);
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe or a socket would be waited for.
    if fs::metadata(path)?.is_file() { fs::read(path) } else { Err(io::Error::other("it is no ordinary file")) }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let is_link = fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    let help = match error.kind() {
        io::ErrorKind::NotFound if is_link => "it is a link to what is not there; mend the link or remove it",
        io::ErrorKind::PermissionDenied => "let this user read it (chmod, chown), or run this as a user that may",
        _ => "put what belongs there in its place, or remove it",
    };
    let file = path.display().to_string();
    Diagnostic { file, line: 1, column: 1, message: format!("cannot be read: {error}"), help: Some(help.to_owned()) }
}

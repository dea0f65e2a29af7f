//! A folder of directory objects on disk.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
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
/// The folder or a file cannot be read, or there is no object in it.
pub fn read(root: &Path) -> Result<Folder> {
    let mut folder = Folder { files: Vec::new(), misplaced: Vec::new() };
    let entries = fs::read_dir(root).with_context(|| format!("the folder {} cannot be read", root.display()));
    drop(entries?);
    walk(root, "", 0, &mut folder)?;
    folder.files.sort_by(|a, b| a.name.cmp(&b.name));
    if folder.files.is_empty() && folder.misplaced.is_empty() {
        bail!("the folder {} holds no objects; they are files such as services/PAPIGW1.json inside it", root.display());
    }
    Ok(folder)
}

fn walk(root: &Path, below: &str, depth: usize, folder: &mut Folder) -> Result<()> {
    let here = root.join(below);
    let entries = fs::read_dir(&here).with_context(|| format!("the folder {} cannot be read", here.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("the folder {} cannot be read", here.display()))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let full = entry.path();
        if full.is_dir() {
            if depth < DEPTH_MAX {
                walk(root, &path, depth + 1, folder)?;
            }
            continue;
        }
        let bytes = fs::read(&full).with_context(|| format!("the file {} cannot be read", full.display()))?;
        match File::new(&path, bytes) {
            Ok(Some(mut file)) => {
                file.name = full.display().to_string();
                folder.files.push(file);
            }
            Ok(None) => {}
            Err(mut diagnostic) => {
                diagnostic.file = full.display().to_string();
                folder.misplaced.push(diagnostic);
            }
        }
    }
    Ok(())
}

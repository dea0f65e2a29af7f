//! Secrets from files, so that they stand neither in the configuration nor in a process list.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Longest secret, in bytes. Ours: a token or a key, not a document; a wrong path is noticed early.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// The content of the file without the line break that editors put at its end.
///
/// # Errors
/// The file cannot be read, is empty or too long. Never says what is in it.
pub(crate) fn read(path: &Path) -> Result<String> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("the secret file {shown} cannot be read"))?.len();
    if size > SECRET_BYTES_MAX {
        bail!("the secret file {shown} has {size} bytes, the limit is {SECRET_BYTES_MAX}; is it the right file?");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("the secret file {shown} cannot be read"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        bail!("the secret file {shown} is empty; write the secret into it");
    }
    Ok(secret.to_owned())
}

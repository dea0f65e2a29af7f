//! How the process says why it failed.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Error;
use campanile_catalogue::error_codes::ErrorCode;
use campanile_ledger::OpenError;

/// Tells people what happened and gives the exit code.
pub fn tell(error: &Error) -> ExitCode {
    // `campanile tail … | head` is no failure: the reader had enough.
    if error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|it| it.kind() == ErrorKind::BrokenPipe)
    {
        return ExitCode::SUCCESS;
    }
    let code = code(error).map_or_else(String::new, |code| format!(" ({code})"));
    // Nobody can be told that telling failed.
    let _ = writeln!(io::stderr(), "campanile: {error:#}{code}");
    ExitCode::FAILURE
}

/// The code that docs/errors has a page for, where the message does not carry it already.
fn code(error: &Error) -> Option<ErrorCode> {
    let open = error.chain().find_map(|cause| cause.downcast_ref::<OpenError>())?;
    match open {
        OpenError::Locked { .. } => Some(ErrorCode::DataLocked),
        OpenError::Damaged { .. } | OpenError::LostTail { .. } => Some(ErrorCode::DamagedLedger),
        OpenError::Unusable { .. } | OpenError::Format { .. } | OpenError::Shards { .. } => None,
    }
}

//! The door from within: on Kafka the command line has every port itself, and asks them in the words of the socket.

use std::io::{self, ErrorKind, Write};

use anyhow::{Error, Result};
use serde_json::Value;

use super::Ports;
use super::serve::{Asker, answer};
use crate::supervise::Stop;

/// Answers `request`, handing every line to `hear`, the last one too. An error of `hear` ends the answer.
///
/// # Errors
/// That of `hear`.
pub(crate) fn ask(
    ports: &Ports,
    request: &Value,
    hear: &mut dyn FnMut(Value) -> Result<()>,
    stop: &Stop,
) -> Result<()> {
    let mut ear = Ear { line: Vec::new(), hear, failed: None };
    let answered = answer(ports, request.to_string().as_bytes(), &mut ear, stop);
    match ear.failed {
        Some(error) => Err(error),
        None => Ok(answered?),
    }
}

struct Ear<'a> {
    /// What came since the last line break.
    line: Vec<u8>,
    hear: &'a mut dyn FnMut(Value) -> Result<()>,
    failed: Option<Error>,
}

impl Write for Ear<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (taken, is_whole) = match bytes.iter().position(|byte| *byte == b'\n') {
            // A line break inside a text is escaped, so this is the end of a line.
            Some(end) => (end + 1, true),
            None => (bytes.len(), false),
        };
        self.line.extend_from_slice(&bytes[..taken]);
        if is_whole {
            let heard = serde_json::from_slice(&self.line).map_err(Error::from).and_then(&mut self.hear);
            self.line.clear();
            if let Err(error) = heard {
                self.failed.get_or_insert(error);
                return Err(ErrorKind::BrokenPipe.into());
            }
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Asker for Ear<'_> {
    fn out(&mut self) -> &mut dyn Write {
        self
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn has_left(&mut self) -> bool {
        self.failed.is_some()
    }
}

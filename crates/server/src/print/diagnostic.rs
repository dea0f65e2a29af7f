//! A message about a place in a file, with the line and a caret under the place.

use std::collections::HashMap;
use std::io::{self, Write};

use campanile_pagerduty::objects::Diagnostic;

use super::colour::{self, Colour};
use super::table::{cut, one_line};

/// Longest source line that is shown, in characters.
const SOURCE_CHARS_MAX: usize = 160;

/// Prints them to standard error, one after the other.
///
/// # Errors
/// What the output gives.
pub fn print(diagnostics: &[Diagnostic], colour: Colour) -> io::Result<()> {
    let paints = colour::is_on(&io::stderr());
    let mut out = io::stderr().lock();
    let mut sources = HashMap::new();
    for it in diagnostics {
        let place = format!("{}:{}:{}:", it.file, it.line, it.column);
        writeln!(out, "{} {}", Colour::Bold.paint(&place, paints), colour.paint(&it.message, paints))?;
        // Objects that came from a running server have no file here: the message must do.
        let source = sources.entry(&it.file).or_insert_with(|| std::fs::read_to_string(&it.file).unwrap_or_default());
        if let Some(line) = source.lines().nth(it.line.saturating_sub(1)).filter(|line| !line.trim().is_empty()) {
            let number = it.line.to_string();
            let margin = " ".repeat(number.len());
            writeln!(out, " {number} | {}", cut(&one_line(line), SOURCE_CHARS_MAX))?;
            if it.column <= SOURCE_CHARS_MAX {
                let indent = " ".repeat(it.column.saturating_sub(1));
                writeln!(out, " {margin} | {indent}{}", colour.paint("^", paints))?;
            }
        }
        if let Some(help) = &it.help {
            writeln!(out, "  help: {help}")?;
        }
    }
    out.flush()
}

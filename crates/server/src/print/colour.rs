//! Colours: on a terminal only, and never against NO_COLOR. They underline what the words say already.

use std::io::IsTerminal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Plain,
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
    Blue,
    Magenta,
}

impl Colour {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Green => "32",
            Self::Cyan => "36",
            Self::Blue => "34",
            Self::Magenta => "35",
        }
    }

    /// The text in this colour, if colours are on.
    pub fn paint(self, text: &str, is_on: bool) -> String {
        if is_on && self != Self::Plain { format!("\x1b[{}m{text}\x1b[0m", self.code()) } else { text.to_owned() }
    }
}

/// Whether this output shows colours. Source of NO_COLOR: no-color.org, "when present and not an empty string".
pub fn is_on(output: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    output.is_terminal() && !refused && !is_dumb
}

/// For a priority, severity, urgency or status.
pub fn of_word(word: &str) -> Colour {
    match word {
        "P1" | "critical" | "triggered" | "incident.triggered" | "nobody" => Colour::Red,
        "P2" | "error" | "acknowledged" | "incident.acknowledged" => Colour::Yellow,
        "resolved" | "incident.resolved" => Colour::Green,
        "P3" | "warning" | "high" => Colour::Cyan,
        "suppressed" | "low" | "info" | "P4" | "P5" => Colour::Dim,
        _ => Colour::Plain,
    }
}

//! What may be wrong with an installation, each with what to do about it: facts are gathered in `kafka` and `embedded`,
//! judged in `judge`, and shown by the command.

pub mod embedded;
pub mod judge;
pub mod kafka;
pub mod machine;

use serde_json::{Value, json};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Good,
    /// Could not be asked; says why.
    Unknown,
    /// Works, and will hurt some day.
    Warning,
    /// Must be mended.
    Bad,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    pub found: String,
    /// What to do; empty only where nothing is to be done.
    pub remedy: String,
}

impl Check {
    pub fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, found: found.into(), remedy: String::new() }
    }

    pub fn unknown(name: &'static str, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Unknown, found: why.into(), remedy: remedy.into() }
    }

    pub fn warning(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warning, found: found.into(), remedy: remedy.into() }
    }

    pub fn bad(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Bad, found: found.into(), remedy: remedy.into() }
    }

    pub fn json(&self) -> Value {
        json!({ "check": self.name, "verdict": self.verdict.as_str(), "found": self.found, "remedy": self.remedy })
    }
}

/// The worst of all, which decides the exit code.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Good)
}

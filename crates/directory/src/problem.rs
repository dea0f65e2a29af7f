//! What is wrong with a directory, said so that its owner can mend it: which object, where inside it, what is allowed.

use std::fmt;
use std::ops::RangeInclusive;

use campanile_model::text::longer_than;

use crate::kind::Kind;

/// Something that keeps the directory from being built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: Kind,
    pub id: String,
    /// A JSON pointer inside the object, without its wrapper key: `/escalation_policy/id`. Empty: the object itself.
    pub path: String,
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The object that was referred to and is not there, for readers that know why it is missing.
    pub missing: Option<(Kind, String)>,
}

/// Something that builds, and does not do what its owner may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub kind: Kind,
    pub id: String,
    /// As in [`Problem::path`].
    pub path: String,
    pub message: String,
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_finding(f, (self.kind, &self.id, &self.path), &self.message, self.help.as_deref())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_finding(f, (self.kind, &self.id, &self.path), &self.message, self.help.as_deref())
    }
}

fn write_finding(
    f: &mut fmt::Formatter<'_>,
    (kind, id, path): (Kind, &str, &str),
    message: &str,
    help: Option<&str>,
) -> fmt::Result {
    write!(f, "{kind} {id}{}{path}: {message}", if path.is_empty() { "" } else { " at " })?;
    match help {
        Some(help) => write!(f, "\n  help: {help}"),
        None => Ok(()),
    }
}

/// Collects the problems of one object after the other.
pub(crate) struct Report {
    kind: Kind,
    id: String,
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { kind: Kind::Service, id: String::new(), problems: Vec::new() }
    }

    /// Names the object that the next problems belong to.
    pub(crate) fn about(&mut self, kind: Kind, id: &str) -> &mut Self {
        self.kind = kind;
        self.id = id.to_owned();
        self
    }

    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.problems.push(Problem {
            kind: self.kind,
            id: self.id.clone(),
            path: path.into(),
            message: message.into(),
            help,
            missing: None,
        });
    }

    pub(crate) fn add_missing(
        &mut self,
        path: String,
        missing: (Kind, &str),
        message: String,
        help: impl Into<String>,
    ) {
        self.add(path, message, help);
        if let Some(problem) = self.problems.last_mut() {
            problem.missing = Some((missing.0, missing.1.to_owned()));
        }
    }

    /// A name has 1 to `chars_max` characters, one of them at least not blank.
    pub(crate) fn check_name(&mut self, name: &str, chars_max: usize) {
        if name.trim().is_empty() {
            self.add("/name", "name is blank", format!("give the {} a name", self.kind));
        }
        self.check_text("/name", name, chars_max);
    }

    pub(crate) fn check_text(&mut self, path: &str, text: &str, chars_max: usize) {
        if longer_than(text, chars_max) {
            let length = text.chars().count();
            let key = path.rsplit('/').next().unwrap_or_default();
            self.add(
                path,
                format!("{key} of {length} characters exceeds the limit of {chars_max}"),
                "shorten the text",
            );
        }
    }

    /// A number inside its bounds, both allowed; `unit` is plural, what else there is to know stands behind a comma.
    pub(crate) fn check_range(
        &mut self,
        path: impl Into<String>,
        value: i64,
        allowed: RangeInclusive<i64>,
        unit: &str,
    ) {
        if !allowed.contains(&value) {
            let path = path.into();
            let key = path.rsplit('/').next().unwrap_or_default().to_owned();
            let (least, most) = (allowed.start(), allowed.end());
            self.add(
                path,
                format!("{key} of {value} {} is out of range", unit.split(',').next().unwrap_or_default()),
                format!("allowed are {least} to {most} {unit}"),
            );
        }
    }
}

//! Which value holds: flags win over the environment, that over the file, that over the default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use super::file::{self, did_you_mean};
use super::form::Form;
use super::options::Opt;
use super::secret;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Found {
    /// `None` where nobody set it and the program chooses.
    pub text: Option<String>,
    pub origin: Origin,
}

/// Values that flags gave: key, flag, value.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(&'static str, &'static str, String)>);

impl Flags {
    /// Notes a flag's value, if it was given.
    #[must_use]
    pub fn with(mut self, key: &'static str, flag: &'static str, value: Option<impl fmt::Display>) -> Self {
        self.0.extend(value.map(|value| (key, flag, value.to_string())));
        self
    }
}

/// The value of every option, with its origin.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub values: BTreeMap<&'static str, Found>,
}

impl Resolved {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.text.as_deref()
    }
}

/// Resolves every option of the table.
///
/// # Errors
/// The first thing that is wrong, with where it was written and what is allowed.
pub fn resolve(
    options: &'static [Opt],
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<Resolved> {
    let mut values = BTreeMap::new();
    for option in options {
        values.insert(option.key, Found { text: option.default.map(str::to_owned), origin: Origin::Default });
    }
    if let Some(path) = file {
        for entry in file::read(path, options)? {
            let origin = Origin::File { path: path.to_owned(), line: entry.line };
            let text = if entry.is_path { secret::read(Path::new(&entry.text))? } else { entry.text };
            set(options, &mut values, entry.key, text, origin)?;
        }
    }
    for (variable, text) in variables {
        let Some((option, is_path)) = of_variable(options, &variable)? else { continue };
        let text = if is_path { secret::read(Path::new(&text))? } else { text };
        set(options, &mut values, option.key, text, Origin::Variable(variable))?;
    }
    for (key, flag, text) in &flags.0 {
        set(options, &mut values, key, text.clone(), Origin::Flag(flag))?;
    }
    Ok(Resolved { values })
}

fn set(
    options: &'static [Opt],
    values: &mut BTreeMap<&'static str, Found>,
    key: &str,
    text: String,
    origin: Origin,
) -> Result<()> {
    let Some(option) = options.iter().find(|option| option.key == key) else {
        bail!("{key} is no option");
    };
    option.form.check(&text).map_err(|wrong| match &origin {
        // A flag is its own name; elsewhere the place does not tell which option it was.
        Origin::Flag(flag) => anyhow!("{flag} {wrong}"),
        Origin::Default | Origin::File { .. } | Origin::Variable(_) => anyhow!("{origin}: {key} {wrong}"),
    })?;
    values.insert(option.key, Found { text: Some(text), origin });
    Ok(())
}

/// Variables that other parts of the program read, and that are therefore no misspelt options.
const OTHER_VARIABLES: [&str; 5] =
    ["CAMPANILE_KAFKA", "CAMPANILE_CONFIG", "CAMPANILE_URL", "CAMPANILE_CACHE", "CAMPANILE_SOCKET"];

/// Only our sections are looked at: somebody else's `CAMPANILE_CI_TOKEN` is none of our business.
fn of_variable(options: &'static [Opt], variable: &str) -> Result<Option<(&'static Opt, bool)>> {
    let Some(rest) = variable.strip_prefix("CAMPANILE_") else { return Ok(None) };
    if OTHER_VARIABLES.contains(&variable) {
        return Ok(None);
    }
    if let Some(option) = options.iter().find(|option| option.variable() == variable) {
        return Ok(Some((option, false)));
    }
    let of_file = variable.strip_suffix("_FILE");
    if let Some(option) =
        options.iter().find(|option| option.form == Form::Secret && Some(option.variable().as_str()) == of_file)
    {
        return Ok(Some((option, true)));
    }
    let section = rest.split('_').next().unwrap_or_default().to_lowercase();
    if options.iter().any(|option| option.section() == section) {
        let known: Vec<_> = options.iter().map(Opt::variable).collect();
        let offer = did_you_mean(variable, known.iter().map(String::as_str));
        bail!("the environment variable {variable} sets no option{offer}; unset it, or see `campanile config show`");
    }
    Ok(None)
}

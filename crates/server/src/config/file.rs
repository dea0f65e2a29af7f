//! Reading the file: keys with their lines, unknown ones refused with the nearest known one.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use toml::de::{DeTable, DeValue};

use super::form::Form;
use super::options::Opt;

/// How alike two words must be before one is offered for the other, from 0 to 1. Below it, offers are noise.
const LIKENESS_MIN: f64 = 0.7;

/// A value and the line it stands on, from 1.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) text: String,
    pub(super) line: usize,
    /// The key was `<name>_file`: the text is the path of the file that holds the value.
    pub(super) is_path: bool,
}

/// Every option that the file sets.
///
/// # Errors
/// The file cannot be read, is no TOML, or has a key that is no option: with its line.
pub(super) fn read(path: &Path, options: &'static [Opt]) -> Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
    let reading = Reading { text: &text, path, options };
    let root = DeTable::parse(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        anyhow!("{}: {}", reading.place(at), error.message())
    })?;
    reading.table("", root.get_ref())
}

struct Reading<'a> {
    text: &'a str,
    path: &'a Path,
    options: &'static [Opt],
}

impl Reading<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }

    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path.display(), self.line(at))
    }

    fn table(&self, section: &str, table: &DeTable<'_>) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (key, value) in table {
            let at = key.span().start;
            let name = key.get_ref().as_ref();
            if section.is_empty()
                && let DeValue::Table(inner) = value.get_ref()
                && self.options.iter().any(|option| option.section() == name)
            {
                entries.extend(self.table(name, inner)?);
                continue;
            }
            let (option, is_path) = self.option(section, name, at, value.get_ref())?;
            let text = text_of(value.get_ref()).ok_or_else(|| {
                let found = value.get_ref().type_str();
                anyhow!("{}: {} cannot be a {found}; write one value", self.place(at), option.key)
            })?;
            entries.push(Entry { key: option.key, text, line: self.line(at), is_path });
        }
        Ok(entries)
    }

    fn option(&self, section: &str, name: &str, at: usize, value: &DeValue<'_>) -> Result<(&'static Opt, bool)> {
        let of_section = || self.options.iter().filter(|option| option.section() == section);
        if let Some(option) = of_section().find(|option| option.name() == name) {
            return Ok((option, false));
        }
        let secret = name.strip_suffix("_file");
        if let Some(option) = of_section().find(|option| option.form == Form::Secret && Some(option.name()) == secret) {
            return Ok((option, true));
        }
        let mut known: Vec<_> = of_section().map(Opt::name).collect();
        let place = self.place(at);
        if section.is_empty() {
            known.extend(self.options.iter().map(Opt::section).filter(|section| !section.is_empty()));
            known.dedup();
            let what = if matches!(value, DeValue::Table(_)) { "section" } else { "key" };
            let offer = did_you_mean(name, known.iter().copied());
            bail!("{place}: unknown {what} \"{name}\"{offer}; known are {}", known.join(", "));
        }
        let offer = did_you_mean(name, known.iter().copied());
        bail!("{place}: unknown key \"{name}\" in [{section}]{offer}; known are {}", known.join(", "));
    }
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Integer(number) => {
            u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Boolean(on) => Some(on.to_string()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// ` (did you mean "x"?)`, or nothing.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let folded = word.to_lowercase();
    let near = candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map_or_else(String::new, |(_, near)| format!(" (did you mean \"{near}\"?)"))
}

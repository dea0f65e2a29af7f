//! How new alerts of a service join open incidents.

use std::fmt;

use campanile_model::Span;
use compact_str::CompactString;

use crate::problem::Report;

/// A group with a rolling window takes no new alert this long after its first.
/// Source: PagerDuty knowledge base, content-based and intelligent grouping.
pub const GROUP_AGE_MAX: Span = Span::hours(24);
/// Most alerts in one incident; the next opens a new one. Source: PagerDuty knowledge base, "1000 alerts".
pub const GROUP_ALERTS_MAX: u32 = 1000;
/// Most fields that one grouping compares. Source: PagerDuty REST, `iag_fields` (5) and `fields`; ours is one bound for both.
pub const GROUP_FIELDS_MAX: usize = 10;

/// The window of a rolling grouping that names none. Source: the seed's `time_window`; PagerDuty recommends one by history.
pub const GROUP_WINDOW_DEFAULT: Span = Span::seconds(300);
/// Bounds of a rolling window, in seconds; content-based grouping may also have exactly a day.
/// Source: PagerDuty REST, `time_window`.
pub const GROUP_WINDOW_SECONDS: (i64, i64) = (300, 3600);
/// The one longer window that content-based grouping may have, in seconds. Source: PagerDuty REST, `time_window`.
pub const GROUP_WINDOW_SECONDS_DAY: i64 = 86_400;
/// Bounds of a fixed window, in seconds. Source: PagerDuty REST, alert grouping settings, `timeout`.
pub const GROUP_TIMEOUT_SECONDS: (i64, i64) = (60, 86_400);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Every listed field equal.
    All,
    /// At least one listed field equal; transitive inside the window.
    Any,
}

/// A field of an event that grouping compares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FieldPath {
    Summary,
    Source,
    Severity,
    Component,
    Group,
    Class,
    /// `custom_details.a.b`, its parts without the head.
    Details(Vec<CompactString>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Everything inside one fixed window from the incident's first alert.
    Time {
        /// `None`: until the incident resolves.
        window: Option<Span>,
    },
    /// Equal fields inside a rolling window, counted from the latest alert that joined.
    Content { aggregate: Aggregate, fields: Vec<FieldPath>, window: Span },
    /// Equality of `fields` when any are given, else of the summary with its digits masked; rolling window.
    Intelligent { fields: Vec<FieldPath>, window: Span },
    /// Both sets of fields must agree (`content_based_intelligent`); rolling window.
    ContentIntelligent { aggregate: Aggregate, fields: Vec<FieldPath>, similar: Vec<FieldPath>, window: Span },
}

/// What `timeout` of a time grouping counts where it was written: minutes on a service, seconds in a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutUnit {
    Minutes,
    Seconds,
}

impl FieldPath {
    /// The fields of an event that have a name of their own.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("summary", Self::Summary),
        ("source", Self::Source),
        ("severity", Self::Severity),
        ("component", Self::Component),
        ("group", Self::Group),
        ("class", Self::Class),
    ];

    /// `None` for what is neither a named field nor `custom_details.` and a path without empty parts.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((_, field)) = Self::NAMED.iter().find(|(name, _)| *name == text) {
            return Some(field.clone());
        }
        let parts: Vec<CompactString> =
            text.strip_prefix("custom_details.")?.split('.').map(CompactString::from).collect();
        (!parts.iter().any(|part| part.is_empty())).then_some(Self::Details(parts))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Details(parts) => {
                f.write_str("custom_details")?;
                parts.iter().try_for_each(|part| write!(f, ".{part}"))
            }
            named => {
                let name = Self::NAMED.iter().find(|(_, field)| field == named).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

impl Grouping {
    /// `path` leads to the `config` of the grouping, whose writer counts `timeout` in `unit`.
    pub(crate) fn check(&self, path: &str, unit: TimeoutUnit, report: &mut Report) {
        match self {
            Self::Time { window: None } => {}
            Self::Time { window: Some(window) } => {
                let (least, most) = GROUP_TIMEOUT_SECONDS;
                let (seconds, words) = match unit {
                    TimeoutUnit::Minutes => (60, "minutes, or 0 for until resolved"),
                    TimeoutUnit::Seconds => (1, "seconds, or 0 for until resolved"),
                };
                let path = format!("{path}/timeout");
                report.check_range(path, window.whole_seconds() / seconds, least / seconds..=most / seconds, words);
            }
            Self::Content { fields, window, .. } => {
                check_fields(path, "fields", fields, report);
                if window.whole_seconds() != GROUP_WINDOW_SECONDS_DAY {
                    check_window(path, *window, "seconds, or exactly 86400", report);
                }
            }
            Self::Intelligent { fields, window } => {
                if !fields.is_empty() {
                    check_fields(path, "iag_fields", fields, report);
                }
                check_window(path, *window, "seconds", report);
            }
            Self::ContentIntelligent { fields, similar, window, .. } => {
                check_fields(path, "fields", fields, report);
                if !similar.is_empty() {
                    check_fields(path, "iag_fields", similar, report);
                }
                check_window(path, *window, "seconds", report);
            }
        }
    }
}

fn check_window(path: &str, window: Span, unit: &str, report: &mut Report) {
    let (least, most) = GROUP_WINDOW_SECONDS;
    report.check_range(format!("{path}/time_window"), window.whole_seconds(), least..=most, unit);
}

fn check_fields(path: &str, key: &str, fields: &[FieldPath], report: &mut Report) {
    if fields.is_empty() || fields.len() > GROUP_FIELDS_MAX {
        report.add(
            format!("{path}/{key}"),
            format!("{key} names {} fields", fields.len()),
            format!(
                "name 1 to {GROUP_FIELDS_MAX} of summary, source, severity, component, group, class, custom_details.…"
            ),
        );
    }
}

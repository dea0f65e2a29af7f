//! Urgency by rule and by support hours. Wall-clock times are compared in the zone named, exact over every change of offset.

use campanile_model::{Severity, Timestamp, Urgency};
use campanile_oncall::calendar;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// What an incident's urgency is made of. Source: PagerDuty REST, `incident_urgency_rule`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    High,
    Low,
    /// critical and error are high; warning and info are low.
    SeverityBased,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrgencyRule {
    Constant(Constant),
    UseSupportHours { during: Constant, outside: Constant },
}

impl Constant {
    pub fn urgency(self, severity: Severity) -> Urgency {
        match self {
            Self::High => Urgency::High,
            Self::Low => Urgency::Low,
            Self::SeverityBased if severity >= Severity::Error => Urgency::High,
            Self::SeverityBased => Urgency::Low,
        }
    }
}

impl UrgencyRule {
    /// `hours` are there whenever the rule uses them: the directory refuses a service without.
    pub fn urgency(self, severity: Severity, hours: Option<&SupportHours>, at: Timestamp) -> Urgency {
        match self {
            Self::Constant(constant) => constant.urgency(severity),
            Self::UseSupportHours { during, outside } => {
                let rule = if hours.is_some_and(|hours| hours.cover(at)) { during } else { outside };
                rule.urgency(severity)
            }
        }
    }
}

/// `fixed_time_per_day`: the same hours on each of the named days. `start < end`, both on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct SupportHours {
    pub zone: TimeZone,
    /// Index 0 is Monday.
    pub days: [bool; 7],
    pub start: Time,
    pub end: Time,
}

impl SupportHours {
    /// Whether the wall clock of the zone stands inside `[start, end)` on one of the days.
    pub fn cover(&self, at: Timestamp) -> bool {
        let local = calendar::wall(&self.zone, at);
        let day = local.date().weekday().to_monday_zero_offset() as usize;
        self.days[day] && self.start <= local.time() && local.time() < self.end
    }

    /// First start strictly after `at`. A start that falls in a gap moves to the gap's end.
    pub fn next_start_after(&self, at: Timestamp) -> Timestamp {
        self.next_after(at, self.start)
    }

    /// First end strictly after `at`.
    pub fn next_end_after(&self, at: Timestamp) -> Timestamp {
        self.next_after(at, self.end)
    }

    fn next_after(&self, at: Timestamp, wall: Time) -> Timestamp {
        let mut date = calendar::wall(&self.zone, at).date();
        // A day that a zone skipped whole (Samoa, 2011) costs one more turn; nine turns reach any weekday.
        for _ in 0..9 {
            let day = date.weekday().to_monday_zero_offset() as usize;
            if self.days[day] {
                let instant = calendar::instant(&self.zone, date.to_datetime(wall));
                if instant > at {
                    return instant;
                }
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        Timestamp::MAX
    }
}

//! Scenarios as text: what happens, and on lines with `>` what the notifier does about it. The whole transcript is
//! compared, blanks aside.

use std::collections::BTreeMap;

use campanile_escalation::{Hop, Reason, Reply, Report, What};
use campanile_model::{
    Actor, Command, CommandId, Heir, IncidentId, OrderId, Severity, Span, Timestamp, Urgency, UserId, Verb,
};
use campanile_triage::Action;

use super::organisation::MIDNIGHT;
use super::{House, Seen};

/// Which of the notifier's doings are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Ladders: who is paged at which level.
    Ladder,
    /// Ladders, and what becomes of each person's pages.
    Pages,
}

/// Plays the table and compares what comes out.
pub fn check(show: Show, table: &str) {
    let mut play = Play {
        house: House::new(),
        show,
        deaf: false,
        is_away: false,
        orders: Vec::new(),
        nth: 0,
        transcript: Vec::new(),
    };
    for line in table.lines().map(squeezed).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if !line.contains('>') {
            play.line(&line);
        }
    }
    let expected: Vec<_> =
        table.lines().map(squeezed).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let found = play.transcript.join("\n");
    assert_eq!(found, expected.join("\n"), "\nfull transcript:\n{found}\n");
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Play {
    house: House,
    show: Show,
    /// The processor takes no commands.
    deaf: bool,
    /// Neither machine runs.
    is_away: bool,
    orders: Vec<OrderId>,
    nth: u32,
    transcript: Vec<String>,
}

impl Play {
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let (clock, verb, rest) = (words[0], words[1], &words[2..]);
        if verb == "back" {
            self.house.present = time_of(clock);
        }
        if !self.is_away || verb == "back" {
            self.run_until(time_of(clock));
        }
        self.house.now = self.house.now.max(time_of(clock));
        self.transcript.push(line.to_owned());
        let options: BTreeMap<&str, &str> = rest.iter().filter_map(|word| word.split_once('=')).collect();
        match verb {
            "trigger" | "resolve" => {
                let (service, key) = rest[0].split_once('/').unwrap();
                let action = if verb == "trigger" { Action::Trigger } else { Action::Resolve };
                let severity = options.get("sev").map_or(Severity::Critical, |s| Severity::parse(s).unwrap());
                self.house.send(service, key, action, severity);
            }
            "wait" => {}
            "deaf" => self.deaf = true,
            "away" => self.is_away = true,
            "back" => self.is_away = false,
            "hears" => self.deaf = false,
            "last_resort" => self.house.options.last_resort = vec![UserId::new(rest[0])],
            "gap_key" => self.house.options.gap_routing_key = Some(campanile_model::RoutingKey::new(rest[0])),
            "accepted" | "arrived" | "refused" => self.reply(verb, rest[0], &options),
            "answer" => self.answer(rest, &options),
            "audit" => self.house.report(&Report::Audit(self.incident(rest[0]))),
            "forget" => self.house.lose_timer(campanile_escalation::Timer::ladder(self.incident(rest[0]))),
            _ => {
                let command = self.command(verb, rest[0], &options);
                self.house.ask(&command);
            }
        }
        self.settle();
    }

    fn run_until(&mut self, until: Timestamp) {
        while let Some(due) = self.house.due(until) {
            self.house.fire(due);
            self.settle();
        }
        self.house.now = self.house.now.max(until);
    }

    /// Delivers whatever waits, and writes down what the notifier did.
    fn settle(&mut self) {
        while !self.is_away {
            let moved = self.house.deliver_incident()
                || self.house.deliver_hop()
                || (!self.deaf && self.house.deliver_command());
            self.write();
            if !moved {
                break;
            }
        }
    }

    fn write(&mut self) {
        let clock = clock_of(self.house.now.max(self.house.present));
        for seen in std::mem::take(&mut self.house.seen) {
            if let Some(text) = self.tell(&seen) {
                self.transcript.push(format!("{clock} > {text}"));
            }
        }
    }

    fn tell(&mut self, seen: &Seen) -> Option<String> {
        let told = match seen {
            Seen::Gap(key) => return Some(format!("event {key}")),
            Seen::Hop(Hop::Page(_) | Hop::Withdrawal(_)) => return None,
            Seen::Told(told) => told,
        };
        let (name, place) = (self.name(told.incident), told.place);
        let of_person = self.show == Show::Pages;
        let text = match &told.what {
            What::Delayed { until } => format!("{name} waits until {}", clock_of(*until)),
            What::Entered { users, reason, unconfirmed } => {
                let users: Vec<_> = users.iter().map(UserId::as_str).collect();
                let place = match reason {
                    Reason::Step => format!("loop {} level {}", place.lap, place.level),
                    Reason::LastResort => "last resort".to_owned(),
                    Reason::ByHand => "by hand".to_owned(),
                };
                let mark = if *unconfirmed { ", unconfirmed" } else { "" };
                format!("{name} cycle {} {place}: page {}{mark}", told.place.cycle, users.join(" "))
            }
            What::Skipped if place.turn > 0 => {
                format!("{name} loop {} level {} turn {}: nobody on call", place.lap, place.level, place.turn)
            }
            What::Skipped => format!("{name} loop {} level {}: nobody on call", place.lap, place.level),
            What::Uncovered { policy } => format!("{name} nobody on call at any level of {policy}"),
            What::Repeated => format!("{name} begins again"),
            What::Exhausted => format!("{name} exhausted"),
            What::Saved => format!("{name} resolved before anybody was paged"),
            What::Answered { user, verb } => format!("{name} {user} says {verb}"),
            What::Ordered { order, user, channel, .. } if of_person => {
                let of = self.order_name(*order);
                format!("{of} {} to {user}: {name}", channel.as_str())
            }
            What::Dropped { user, why } => format!("{name} not to {user}: {}", why.as_str()),
            What::Withdrawn { user } if of_person => format!("withdrawn from {user}: {name}"),
            What::Accepted { order, .. } if of_person => format!("{} accepted: {name}", self.order_name(*order)),
            What::Arrived { order, .. } if of_person => format!("{} arrived: {name}", self.order_name(*order)),
            What::Refused { order, next, .. } if of_person => {
                let next = next.map_or("given up".to_owned(), |at| format!("again at {}", clock_of(at)));
                format!("{} refused, {next}: {name}", self.order_name(*order))
            }
            What::Ordered { .. }
            | What::Withdrawn { .. }
            | What::Accepted { .. }
            | What::Arrived { .. }
            | What::Refused { .. }
            | What::Crowded { .. } => return None,
        };
        Some(text)
    }

    fn reply(&mut self, verb: &str, order: &str, options: &BTreeMap<&str, &str>) {
        let order = self.order(order);
        let provider = "test".into();
        let reply = match verb {
            "accepted" => Reply::Accepted { provider, reference: Default::default() },
            "arrived" => Reply::Arrived { provider },
            _ => Reply::Refused { provider, permanent: options.contains_key("permanent"), detail: "no".to_owned() },
        };
        self.house.report(&Report::Order { order, reply });
    }

    fn answer(&mut self, rest: &[&str], options: &BTreeMap<&str, &str>) {
        self.nth += 1;
        let id = options.get("id").map_or_else(|| format!("answer{}", self.nth), |id| (*id).to_owned());
        let order = rest[0].starts_with('O').then(|| self.order(rest[0]));
        let incident = rest[0].starts_with('I').then(|| self.incident(rest[0]));
        let verb = if rest[1] == "4" { Verb::Acknowledge } else { Verb::Resolve };
        let user = UserId::new(options["by"]);
        self.house.report(&Report::Person { id: id.into(), user, order, incident, verb });
    }

    fn command(&mut self, verb: &str, incident: &str, options: &BTreeMap<&str, &str>) -> Command {
        self.nth += 1;
        Command {
            id: CommandId::new(format!("c{}", self.nth)),
            actor: Actor { kind: "user_reference".into(), id: "ANN".into() },
            incident: self.incident(incident),
            verb: match verb {
                "ack" => Verb::Acknowledge,
                "close" => Verb::Resolve,
                "priority" => Verb::SetPriority(options.get("to").map(|p| (*p).into())),
                "urgency" => Verb::SetUrgency(Urgency::parse(options["to"]).unwrap()),
                "title" => Verb::SetTitle(options["to"].to_owned()),
                "escalate" => Verb::RequestEscalation(options.get("level").map(|l| l.parse().unwrap())),
                "reassign" => Verb::Reassign(match options.get("policy") {
                    Some(policy) => Heir::Policy(campanile_model::PolicyId::new(policy)),
                    None => Heir::Users(options["to"].split('+').map(UserId::new).collect()),
                }),
                "snooze" => Verb::Snooze(Span::minutes(options["for"].parse().unwrap())),
                other => panic!("unknown verb {other}"),
            },
            revision: None,
        }
    }

    fn incident(&self, name: &str) -> IncidentId {
        let nth: usize = name.trim_start_matches('I').parse().unwrap();
        self.house.incident_ids[nth - 1]
    }

    fn name(&self, id: IncidentId) -> String {
        format!("I{}", self.house.incident_ids.iter().position(|known| *known == id).unwrap() + 1)
    }

    fn order(&self, name: &str) -> OrderId {
        self.orders[name.trim_start_matches('O').parse::<usize>().unwrap() - 1]
    }

    fn order_name(&mut self, id: OrderId) -> String {
        let nth = self.orders.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.orders.push(id);
            self.orders.len() - 1
        });
        format!("O{}", nth + 1)
    }
}

pub fn time_of(clock: &str) -> Timestamp {
    let (days, clock) = clock.split_once('+').map_or((0, clock), |(days, clock)| (days.parse().unwrap(), clock));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    MIDNIGHT + Span::hours(24 * days + parts[0]) + Span::minutes(parts[1]) + Span::seconds(parts[2])
}

fn clock_of(at: Timestamp) -> String {
    let seconds = at.since(MIDNIGHT).whole_seconds();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}+{clock}") }
}

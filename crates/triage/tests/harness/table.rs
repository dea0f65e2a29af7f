//! Scenarios as text: what happens on the left of `=>`, what came of it on the right. Timers write lines of their own,
//! in brackets. The whole transcript is compared.

use std::collections::BTreeMap;

use campanile_model::{
    Actor, Command, CommandId, Heir, Hidden, IncidentId, PolicyId, Severity, Source, Span, Step, Timestamp, Urgency,
    UserId, Verb,
};
use campanile_triage::{Action, Addition, Answer, Effects, Publish, Timer, TimerKind};

use super::organisation::{MIDNIGHT, directory, directory_later, key_of};
use super::{Details, Sent, World};

/// Plays the table and compares what comes out, blanks aside.
pub fn check(table: &str) {
    let mut play = Play { world: World::new(directory()), incidents: Vec::new(), transcript: Vec::new() };
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let input = line.split("=>").next().unwrap_or_default().trim();
        if !input.contains('[') {
            play.line(input);
        }
    }
    let expected: Vec<String> =
        table.lines().filter(|l| !l.trim().is_empty() && !l.trim().starts_with('#')).map(squeezed).collect();
    assert_eq!(play.transcript.join("\n"), expected.join("\n"), "\nfull transcript:\n{}\n", play.transcript.join("\n"));
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Play {
    world: World,
    incidents: Vec<IncidentId>,
    transcript: Vec<String>,
}

impl Play {
    fn line(&mut self, input: &str) {
        let mut words = input.split_whitespace();
        let clock = words.next().expect("a line begins with a time");
        let at = time_of(clock);
        let verb = words.next().expect("a line has a verb");
        let rest: Vec<&str> = words.collect();
        self.fire_until(at);
        let effects = match verb {
            "trigger" | "acknowledge" | "resolve" => {
                let sent = self.sent(verb, &rest, at);
                self.world.send(&sent)
            }
            "wait" => {
                self.world.now = self.world.now.max(at);
                return self.transcript.push(squeezed(input));
            }
            "directory" => {
                self.world.directory = directory_later();
                return self.transcript.push(squeezed(input));
            }
            _ => {
                let command = self.command(verb, &rest);
                self.world.ask(&command, at)
            }
        };
        let outcome = self.tell(&effects);
        self.transcript.push(format!("{} => {outcome}", squeezed(input)));
    }

    fn fire_until(&mut self, until: Timestamp) {
        while let Some((due, timer)) = self.world.due(until) {
            let effects = self.world.fire(due, timer);
            let name = self.timer_name(timer);
            let told = self.tell(&effects);
            self.transcript.push(format!("{} [{name}] => {told}", clock_of(due)));
        }
    }

    fn sent(&mut self, verb: &str, words: &[&str], at: Timestamp) -> Sent {
        let (integration, dedup_key) = words[0].split_once('/').expect("service/key");
        let options: BTreeMap<&str, &str> = words[1..].iter().filter_map(|word| word.split_once('=')).collect();
        let option = |name: &str| options.get(name).map(|value| (*value).to_owned());
        let details = options
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("details.")?.to_owned(), (*value).to_owned())));
        self.world.offset += 1;
        let ago = option("late").map_or(0, |seconds| seconds.parse::<i64>().expect("late=seconds"));
        Sent {
            routing_key: key_of(integration),
            action: match verb {
                "trigger" => Action::Trigger,
                "acknowledge" => Action::Acknowledge,
                _ => Action::Resolve,
            },
            dedup_key: dedup_key.to_owned(),
            severity: option("sev").map_or(Severity::Critical, |s| Severity::parse(&s).expect("a severity")),
            summary: option("summary").unwrap_or_else(|| dedup_key.to_owned()),
            component: option("component"),
            class: option("class"),
            details: Details(details.collect()),
            source: Source {
                partition: option("partition").map_or(0, |p| p.parse().expect("a partition")),
                offset: self.world.offset,
                at: at - Span::seconds(ago),
                hops: option("hops").map_or(0, |h| h.parse().expect("hops")),
            },
        }
    }

    fn command(&mut self, verb: &str, words: &[&str]) -> Command {
        let options: BTreeMap<&str, &str> = words[1..].iter().filter_map(|word| word.split_once('=')).collect();
        self.world.offset += 1;
        let id = options.get("id").map_or_else(|| format!("c{}", self.world.offset), |id| (*id).to_owned());
        Command {
            id: CommandId::new(id),
            actor: Actor { kind: "user_reference".into(), id: "PUSER".into() },
            incident: self.incident(words[0]),
            verb: match verb {
                "ack" => Verb::Acknowledge,
                "close" => Verb::Resolve,
                "priority" => Verb::SetPriority(options.get("to").map(|p| (*p).into())),
                "urgency" => Verb::SetUrgency(Urgency::parse(options["to"]).expect("an urgency")),
                "title" => Verb::SetTitle(options.get("to").map_or(" ", |t| t).to_owned()),
                "step" => Verb::Escalate(Step {
                    lap: 0,
                    level: options["level"].parse().expect("a level"),
                    users: options["to"].split('+').filter(|id| !id.is_empty()).map(UserId::new).collect(),
                }),
                "escalate" => Verb::RequestEscalation(options.get("level").map(|l| l.parse().expect("a level"))),
                "reassign" => Verb::Reassign(match options.get("policy") {
                    Some(policy) => Heir::Policy(PolicyId::new(policy)),
                    None => Heir::Users(options["to"].split('+').map(UserId::new).collect()),
                }),
                "snooze" => Verb::Snooze(Span::seconds(options["for"].parse().expect("seconds"))),
                "merge" => Verb::Merge(options["of"].split('+').map(|name| self.incident(name)).collect()),
                "note" => Verb::Note(options.get("text").map_or(" ", |t| t).to_owned()),
                other => panic!("unknown verb {other}"),
            },
            revision: options.get("seen").map(|r| r.parse().expect("a revision")),
        }
    }

    fn incident(&self, name: &str) -> IncidentId {
        let nth: usize = name.trim_start_matches('I').parse().expect("an incident like I1");
        self.incidents.get(nth.wrapping_sub(1)).copied().unwrap_or(IncidentId(99))
    }

    fn tell(&mut self, effects: &Effects) -> String {
        let (outcome, reason) = effects.outcome.labels();
        let mut parts = vec![if reason.is_empty() { outcome.to_owned() } else { format!("{outcome} {reason}") }];
        for publish in &effects.publish {
            parts.push(match publish {
                Publish::Revision(revision) => {
                    let incident = &revision.incident;
                    let priority = incident.priority.as_ref().map_or("none", |p| p.name.as_str());
                    let change = revision.change.as_str().trim_start_matches("incident.");
                    let (name, counts) = (self.name(incident.id), format!("{}/{}", incident.open, incident.alerts));
                    let number = incident.revision;
                    let mut text =
                        format!("{name} r{number} {change} {} {priority} open {counts}", incident.urgency.as_str());
                    if !incident.assignees.is_empty() {
                        let to: Vec<_> = incident.assignees.iter().map(|user| user.id.as_str()).collect();
                        text.push_str(&format!(" to {} level {}", to.join("+"), incident.level));
                    }
                    text.push_str(&match &revision.addition {
                        Addition::None => String::new(),
                        Addition::Note(note) => format!(" note {note}"),
                        Addition::Level(level) => level.map_or(" next".to_owned(), |level| format!(" wanted {level}")),
                        Addition::Merged(of) => {
                            let names: Vec<_> = of.iter().map(|id| self.name(*id)).collect();
                            format!(" of {} {}", names.join("+"), revision.alert_keys.join("+"))
                        }
                    });
                    if let Some(into) = incident.merged_into {
                        text.push_str(&format!(" into {}", self.name(into)));
                    }
                    text
                }
                Publish::Answer(answer) => match answer.answer {
                    Answer::Applied(revision) => format!("answer applied r{revision}"),
                    Answer::Unchanged(revision) => format!("answer unchanged r{revision}"),
                    Answer::Refused(reason) => format!("answer refused {}", reason.as_str()),
                },
                Publish::Forward(shard) => format!("forward {shard}"),
                Publish::DeadLetter { reason, .. } => format!("dead {}", reason.as_str()),
            });
        }
        for change in &effects.timers {
            let name = self.timer_name(change.timer);
            parts.push(match change.due {
                Some(due) => format!("+{name} {}", clock_of(due)),
                None => format!("-{name}"),
            });
        }
        let mut announced = Vec::new();
        self.world.state.announcements(|alert, details| {
            let hidden = alert.hidden.map_or("", |hidden| match hidden {
                Hidden::Maintenance => " hidden:maintenance",
                Hidden::DisabledService => " hidden:disabled",
            });
            let (key, status, count) = (&details.dedup_key, alert.status.as_str(), alert.count);
            announced.push(format!("({key} {status} {} x{count}{hidden})", alert.severity.as_str()));
        });
        parts.extend(announced);
        parts.join(", ")
    }

    fn name(&mut self, id: IncidentId) -> String {
        let nth = self.incidents.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.incidents.push(id);
            self.incidents.len() - 1
        });
        format!("I{}", nth + 1)
    }

    fn timer_name(&mut self, timer: Timer) -> String {
        match timer.kind {
            TimerKind::AutoResolve
            | TimerKind::AcknowledgementTimeout
            | TimerKind::UrgencyRise
            | TimerKind::SnoozeEnd => {
                format!("{} {}", timer.kind.as_str(), self.name(IncidentId(timer.object as u64)))
            }
            TimerKind::AnswerExpiry | TimerKind::TombstoneExpiry => timer.kind.as_str().to_owned(),
        }
    }
}

fn time_of(clock: &str) -> Timestamp {
    let (days, clock) = clock.split_once('+').map_or((0, clock), |(days, clock)| (days.parse().expect("days"), clock));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().expect("HH:MM:SS")).collect();
    MIDNIGHT + Span::hours(24 * days + parts[0]) + Span::minutes(parts[1]) + Span::seconds(parts[2])
}

fn clock_of(at: Timestamp) -> String {
    let seconds = at.since(MIDNIGHT).whole_seconds();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}+{clock}") }
}

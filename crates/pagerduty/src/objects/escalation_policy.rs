//! An escalation policy.

use campanile_directory::policy::{Handoff, Rule, Strategy, Target};
use campanile_directory::{Kind, Policy};
use campanile_model::{PolicyId, ScheduleId, Span, TeamId, UserId};

use super::json::{Data, Value};
use super::reader::{Fields, Keys, Reader};
use super::{reference, references};

const KEYS: Keys = Keys {
    of: "escalation policy",
    known: &["name", "description", "num_loops", "on_call_handoff_notifications", "escalation_rules", "teams"],
    ignored: &["services", "privilege", "repeat_enabled"],
    idle: &[],
};
const RULE_KEYS: Keys = Keys {
    of: "escalation rule",
    known: &["escalation_delay_in_minutes", "targets", "escalation_rule_assignment_strategy"],
    ignored: &[],
    idle: &[],
};
const STRATEGY_KEYS: Keys = Keys { of: "assignment strategy", known: &["type"], ignored: &["description"], idle: &[] };

const HANDOFFS: [(&str, Handoff); 2] = [("if_has_services", Handoff::IfHasServices), ("always", Handoff::Always)];
const STRATEGIES: [(&str, Strategy); 2] =
    [("assign_to_everyone", Strategy::AssignToEveryone), ("round_robin", Strategy::RoundRobin)];

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<Policy> {
    let fields = reader.object(value, "", &KEYS)?;
    let loops = reader.whole(&fields, "num_loops").unwrap_or_default();
    if loops < 0 {
        let at = fields.get("num_loops").map_or(fields.at, |value| value.at);
        reader.fault(at, format!("\"num_loops\" of {loops} is below 0"), "write how often the rules repeat, from 0");
    }
    if fields.get("escalation_rules").is_none() {
        reader.missing(&fields, "escalation_rules", "add at least one rule with a delay and targets");
    }
    let rules = reader.list(&fields, "escalation_rules").iter().enumerate();
    let rules: Vec<_> = rules.filter_map(|(i, value)| rule(reader, value, i)).collect();
    Some(Policy {
        id: PolicyId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add the policy's name").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        loops: u32::try_from(loops).unwrap_or_default(),
        handoff: reader.choice(&fields, "on_call_handoff_notifications", &HANDOFFS).unwrap_or_default(),
        rules,
        teams: reader.references(&fields, "teams", Kind::Team).into_iter().map(TeamId::new).collect(),
    })
}

fn rule(reader: &mut Reader<'_>, value: &Value, place: usize) -> Option<Rule> {
    let fields = reader.object(value, &format!("/escalation_rules/{place}"), &RULE_KEYS)?;
    let delay = reader.need_whole(&fields, "escalation_delay_in_minutes", "add the minutes until the next rule");
    let targets = reader.list(&fields, "targets").iter().filter_map(|target| {
        let (kind, id) = reader.reference_in(target, &[Kind::User, Kind::Schedule])?;
        Some(if kind == Kind::User { Target::User(UserId::new(id)) } else { Target::Schedule(ScheduleId::new(id)) })
    });
    Some(Rule {
        targets: targets.collect(),
        id: reader.text(&fields, "id").map(Into::into),
        delay: Span::minutes(delay),
        strategy: strategy(reader, &fields).unwrap_or_default(),
    })
}

/// A word, or an object with the word as its type.
fn strategy(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Strategy> {
    const KEY: &str = "escalation_rule_assignment_strategy";
    let value = fields.get(KEY)?;
    if matches!(value.data, Data::Text(_)) {
        return reader.choice(fields, KEY, &STRATEGIES);
    }
    let inner = reader.object(value, &fields.path_to(KEY), &STRATEGY_KEYS)?;
    reader.need_choice(&inner, "type", &STRATEGIES)
}

pub(super) fn write(it: &Policy) -> serde_json::Value {
    let handoff = HANDOFFS.iter().find(|(_, handoff)| *handoff == it.handoff).map(|(name, _)| *name);
    serde_json::json!({
        "name": it.name.as_str(),
        "description": it.description,
        "num_loops": it.loops,
        "on_call_handoff_notifications": handoff,
        "escalation_rules": it.rules.iter().map(write_rule).collect::<serde_json::Value>(),
        "teams": references(Kind::Team, it.teams.iter().map(|team| team.as_str())),
    })
}

fn write_rule(rule: &Rule) -> serde_json::Value {
    let strategy = STRATEGIES.iter().find(|(_, strategy)| *strategy == rule.strategy).map(|(name, _)| *name);
    let target = |target: &Target| match target {
        Target::User(user) => reference(Kind::User, user.as_str()),
        Target::Schedule(schedule) => reference(Kind::Schedule, schedule.as_str()),
    };
    let mut body = serde_json::json!({
        "escalation_delay_in_minutes": rule.delay.whole_seconds() / 60,
        "targets": rule.targets.iter().map(target).collect::<serde_json::Value>(),
        "escalation_rule_assignment_strategy": { "type": strategy },
    });
    if let Some(id) = &rule.id {
        body["id"] = id.as_str().into();
    }
    body
}

//! The model and the product's machine, written apart from one set of sentences, say the same of the same events.

use campanile_directory::Snapshot;
use campanile_load::model::{Model, Step};
use campanile_load::organisation::{maintained, objects, routing_keys};
use campanile_load::workload::{Action, BEGINS, Options, Workload};
use campanile_model::{Epoch, LedgerId, Severity, ShardId, Source, Span, Timestamp};
use campanile_pagerduty::objects::snapshot_from_records;
use campanile_triage::{Body, Event, Ids, Input, Memo, Payload, State, apply, footprint};
use compact_str::CompactString;
use proptest::prelude::*;

struct NoBody;

impl Body for NoBody {
    fn detail(&self, _path: &[CompactString]) -> Option<String> {
        None
    }

    fn encode(&self, _out: &mut Vec<u8>) {}
}

/// One shard, so that every service is at home.
struct Machine {
    directory: Snapshot,
    keys: Vec<String>,
    state: State,
    now: Timestamp,
    offset: u64,
}

impl Machine {
    fn new(services: u16) -> Self {
        let directory = snapshot_from_records(objects(42, services), Epoch(1), 1).expect("the organisation loads");
        let state = State::new(Ids { ledger: LedgerId(7), shard: ShardId(0), serial: 0 });
        Self { directory, keys: routing_keys(42, services), state, now: Timestamp::EPOCH, offset: 0 }
    }

    fn apply(&mut self, step: &Step) -> &'static str {
        self.now = self.now.max(step.at);
        self.offset += 1;
        let (dedup_key, class) = (format!("k{}", step.alert), format!("c{}", step.class));
        let memo = Memo::default();
        let payload = Payload {
            summary: "summary",
            source: "source",
            severity: Severity::Error,
            component: None,
            group: None,
            class: Some(&class),
        };
        let event = Event {
            routing_key: &self.keys[step.service as usize],
            action: match step.action {
                Action::Trigger => campanile_triage::Action::Trigger,
                Action::Acknowledge => campanile_triage::Action::Acknowledge,
                Action::Resolve => campanile_triage::Action::Resolve,
            },
            dedup_key: &dedup_key,
            payload: Some(payload),
            body: &NoBody,
            source: Source { partition: 0, offset: self.offset, at: self.now, hops: 0 },
            memo: &memo,
        };
        let input = Input::Event(&event);
        let mut wants = Vec::new();
        loop {
            footprint(&self.directory, &mut self.state, &input, self.now, &mut wants);
            if wants.is_empty() {
                break;
            }
            for want in wants.drain(..) {
                know_nothing_of(&mut self.state, want);
            }
        }
        apply(&self.directory, &mut self.state, &input, self.now).outcome.labels().0
    }
}

fn know_nothing_of(state: &mut State, want: campanile_triage::Want) {
    use campanile_triage::Want;
    match want {
        Want::Alert(key) => state.alerts.load(key, None),
        Want::Details(key) => state.details.load(key, None),
        Want::Incident(key) => state.incidents.load(key, None),
        Want::Group(key) => state.groups.load(key, None),
        Want::Members(key) => state.members.load(key, None),
        Want::Answer(key) => state.answers.load(key, None),
    }
}

fn check(services: u16, steps: impl IntoIterator<Item = Step>) {
    let (mut model, mut machine) = (Model::new(), Machine::new(services));
    for (nth, step) in steps.into_iter().enumerate() {
        assert_eq!(model.apply(&step).labels().0, machine.apply(&step), "at {nth}: {step:?}");
    }
}

#[test]
fn they_agree_on_the_noise() {
    let services = 20;
    let quiet = maintained(services);
    assert!(!quiet.is_empty());
    let mut workload = Workload::new(Options { seed: 42, services });
    let mut json = Vec::new();
    let steps: Vec<Step> = (0..60_000)
        .map(|_| {
            let fact = workload.write_next(&mut json);
            Step {
                shard: 0,
                service: u32::from(fact.service),
                alert: u64::from(fact.alert),
                class: u32::from(fact.class),
                hidden: quiet.contains(&fact.service),
                action: fact.action,
                // Stretched, so that windows and the day end within so few events.
                at: BEGINS + Span::millis(fact.at.since(BEGINS).0 * 40),
            }
        })
        .collect();
    check(services, steps);
}

proptest! {
    #[test]
    fn they_agree_on_whatever_comes(
        steps in prop::collection::vec((0_i64..4000, 0_u8..10, 0_u64..8, 0_u32..6, 0_u32..3), 0..400)
    ) {
        let quiet = maintained(6);
        check(6, steps.into_iter().map(|(seconds, action, alert, service, class)| Step {
            shard: 0,
            service,
            alert,
            class,
            hidden: quiet.contains(&(service as u16)),
            action: match action { 0..5 => Action::Trigger, 5..7 => Action::Acknowledge, _ => Action::Resolve },
            at: BEGINS + Span::seconds(seconds),
        }));
    }
}

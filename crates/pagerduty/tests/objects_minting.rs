//! Keys: pinned ones are kept, known ones found again, others minted where the service has its home.

use campanile_directory::{Kind, integration_id, mint};
use campanile_model::{Epoch, RoutingKey, ServiceId};
use campanile_pagerduty::objects::{File, Known, Loaded, load};

const SERVICE: &str = r#"{"name": "api", "escalation_policy": {"id": "PP"}, "integrations": [
  {"name": "Prometheus"}, {"name": "Datadog", "integration_key": "0123456789abcdef0123456789abcdef"}]}"#;
const POLICY: &str = r#"{"name": "p", "escalation_rules": [
  {"escalation_delay_in_minutes": 1, "targets": [{"id": "PU", "type": "user_reference"}]}]}"#;
const USER: &str = r#"{"name": "John Doe", "email": "john@example.com"}"#;

fn directory(more: &[(&str, &str)], known: &dyn Fn(&str) -> Option<&'static str>) -> Loaded {
    let base = [("services/PS.json", SERVICE), ("escalation_policies/PP.json", POLICY), ("users/PU.json", USER)];
    let files: Vec<_> = base
        .iter()
        .chain(more)
        .map(|(path, text)| File::new(path, text.as_bytes().to_vec()).expect("sound").expect("an object"))
        .collect();
    let mut draws = 0;
    let mut entropy = || {
        draws += 1;
        [draws; 16]
    };
    load(
        &files,
        Known { key: &|_, id| known(id.as_str()).map(RoutingKey::new), secret: &|_| None },
        &mut entropy,
        Epoch(1),
        4096,
    )
    .expect("sound")
}

#[test]
fn only_the_absent_key_is_minted_and_it_leads_home() {
    let loaded = directory(&[], &|_| None);
    let [(service, integration, key)] = loaded.minted.as_slice() else { panic!("one key") };
    assert_eq!(service.as_str(), "PS");
    assert_eq!(*integration, integration_id(&ServiceId::new("PS"), "Prometheus"));
    assert!(mint::has_affinity(key.as_str(), "PS"));
    assert!(key.as_str().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) && key.as_str().len() == 32);
    let route = loaded.snapshot.route(key.as_str()).expect("routed");
    assert_eq!((route.service.id.as_str(), route.integration.name.as_str()), ("PS", "Prometheus"));
    assert!(loaded.snapshot.route("0123456789abcdef0123456789abcdef").is_some());
}

#[test]
fn a_known_key_is_kept_and_stored() {
    const KEY: &str = "ffffffffffffffffffffffffffffffff";
    let prometheus = integration_id(&ServiceId::new("PS"), "Prometheus");
    let loaded = directory(&[], &|id| (id == prometheus.as_str()).then_some(KEY));
    assert_eq!(loaded.minted, []);
    let (_, _, bytes) = loaded.objects.iter().find(|(kind, ..)| *kind == Kind::Service).expect("stored");
    assert!(String::from_utf8_lossy(bytes).contains(KEY));
}

#[test]
fn the_key_of_a_joined_service_leads_to_the_settings_home() {
    let more = [
        ("services/PS2.json", r#"{"name": "db", "escalation_policy": {"id": "PP"}}"#),
        ("alert_grouping_settings/PG.json", r#"{"type": "time", "services": [{"id": "PS"}, {"id": "PS2"}]}"#),
    ];
    let loaded = directory(&more, &|_| None);
    assert!(mint::has_affinity(loaded.minted[0].2.as_str(), "PG"));
    let homes: Vec<_> = loaded.snapshot.services().map(|it| (it.scope.as_str(), it.home)).collect();
    assert_eq!(homes[0], homes[1]);
    assert_eq!(homes[0].0, "PG");
}

#[test]
fn foreign_keys_are_one_warning_for_all() {
    let warnings = directory(&[], &|_| None).warnings;
    let shown: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["services/PS.json:2:66: 1 of 2 integration keys were not minted for their service's shard\n\x20 \
          help: events of producers that partition by key pay one more hop; a minted key pays none"]
    );
}

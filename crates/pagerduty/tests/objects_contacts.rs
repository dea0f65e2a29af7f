//! Contact methods and notification rules, in PagerDuty's shapes inside their user.

use campanile_directory::contact::{Channel, ContactMethod, NotificationRule};
use campanile_directory::{HandoffRule, HandoffType, Kind, Object, User};
use campanile_model::{Epoch, Span, Urgency};
use campanile_pagerduty::objects::{File, Known, load, read, write};

const ANN: &str = r#"{
  "user": {
    "name": "Ann",
    "email": "ann@example.com",
    "contact_methods": [
      {"id": "PAPP", "type": "push_notification_contact_method", "address": "device", "device_type": "ios", "sounds": []},
      {"id": "PSMS", "type": "sms_contact_method", "country_code": 49, "address": "15550100", "label": "mobile", "enabled": false}
    ],
    "notification_rules": [
      {"id": "PR1", "type": "assignment_notification_rule", "start_delay_in_minutes": 0, "urgency": "high",
       "contact_method": {"id": "PAPP", "type": "push_notification_contact_method"}},
      {"start_delay_in_minutes": 5, "urgency": "low", "contact_method": {"id": "PSMS", "type": "sms_contact_method_reference"}}
    ],
    "oncall_handoff_notification_rules": [
      {"id": "PH1", "type": "oncall_handoff_notification_rule", "handoff_type": "oncall", "notify_advance_in_minutes": 180,
       "contact_method": {"id": "PAPP", "type": "push_notification_contact_method"}},
      {"notify_advance_in_minutes": 0, "contact_method": {"id": "PSMS", "type": "sms_contact_method"}}
    ]
  }
}"#;

fn ann() -> User {
    match read(Kind::User, "PANN", ANN.as_bytes()) {
        Ok((Object::User(user), warnings)) => {
            assert_eq!(warnings, []);
            user
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_user_s_contact_methods_and_rules_are_read() {
    let ann = ann();
    let app = ContactMethod {
        id: "PAPP".into(),
        channel: Channel::Push,
        address: "device".into(),
        label: "".into(),
        country_code: 1,
        enabled: true,
    };
    let sms = ContactMethod {
        id: "PSMS".into(),
        channel: Channel::Sms,
        address: "15550100".into(),
        label: "mobile".into(),
        country_code: 49,
        enabled: false,
    };
    assert_eq!(ann.contact_methods, [app, sms]);
    let at_once =
        NotificationRule { id: Some("PR1".into()), urgency: Urgency::High, delay: Span::ZERO, contact: "PAPP".into() };
    let later = NotificationRule { id: None, urgency: Urgency::Low, delay: Span::minutes(5), contact: "PSMS".into() };
    assert_eq!(ann.notification_rules, [at_once, later]);
    let before = HandoffRule {
        id: Some("PH1".into()),
        about: HandoffType::OnCall,
        advance: Span::hours(3),
        contact: "PAPP".into(),
    };
    let then = HandoffRule { id: None, about: HandoffType::Both, advance: Span::ZERO, contact: "PSMS".into() };
    assert_eq!(ann.handoff_rules, [before, then]);
}

#[test]
fn the_stored_form_reads_as_the_same_user() {
    let stored = write(&Object::User(ann()));
    let again = read(Kind::User, "PANN", &stored).expect("our own form is sound");
    assert_eq!(again, (Object::User(ann()), vec![]));
}

#[test]
fn references_without_an_address_are_passed_over_with_a_warning() {
    let text = r#"{"name": "Ann", "email": "ann@example.com",
        "contact_methods": [{"id": "PC", "type": "email_contact_method_reference", "summary": "Work"}],
        "notification_rules": [{"id": "PR", "type": "assignment_notification_rule_reference"},
            {"start_delay_in_minutes": 0, "urgency": "high", "contact_method": {"id": "PC", "type": "email_contact_method"}}]}"#;
    let (object, warnings) = read(Kind::User, "PANN", text.as_bytes()).expect("an export without include[] loads");
    let Object::User(user) = object else { panic!("a user") };
    assert!(user.contact_methods.is_empty() && user.notification_rules.is_empty());
    let paths: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["/contact_methods/0", "/notification_rules/0", "/notification_rules/1"]);
}

fn check(text: &str, expected: &[&str]) {
    let file = File::new("users/PANN.json", text.as_bytes().to_vec()).expect("a sound path").expect("an object");
    let no_entropy = &mut || -> [u8; 16] { panic!("a user has no key") };
    let found = match load(&[file], Known::NOTHING, no_entropy, Epoch(1), 1) {
        Ok(_) => panic!("the user is refused"),
        Err(refusals) => refusals.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nexpected {expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn every_mistake_has_its_place() {
    let user = |contacts: &str, rules: &str| {
        format!(
            "{{\"name\": \"Ann\", \"email\": \"ann@example.com\",\n\"contact_methods\": [{contacts}],\n\"notification_rules\": [{rules}]}}"
        )
    };
    check(
        &user(r#"{"id": "PC", "type": "emial_contact_method", "address": "a@b"}"#, ""),
        &[r#"users/PANN.json:2:42: "type" cannot be "emial_contact_method" (did you mean "email_contact_method"?)"#],
    );
    check(
        &user(r#"{"id": "PC", "type": "email_contact_method"}"#, ""),
        &[r#"users/PANN.json:2:21: "address" is missing"#],
    );
    check(
        &user(r#"{"id": "PC", "type": "sms_contact_method", "address": "+49 155"}"#, ""),
        &["users/PANN.json:2:75: \"+49 155\" is not a telephone number"],
    );
    check(
        &user(
            r#"{"id": "PC", "type": "email_contact_method", "address": "a@b"}, {"id": "PD", "type": "email_contact_method", "address": "a@b"}"#,
            "",
        ),
        &["users/PANN.json:2:141: User Contact method must be unique"],
    );
    check(
        &user("", r#"{"start_delay_in_minutes": 0, "urgency": "high", "contact_method": {"id": "PNONE"}}"#),
        &["users/PANN.json:3:91: the user has no contact method \"PNONE\""],
    );
    check(
        &user(
            r#"{"id": "PC", "type": "email_contact_method", "address": "a@b"}"#,
            r#"{"start_delay_in_minutes": 1441, "urgency": "high", "contact_method": {"id": "PC"}}"#,
        ),
        &["users/PANN.json:3:51: start_delay_in_minutes of 1441 minutes is out of range"],
    );
    check(
        r#"{"name": "Ann", "email": "ann@example.com",
"oncall_handoff_notification_rules": [{"notify_advance_in_minutes": 20161, "handoff_type": "oncal", "contact_method": {"id": "PC"}}]}"#,
        &[r#"users/PANN.json:2:92: "handoff_type" cannot be "oncal" (did you mean "oncall"?)"#],
    );
    check(
        r#"{"name": "Ann", "email": "ann@example.com",
"oncall_handoff_notification_rules": [{"notify_advance_in_minutes": 20161, "contact_method": {"id": "PC"}}]}"#,
        &[
            "users/PANN.json:2:69: notify_advance_in_minutes of 20161 minutes is out of range",
            "users/PANN.json:2:94: the user has no contact method \"PC\"",
        ],
    );
}

//! Webhook subscriptions: what is read, minted, refused, and stored.

use campanile_directory::subscription::Filter;
use campanile_directory::{Kind, Object};
use campanile_model::{Epoch, SubscriptionId, Timestamp};
use campanile_pagerduty::objects::{File, Known, load, read, snapshot_from_records, write};

fn subscription(edit: &[(&str, &str)]) -> String {
    let mut text = r#"{"webhook_subscription": {
        "type": "webhook_subscription",
        "delivery_method": {
            "type": "http_delivery_method",
            "url": "https://user:pass@hooks.example.com:8443/x?y=z",
            "custom_headers": [{"name": "X-Queue", "value": "platform"}],
            "secret": "0123456789abcdef0123456789abcdef"
        },
        "description": "Incident updates webhook",
        "events": ["incident.triggered", "incident.resolved", "incident.triggered"],
        "filter": {"type": "account_reference"},
        "active": true
    }}"#
    .to_owned();
    for (from, to) in edit {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

fn messages(text: &str) -> Vec<String> {
    let file = File {
        kind: Kind::Subscription,
        id: "PWHOOK1".to_owned(),
        name: "webhook_subscriptions/PWHOOK1.json".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    match load(&[file], Known::NOTHING, &mut || [7; 16], Epoch(1), 4) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().map(|it| format!("{}:{} {}", it.line, it.column, it.message)).collect(),
    }
}

#[test]
fn what_was_read_is_stored_and_read_again() {
    let previous = r#""secret": "0123456789abcdef0123456789abcdef", "previous_secret": {
        "secret": "fedcba9876543210fedcba9876543210", "valid_until": "2026-01-02T00:00:00Z"}"#;
    let text = subscription(&[("\"secret\": \"0123456789abcdef0123456789abcdef\"", previous)]);
    let (object, warnings) = read(Kind::Subscription, "PWHOOK1", text.as_bytes()).expect("sound");
    assert!(warnings.is_empty(), "{warnings:?}");
    let Object::Subscription(it) = &object else { panic!("a subscription") };
    assert_eq!((it.events.len(), it.active, &it.filter), (2, true, &Filter::Account));
    let valid_until = it.previous_secret.as_ref().expect("written above").valid_until;
    assert_eq!(it.secrets_at(Timestamp(valid_until.0 - 1)).count(), 2);
    assert_eq!(it.secrets_at(valid_until).collect::<Vec<_>>(), ["0123456789abcdef0123456789abcdef"]);
    let stored = write(&object);
    assert_eq!(read(Kind::Subscription, "PWHOOK1", &stored).expect("sound").0, object);
    // A secret is in no debug output, where logs would show it.
    assert!(!format!("{object:?}").contains("0123456789abcdef"));
}

#[test]
fn a_secret_is_minted_once_and_kept() {
    let text = subscription(&[("\"secret\": \"0123456789abcdef0123456789abcdef\"", "\"secret\": null")]);
    let file = File {
        kind: Kind::Subscription,
        id: "PWHOOK1".to_owned(),
        name: "webhook_subscriptions/PWHOOK1.json".to_owned(),
        bytes: text.into_bytes(),
    };
    let mut seed = 0_u8;
    let mut entropy = || {
        seed += 1;
        [seed; 16]
    };
    let loaded = load(std::slice::from_ref(&file), Known::NOTHING, &mut entropy, Epoch(1), 4).expect("sound");
    let [(id, secret)] = &loaded.minted_secrets[..] else { panic!("one") };
    assert_eq!((id.as_str(), secret.as_str()), ("PWHOOK1", format!("{}{}", "01".repeat(16), "02".repeat(16)).as_str()));
    let known = |asked: &SubscriptionId| (asked == id).then(|| secret.clone());
    let again = load(&[file], Known { key: &|_, _| None, secret: &known }, &mut entropy, Epoch(2), 4).expect("sound");
    assert_eq!((again.minted_secrets.len(), &again.objects), (0, &loaded.objects));
    assert_eq!(snapshot_from_records(loaded.objects, Epoch(1), 4), Ok(loaded.snapshot));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("https://user", "ftp://user")], "5:20 url is no address that can be delivered to"),
        (&[("hooks.example.com:8443/x?y=z", "hooks example")], "5:20 url is no address that can be delivered to"),
        (&[("http_delivery_method", "email")], "4:21 \"type\" cannot be \"email\""),
        (&[("X-Queue", "Content-Length")], "6:41 the header content-length is set by each delivery"),
        (&[("X-Queue", "X Queue")], "6:41 \"x queue\" cannot be the name of a header"),
        (&[("\"platform\"", "\"a\\nb\"")], "6:61 the value of the header x-queue cannot be sent"),
        (&[("\"platform\"", "\"-- redacted --\"")], "6:61 the value of the header X-Queue was taken out by PagerDuty"),
        (&[("0123456789abcdef0123456789abcdef", "short")], "7:23 a secret of 5 bytes is out of range"),
        (
            &[("incident.resolved", "incident.resolve")],
            "10:42 unknown event \"incident.resolve\" (did you mean \"incident.resolved\"?)",
        ),
        (&[("account_reference\"", "service_reference\", \"id\": \"PNONE01\"")], "11:55 unknown service \"PNONE01\""),
        (&[("account_reference\"", "team_reference\"")], "11:19 \"id\" is missing"),
        (&[("\"active\": true", "\"active\": 1")], "12:19 \"active\" must be true or false"),
        (
            &[("\"active\": true", "\"activ\": true")],
            "12:9 unknown webhook subscription key \"activ\" (did you mean \"active\"?)",
        ),
    ];
    for (edit, expected) in cases {
        assert_eq!(messages(&subscription(edit)), [*expected], "{edit:?}");
    }
    assert_eq!(messages(&subscription(&[])), [""; 0]);
}

#[test]
fn events_that_do_not_happen_yet_are_kept_with_a_warning() {
    let text = subscription(&[("incident.resolved", "incident.workflow.started")]);
    let (object, warnings) = read(Kind::Subscription, "PWHOOK1", text.as_bytes()).expect("sound");
    let Object::Subscription(it) = object else { panic!("a subscription") };
    assert!(it.wants("incident.workflow.started") && !it.wants("incident.acknowledged"));
    assert_eq!(warnings.len(), 1);
}

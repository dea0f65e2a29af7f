//! What each channel says, as bytes.

mod support;

use campanile_directory::{Channel, Turn};
use campanile_escalation::{Handoff, Reason};
use campanile_model::{Named, ScheduleId, Span, Urgency};
use campanile_notifier::Item;
use campanile_notifier::channels::{compose_mail, ntfy_body, push_payload, teams_card, text, twiml};
use serde_json::json;
use support::{NOON, incident, item, links, message, test_message};

#[test]
fn one_incident_is_one_sms() {
    let page = message(Channel::Sms, "5551234567", vec![item(12, "Disk full on db-1")]);
    assert_eq!(
        text::sms(&page, true),
        "ALRT #12003 on checkout: Disk full on db-1. Reply 4:Ack, 6:Resolve, 8:Escalate"
    );
    assert_eq!(text::sms(&page, false), "ALRT #12003 on checkout: Disk full on db-1");
    let many = message(Channel::Sms, "5551234567", vec![item(12, "Disk full"), item(13, "Load\nhigh")]);
    assert_eq!(
        text::sms(&many, true),
        "ALRT 2 incidents on checkout: #12003 Disk full; #13003 Load high. Reply 4:Ack all, 6:Resolve all"
    );
    let test = test_message(Channel::Sms, "5551234567");
    assert_eq!(text::sms(&test, true), "Campanile: this is a test for Ann Lee. It works.");
}

#[test]
fn sms_is_cut_where_another_would_begin() {
    let long = message(Channel::Sms, "1", vec![item(12, &"x".repeat(1000))]);
    let plain = text::sms(&long, true);
    assert_eq!(plain.chars().count(), 160);
    assert!(plain.ends_with("xxx.... Reply 4:Ack, 6:Resolve, 8:Escalate"), "{plain}");
    // Two places each in the GSM alphabet.
    let braces = text::sms(&message(Channel::Sms, "1", vec![item(12, &"{".repeat(1000))]), true);
    let width: usize = braces.chars().map(|c| if c == '{' { 2 } else { 1 }).sum();
    assert!((159..=160).contains(&width), "{width}");
    // One character outside makes UCS-2 of all, and an emoji takes two of its units.
    let emoji = text::sms(&message(Channel::Sms, "1", vec![item(12, &"🔥".repeat(1000))]), true);
    let units = emoji.encode_utf16().count();
    assert!((133..=134).contains(&units), "{units}");
}

#[test]
fn call_says_what_pagerduty_says() {
    let one = message(Channel::Phone, "1", vec![item(12, "Disk full")]);
    assert_eq!(text::spoken(&one), "This is Campanile. You have 1 triggered incident on checkout. Disk full.");
    let two = message(Channel::Phone, "1", vec![item(12, "a"), Item { service: "web".into(), ..item(13, "b") }]);
    assert_eq!(text::spoken(&two), "This is Campanile. You have 2 triggered incidents on 2 services.");
    assert_eq!(
        twiml::ask("Disk <full> & \"hot\"", "https://x/key?a=1&b=2", "https://x?said=1"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Gather input=\"dtmf\" numDigits=\"1\" timeout=\"6\" \
         action=\"https://x/key?a=1&amp;b=2\" method=\"POST\"><Say>Disk &lt;full&gt; &amp; &quot;hot&quot;</Say></Gather>\
         <Redirect method=\"POST\">https://x?said=1</Redirect></Response>"
    );
}

fn mail(page: &campanile_notifier::Message, with_links: bool) -> String {
    let from = "Campanile <pager@example.com>".parse().expect("a sender");
    let links = links();
    let mail = compose_mail(page, &from, with_links.then_some(&links)).expect("it can be composed");
    String::from_utf8(mail.formatted()).expect("a mail is ASCII")
}

/// The body as a mail program decodes it: soft line breaks and `=3D`.
fn decoded(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=")
}

#[test]
fn mail_has_two_parts_and_a_name_of_its_own() {
    let page = message(Channel::Email, "ann@example.com", vec![item(12, "Disk <full>\nBcc: evil@example.com")]);
    let (first, second) = (mail(&page, true), mail(&page, true));
    assert_eq!(first, second, "every attempt is the same message");
    let (head, body) = first.split_once("\r\n\r\n").expect("a head and a body");
    for line in [
        "From: Campanile <pager@example.com>",
        "To: \"Ann Lee\" <ann@example.com>",
        "Date: Tue, 24 Nov 2026 12:00:00 +0000",
        "Message-ID: <0000000000000000000000000000abcd@example.com>",
        "Auto-Submitted: auto-generated",
        "Importance: high",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|it| it == line), "{line} is missing in\n{head}");
    }
    assert!(head.contains(&format!("References: <{}@example.com>", incident(12))), "{head}");
    assert!(head.contains("Subject: [Campanile] #12003 Disk <full> Bcc: evil@example.com"), "{head}");
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "a title is no header\n{head}");
    let body = decoded(body);
    assert!(body.contains("Content-Type: text/plain; charset=utf-8") && body.contains("Content-Type: text/html"));
    assert!(body.contains("Disk &#60;full&#62;"), "a title is no HTML\n{body}");
    assert_eq!(body.matches("https://answers.example/c/answer/").count(), 6, "three links in each part");
    assert!(!body.contains("Acknowledge all"));
}

#[test]
fn mail_without_a_door_or_of_a_test_has_no_links() {
    let page = message(Channel::Email, "ann@example.com", vec![item(12, "Disk full"), item(13, "Load")]);
    let without = decoded(&mail(&page, false));
    assert!(without.contains("#12003") && !without.contains("/answer/") && !without.contains("Acknowledge"));
    let with = decoded(&mail(&page, true));
    assert_eq!(with.matches("/answer/").count(), 14, "three an incident and one for all, twice");
    assert!(!with.contains("References:"), "a bundle belongs to no incident");
    let test = decoded(&mail(&test_message(Channel::Email, "ann@example.com"), true));
    assert!(test.contains("this is a test") && !test.contains("/answer/"));
}

#[test]
fn mail_to_no_address_is_refused_in_words() {
    let from = "pager@example.com".parse().expect("a sender");
    let page = message(Channel::Email, "ann at example", vec![item(12, "x")]);
    let refused = compose_mail(&page, &from, None).expect_err("no address");
    assert!(refused.contains("\"ann at example\" is no mail address"), "{refused}");
}

#[test]
fn ntfy_has_buttons_that_post() {
    let page = message(Channel::Ntfy, "ann", vec![item(12, "Disk full")]);
    let mut body = ntfy_body(&page, "ann", Some(&links()));
    for action in body["actions"].as_array_mut().expect("actions") {
        let url = action["url"].as_str().expect("a link");
        assert!(url.starts_with("https://answers.example/c/answer/"), "{url}");
        action["url"] = json!("LINK");
    }
    let button = |label| json!({ "action": "http", "label": label, "url": "LINK", "method": "POST", "clear": true });
    assert_eq!(
        body,
        json!({
            "topic": "ann",
            "title": "#12003 Disk full",
            "message": "High urgency on checkout.",
            "priority": 5,
            "tags": ["rotating_light"],
            "click": format!("https://campanile.example/incidents/{}", incident(12)),
            "actions": [button("Acknowledge"), button("Resolve"), button("Escalate")],
        })
    );
    let low = Item { urgency: Urgency::Low, reason: Reason::LastResort, ..item(12, "x") };
    let quiet = ntfy_body(&message(Channel::Ntfy, "ann", vec![low]), "ann", None);
    assert_eq!(quiet["priority"], 3);
    assert_eq!(quiet["message"], "Low urgency on checkout. Nobody is on call: you are the last resort.");
    assert!(quiet.get("actions").is_none());
}

#[test]
fn teams_gets_a_card() {
    let page = message(Channel::Teams, "https://x", vec![item(12, "Disk full")]);
    let card = teams_card(&page, Some(&links()));
    assert_eq!(card["type"], "message");
    let attachment = &card["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let content = &attachment["content"];
    assert_eq!((&content["type"], &content["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    assert_eq!(content["body"][0]["text"], "#12003 Disk full");
    assert_eq!(
        content["body"][1]["facts"][2],
        json!({ "title": "Since", "value": NOON.rfc3339_seconds().to_string() })
    );
    assert_eq!(content["actions"].as_array().map(Vec::len), Some(2));
    assert_eq!(content["actions"][0]["type"], "Action.OpenUrl");
}

#[test]
fn push_fits_into_its_record_whatever_is_in_it() {
    let items = (1..=100).map(|serial| item(serial, &"🔥".repeat(500))).collect();
    let payload = push_payload(&message(Channel::Push, "{}", items), Some(&links()));
    let length = payload.to_string().len();
    assert!(length <= campanile_notifier::channels::PLAIN_BYTES_MAX, "{length}");
    assert_eq!(payload["title"], "100 triggered incidents on checkout");
    for title in ["🔥".repeat(1024), "\"\\".repeat(512), "ж".repeat(1024)] {
        let payload = push_payload(&message(Channel::Push, "{}", vec![item(1, &title)]), Some(&links()));
        let length = payload.to_string().len();
        assert!(length <= campanile_notifier::channels::PLAIN_BYTES_MAX, "{length}");
    }
}

#[test]
fn teams_shows_a_sender_s_markdown_as_text() {
    let card =
        teams_card(&message(Channel::Teams, "https://x", vec![item(1, "[Acknowledge](https://evil.example)")]), None);
    let head = card["attachments"][0]["content"]["body"][0]["text"].as_str().expect("a heading").to_owned();
    assert!(head.contains("\\[Acknowledge\\]\\(https://evil.example\\)"), "{head}");
}

#[test]
fn a_hand_off_tells_and_asks_nothing() {
    let mut page = message(Channel::Email, "ann@example.com", vec![]);
    page.handoff = Some(Handoff {
        schedule: Named { id: ScheduleId::new("PSCHED"), name: "Primary".into() },
        turn: Turn::Begins,
        at: NOON + Span::hours(3),
        told_at: NOON,
    });
    let at = (NOON + Span::hours(3)).rfc3339_seconds().to_string();
    let mail = decoded(&mail(&page, true));
    assert!(mail.contains("Subject: [Campanile] Your turn on Primary begins"), "{mail}");
    assert!(mail.contains(&format!("your turn on Primary begins at {at}.")), "{mail}");
    assert!(!mail.contains("/answer/"), "{mail}");
    assert_eq!(text::sms(&page, true), format!("Campanile: your turn on Primary begins at {at}."));
    assert!(text::spoken(&page).contains(&format!("your turn on Primary begins at {at}.")));
    let ntfy = ntfy_body(&page, "topic", Some(&links()));
    assert_eq!(
        (&ntfy["title"], &ntfy["message"]),
        (&json!("Your turn on Primary begins"), &json!(format!("At {at}.")))
    );
    assert_eq!(ntfy["actions"], json!(null));
    assert_eq!(push_payload(&page, None)["body"], json!(format!("At {at}.")));
    assert_eq!(teams_card(&page, None)["attachments"][0]["content"]["body"][1]["text"], json!(format!("At {at}.")));
}

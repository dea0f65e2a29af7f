//! What a link may do.

mod support;

use campanile_model::{Span, Timestamp, UserId};
use campanile_notifier::door::{About, Grant, LIFE, Purpose, Signer, TOKEN_CHARS_MAX, TokenError};
use support::{NOON, incident, item, links, message, order, signer};

fn grant(purpose: Purpose, about: About) -> Grant {
    Grant { purpose, about, user: UserId::new("PANN"), expires: NOON + LIFE, note: "twilio & more ü".to_owned() }
}

#[test]
fn token_gives_back_what_was_signed() {
    for about in [About::Order(order()), About::Incident(incident(12))] {
        for purpose in [Purpose::Acknowledge, Purpose::Resolve, Purpose::Escalate, Purpose::Receipt, Purpose::Call] {
            let grant = grant(purpose, about);
            let token = signer().sign(&grant);
            let checked = signer().check(&token, NOON).expect("it is ours");
            assert_eq!(checked.grant, grant);
            assert_eq!(checked.id.len(), 32);
            assert_eq!(signer().check(&token, NOON), Ok(checked), "a token that comes twice has one name");
        }
    }
}

#[test]
fn token_ends_with_its_day() {
    let token = signer().sign(&grant(Purpose::Resolve, About::Incident(incident(12))));
    let end = NOON + LIFE;
    assert!(signer().check(&token, end - Span::millis(1)).is_ok());
    assert_eq!(signer().check(&token, end), Err(TokenError::Expired));
}

#[test]
fn token_of_another_hand_is_refused() {
    let token = signer().sign(&grant(Purpose::Acknowledge, About::Incident(incident(12))));
    let forged = |token: &str| assert_eq!(signer().check(token, Timestamp(0)), Err(TokenError::Forged), "{token}");
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        // The last digit of base64 may carry bits that nobody reads; then decoding refuses it.
        forged(&changed);
    }
    for cut in
        ["", "A", &token[..token.len() - 1], &token[1..], &format!("{token}AAAA"), &"A".repeat(TOKEN_CHARS_MAX + 1)]
    {
        forged(cut);
    }
    assert_eq!(Signer::new(b"another secret").check(&token, NOON), Err(TokenError::Forged));
}

#[test]
fn links_of_every_attempt_are_the_same() {
    let page = message(campanile_directory::Channel::Email, "ann@example.com", vec![item(12, "x"), item(13, "y")]);
    let link = || links().answer_all(&page, Purpose::Acknowledge).expect("a page can be answered");
    assert_eq!(link(), link());
    let token = link().rsplit('/').next().map(str::to_owned).expect("a token");
    let checked = signer().check(&token, NOON).expect("it is ours");
    assert_eq!(checked.grant.about, About::Order(order()), "two incidents: everything in the message");
    let call = links().call(&page, &"long ".repeat(100)).expect("a page can be called about");
    assert!(call.len() < 1000, "{} characters; carriers of URLs cut beyond some thousand", call.len());
}

//! What others published: signatures and sealed messages, byte for byte.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campanile_notifier::channels::{Fresh, Keys, PLAIN_BYTES_MAX, Vapid, seal, slack_is_signed, twilio};
use p256::{PublicKey, SecretKey};

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("the vector is base64url")
}

/// Source: RFC 8291, section 5 and appendix A.
#[test]
fn push_is_sealed_as_in_rfc_8291() {
    let keys = Keys {
        public: PublicKey::from_sec1_bytes(&bytes(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        ))
        .expect("a point"),
        auth: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
    };
    let fresh = Fresh {
        secret: SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).expect("a key"),
        salt: bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes"),
    };
    let body = seal(b"When I grow up, I want to be a watermelon", &keys, &fresh).expect("short enough");
    let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                    EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
    assert_eq!(URL_SAFE_NO_PAD.encode(body), expected);

    let full = vec![b'x'; PLAIN_BYTES_MAX];
    assert_eq!(seal(&full, &keys, &fresh).expect("the longest").len(), 4096);
    assert!(seal(&vec![b'x'; PLAIN_BYTES_MAX + 1], &keys, &fresh).is_none());
}

/// Source: Twilio's own libraries, their tests of the request validator.
#[test]
fn twilio_signs_as_its_libraries_do() {
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let fields: Vec<(String, String)> = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
        ("Caller", "+14158675309"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    assert_eq!(twilio::signature("12345", url, &fields), signature);
    assert!(twilio::is_signed("12345", url, &fields, signature));
    assert!(!twilio::is_signed("12346", url, &fields, signature));
    assert!(!twilio::is_signed("12345", "https://mycompany.com/myapp.php?foo=1", &fields, signature));
    assert!(!twilio::is_signed("12345", url, &fields[1..], signature));
    assert!(!twilio::is_signed("12345", url, &fields, ""));
    assert!(!twilio::is_signed("12345", url, &fields, "not base64"));
}

/// Source: Slack, "Verifying requests from Slack".
#[test]
fn slack_signs_as_its_documentation_shows() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let (at, signature) = (1_531_420_618, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    let is_signed = |now, signature: &str| slack_is_signed(secret, "1531420618", body, signature, now);
    assert!(is_signed(at, signature));
    assert!(is_signed(at + 300, signature) && is_signed(at - 300, signature));
    assert!(!is_signed(at + 301, signature) && !is_signed(at - 301, signature), "the window is five minutes");
    assert!(!is_signed(at, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b504"));
    assert!(!is_signed(at, &signature[3..]) && !is_signed(at, "v0=") && !is_signed(at, "v0=zz"));
    assert!(!slack_is_signed(secret, "", body, signature, at));
    assert!(!slack_is_signed("other", "1531420618", body, signature, at));
}

/// Source: RFC 8292: what stands in the header can be verified with what browsers are told.
#[test]
fn vapid_key_is_what_browsers_subscribe_with() {
    let vapid = Vapid::new("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "mailto:ops@example.com").expect("a key");
    // The pair of RFC 8291, appendix A.
    let public = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    assert_eq!(vapid.public_key(), public);
    assert!(Vapid::new("short", "mailto:ops@example.com").is_err());
    assert!(Vapid::new("", "mailto:ops@example.com").is_err());
}

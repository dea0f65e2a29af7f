//! Providers over real HTTP on loopback: what they are asked, and what each answer means.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use campanile_clock::{Clock, Hand};
use campanile_directory::Channel as Kind;
use campanile_model::Span;
use campanile_notifier::channels::{
    ChannelOptions, Channels, Encryption, MailOptions, NtfyOptions, SlackOptions, TwilioOptions, WebPushOptions, build,
};
use campanile_notifier::egress::{Allowed, Egress, EgressOptions};
use campanile_notifier::{Accepted, Message, Refused};
use support::{NOON, item, links, message, test_message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TIMEOUT: Duration = Duration::from_millis(400);

type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// A provider that answers each request with what `answer` makes of its head and body.
struct Provider {
    url: String,
    asked: Asked,
}

impl Provider {
    async fn that(answer: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Asked::default();
        let (seen, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (seen.clone(), answer.clone());
                tokio::spawn(async move {
                    let (head, body) = read(&mut stream).await;
                    seen.lock().expect("no panic").push((head.clone(), body.clone()));
                    match answer(&head, &body) {
                        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                        // Silent for longer than anybody waits.
                        None => tokio::time::sleep(Duration::from_secs(5)).await,
                    }
                });
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_lowercase();
            let length =
                lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            let have = bytes.len() - head.len() - 4;
            if have >= length || count == 0 {
                return (lower, body.to_owned());
            }
        }
        if count == 0 {
            return (text, String::new());
        }
    }
}

fn http(status: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

fn twilio(name: &'static str, url: &str) -> TwilioOptions {
    TwilioOptions {
        name,
        base_url: url.to_owned(),
        account_sid: "AC1".to_owned(),
        auth_token: "token".to_owned(),
        from: "+15550001111".to_owned(),
        whatsapp_from: None,
        timeout: TIMEOUT,
    }
}

fn nothing() -> ChannelOptions {
    ChannelOptions { mail: vec![], twilio: vec![], ntfy: None, web_push: None, slack: None, timeout: TIMEOUT }
}

fn channels(options: ChannelOptions, clock: &Arc<Hand>) -> Channels {
    let clock: Arc<dyn Clock> = clock.clone();
    // What a user's address may reach is another test's; here everything is on loopback.
    let allow = vec![Allowed::parse("127.0.0.0/8").expect("a network")];
    let egress = Egress::new(EgressOptions { allow, ..EgressOptions::default() }).expect("the system's certificates");
    build(options, &egress, Some(&links()), &clock).expect("the options are right").channels
}

async fn send(channels: &Channels, message: &Message) -> Result<Accepted, Refused> {
    channels.of(message.contact.channel).expect("the channel is configured").deliver(message).await
}

fn clock() -> Arc<Hand> {
    Arc::new(Hand::at(NOON))
}

#[tokio::test]
async fn sms_is_a_form_with_the_account_s_credentials() {
    let provider = Provider::that(|_, _| http("201 Created", r#"{"sid":"SM1","status":"queued"}"#)).await;
    let channels = channels(ChannelOptions { twilio: vec![twilio("twilio", &provider.url)], ..nothing() }, &clock());
    let sent = send(&channels, &message(Kind::Sms, "5551234567", vec![item(12, "Disk & co")])).await;
    let accepted =
        Accepted { provider: "twilio".into(), detail: "201 SM1 queued".to_owned(), reference: String::new() };
    assert_eq!(sent, Ok(accepted));
    let (head, body) = provider.asked().remove(0);
    assert!(head.starts_with("post /2010-04-01/accounts/ac1/messages.json http/1.1"), "{head}");
    // base64("AC1:token"), in lower case as the whole head is here.
    assert!(head.contains("authorization: basic qumxonrva2vu"), "{head}");
    let begins = "To=%2B15551234567&From=%2B15550001111&Body=ALRT+%2312003+on+checkout%3A+Disk+%26+co.+Reply+4%3AAck%2C+\
                  6%3AResolve%2C+8%3AEscalate&StatusCallback=https%3A%2F%2Fanswers.example%2Fc%2Ftwilio%2Freceipt%2F";
    assert!(body.starts_with(begins), "{body}");
}

#[tokio::test]
async fn call_fetches_its_words_from_the_door_and_a_test_brings_them() {
    let provider = Provider::that(|_, _| http("201 Created", r#"{"sid":"CA1","status":"queued"}"#)).await;
    let channels = channels(ChannelOptions { twilio: vec![twilio("twilio", &provider.url)], ..nothing() }, &clock());
    send(&channels, &message(Kind::Phone, "5551234567", vec![item(12, "x")])).await.expect("it is taken");
    send(&channels, &test_message(Kind::Phone, "5551234567")).await.expect("it is taken");
    let asked = provider.asked();
    assert!(asked[0].0.starts_with("post /2010-04-01/accounts/ac1/calls.json"), "{}", asked[0].0);
    assert!(asked[0].1.contains("&Url=https%3A%2F%2Fanswers.example%2Fc%2Ftwilio%2Fcall%2F"), "{}", asked[0].1);
    assert!(asked[1].1.contains("&Twiml=%3C%3Fxml") && !asked[1].1.contains("&Url="), "{}", asked[1].1);
}

#[tokio::test]
async fn a_number_s_own_fault_ends_the_page_and_the_account_s_asks_the_next() {
    let bad = |code: u32| format!(r#"{{"code":{code},"message":"no","status":400}}"#);
    let first = Provider::that(move |_, body| {
        let code = if body.contains("5551234567") { 21211 } else { 20003 };
        http("400 Bad Request", &bad(code))
    })
    .await;
    let second = Provider::that(|_, _| http("201 Created", r#"{"sid":"SM2"}"#)).await;
    let twilio = vec![twilio("twilio", &first.url), twilio("twilio_backup", &second.url)];
    let channels = channels(ChannelOptions { twilio, ..nothing() }, &clock());
    let refused = send(&channels, &message(Kind::Sms, "5551234567", vec![item(1, "x")])).await.expect_err("no number");
    assert_eq!((refused.permanent, refused.provider.as_str()), (true, "twilio"));
    assert_eq!(refused.detail, "400 21211 no");
    assert!(second.asked().is_empty(), "nobody else would reach it");
    let sent = send(&channels, &message(Kind::Sms, "5559999999", vec![item(1, "x")])).await.expect("the second does");
    assert_eq!((sent.provider.as_str(), sent.detail.as_str()), ("twilio_backup", "201 SM2"));
}

#[tokio::test]
async fn silence_and_5xx_ask_the_next_and_a_bad_score_goes_last() {
    let first = Provider::that(|_, body| if body.contains("again") { http("503 No", "") } else { None }).await;
    let second = Provider::that(|_, _| http("201 Created", r#"{"sid":"SM2"}"#)).await;
    let twilio = vec![twilio("twilio", &first.url), twilio("twilio_backup", &second.url)];
    let clock = clock();
    let channels = channels(ChannelOptions { twilio, ..nothing() }, &clock);
    for title in ["silent", "again", "x", "x"] {
        let sent = send(&channels, &message(Kind::Sms, "1", vec![item(1, title)])).await.expect("the second does");
        assert_eq!(sent.provider, "twilio_backup");
    }
    assert_eq!((first.asked().len(), second.asked().len()), (1, 4), "once it failed the other comes first");
    clock.turn(Span::minutes(10));
    send(&channels, &message(Kind::Sms, "1", vec![item(1, "again")])).await.expect("the second does");
    assert_eq!(first.asked().len(), 2, "after a while it is asked again");
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is_left_alone() {
    let busy = "HTTP/1.1 429 Too Many\r\nretry-after: 30\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let provider = Provider::that(move |_, _| Some(busy.to_owned())).await;
    let clock = clock();
    let ntfy = NtfyOptions { base_url: provider.url.clone(), token: None, timeout: TIMEOUT };
    let channels = channels(ChannelOptions { ntfy: Some(ntfy), ..nothing() }, &clock);
    let page = message(Kind::Ntfy, "ann", vec![item(1, "x")]);
    for _ in 0..3 {
        let refused = send(&channels, &page).await.expect_err("it is busy");
        assert!(!refused.permanent, "{refused:?}");
    }
    assert_eq!(provider.asked().len(), 1);
    clock.turn(Span::seconds(31));
    send(&channels, &page).await.expect_err("it is busy");
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn ntfy_gets_our_token_only_at_home() {
    let home = Provider::that(|_, _| http("200 OK", r#"{"id":"n1"}"#)).await;
    let elsewhere = Provider::that(|_, _| http("404 Not Found", "")).await;
    let ntfy = NtfyOptions { base_url: home.url.clone(), token: Some("tk_1".to_owned()), timeout: TIMEOUT };
    let channels = channels(ChannelOptions { ntfy: Some(ntfy), ..nothing() }, &clock());
    send(&channels, &message(Kind::Ntfy, "ann", vec![item(1, "x")])).await.expect("it is taken");
    let (head, body) = home.asked().remove(0);
    assert!(head.contains("authorization: bearer tk_1") && body.contains(r#""topic":"ann""#), "{head}\n{body}");
    let page = message(Kind::Ntfy, &format!("{}/other", elsewhere.url), vec![item(1, "x")]);
    let refused = send(&channels, &page).await.expect_err("404");
    assert!(refused.permanent);
    assert!(!elsewhere.asked()[0].0.contains("authorization"), "our token is for our server");
    for address in ["no topic", "https://", "ftp://x/y", ""] {
        let refused = send(&channels, &message(Kind::Ntfy, address, vec![item(1, "x")])).await.expect_err("no address");
        assert!(refused.permanent, "{address}");
    }
}

#[tokio::test]
async fn push_goes_to_its_endpoint_and_ends_with_its_subscription() {
    let gone =
        Provider::that(|head, _| if head.contains("/gone") { http("410 Gone", "") } else { http("201 Created", "") })
            .await;
    let push = WebPushOptions {
        private_key: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94".to_owned(),
        subject: "mailto:ops@example.com".to_owned(),
    };
    let channels = channels(ChannelOptions { web_push: Some(push), ..nothing() }, &clock());
    let address = |path: &str| {
        format!(
            r#"{{"endpoint":"{}{path}","expirationTime":null,"keys":{{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}}}"#,
            gone.url
        )
    };
    send(&channels, &message(Kind::Push, &address("/ok"), vec![item(1, "x")])).await.expect("it is taken");
    let (head, _) = gone.asked().remove(0);
    for header in [
        "content-encoding: aes128gcm",
        "ttl: 3600",
        "urgency: high",
        "topic: aaaaaaaaaaaaaaaaaacrzq",
        "authorization: vapid t=",
    ] {
        assert!(head.contains(header), "{header} is missing in\n{head}");
    }
    let refused = send(&channels, &message(Kind::Push, &address("/gone"), vec![item(1, "x")])).await.expect_err("410");
    assert!(refused.permanent, "{refused:?}");
    for address in ["{}", "https://push.example/x", r#"{"endpoint":"x","keys":{"p256dh":"AA","auth":"AA"}}"#] {
        let refused = send(&channels, &message(Kind::Push, address, vec![item(1, "x")])).await.expect_err("no address");
        assert!(refused.permanent, "{address}");
    }
}

fn slack(url: &str) -> ChannelOptions {
    let slack =
        SlackOptions { base_url: url.to_owned(), bot_token: "xoxb-1".to_owned(), has_buttons: true, timeout: TIMEOUT };
    ChannelOptions { slack: Some(slack), ..nothing() }
}

#[tokio::test]
async fn slack_has_one_message_an_incident_and_finds_it_again() {
    let answer = |_: &str, _: &str| http("200 OK", r#"{"ok":true,"channel":"D1","ts":"1503435956.000247"}"#);
    let provider = Provider::that(answer).await;
    let first_life = channels(slack(&provider.url), &clock());
    let page = message(Kind::Slack, "U1", vec![item(12, "Disk <full> & hot")]);
    let taken = send(&first_life, &page).await.expect("it is taken");
    assert_eq!(taken.reference, "slack:U1/D1/1503435956.000247");
    let (head, body) = provider.asked().remove(0);
    assert!(head.starts_with("post /chat.postmessage") && head.contains("authorization: bearer xoxb-1"), "{head}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["channel"], "U1");
    assert_eq!(body["text"], "Triggered: #12003 Disk &lt;full&gt; &amp; hot");
    let buttons = body["blocks"][2]["elements"].as_array().expect("buttons");
    let actions: Vec<_> = buttons.iter().map(|it| it["action_id"].as_str().unwrap_or_default()).collect();
    assert_eq!(actions, ["acknowledge", "resolve", "escalate"]);
    assert_eq!(buttons[0]["value"], format!("i:{}", support::incident(12)));

    // Another life, which reads the reference in the history of pages.
    let hand: Arc<dyn Clock> = clock();
    let egress = Egress::new(EgressOptions::default()).expect("the system's certificates");
    let built = build(slack(&provider.url), &egress, Some(&links()), &hand).expect("the options are right");
    built.slack.as_ref().expect("it is configured").recall(&taken.reference, support::incident(12));
    send(&built.channels, &page).await.expect("it is taken");
    let asked = provider.asked();
    assert!(asked[1].0.starts_with("post /chat.update"), "{}", asked[1].0);
    assert!(asked[1].1.contains(r#""ts":"1503435956.000247""#) && asked[1].1.contains(r#""channel":"D1""#));
    assert!(
        asked[2].0.starts_with("post /chat.postmessage") && asked[2].1.contains(r#""thread_ts":"1503435956.000247""#)
    );
}

#[tokio::test]
async fn slack_s_message_that_was_deleted_is_posted_anew() {
    let provider = Provider::that(|head, _| {
        let is_update = head.contains("chat.update");
        let gone = r#"{"ok":false,"error":"message_not_found"}"#;
        http("200 OK", if is_update { gone } else { r#"{"ok":true,"channel":"D1","ts":"2.0"}"# })
    })
    .await;
    let channels = channels(slack(&provider.url), &clock());
    let page = message(Kind::Slack, "U1", vec![item(12, "x")]);
    for _ in 0..2 {
        send(&channels, &page).await.expect("it is taken");
    }
    let posts = provider.asked().into_iter().filter(|(head, _)| head.contains("chat.postmessage")).count();
    assert_eq!((posts, provider.asked().len()), (2, 3));
}

#[tokio::test]
async fn slack_says_no_with_200() {
    let provider = Provider::that(|_, body| {
        let error = if body.contains("C404") { "channel_not_found" } else { "invalid_auth" };
        http("200 OK", &format!(r#"{{"ok":false,"error":"{error}"}}"#))
    })
    .await;
    let channels = channels(slack(&provider.url), &clock());
    let of = |to: &str| message(Kind::Slack, to, vec![item(12, "x")]);
    let refused = send(&channels, &of("C404")).await.expect_err("no channel");
    assert_eq!((refused.permanent, refused.detail.as_str()), (true, "chat.postMessage: channel_not_found"));
    let refused = send(&channels, &of("C1")).await.expect_err("no token");
    assert!(!refused.permanent, "an operator mends it");
}

#[tokio::test]
async fn mail_server_that_is_not_there_is_told_with_its_cause() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("an address");
    let mail = MailOptions {
        name: "mail",
        host: "127.0.0.1".to_owned(),
        port: closed.port(),
        encryption: Encryption::None,
        credentials: None,
        from: "pager@example.com".to_owned(),
        timeout: TIMEOUT,
    };
    let channels = channels(ChannelOptions { mail: vec![mail], ..nothing() }, &clock());
    let refused = send(&channels, &message(Kind::Email, "ann@example.com", vec![item(1, "x")])).await;
    let refused = refused.expect_err("nobody listens");
    assert!(!refused.permanent && refused.detail.contains("refused"), "{refused:?}");
}

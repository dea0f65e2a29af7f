//! `/twilio/…`: replies to SMS, what a call says and which key was pressed, receipts. Every request is signed with the
//! account's token; links that we gave out are signed by us as well.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use campanile_escalation::Reply;
use campanile_model::{IncidentId, SHARDS_MAX, ShardId, UserId, Verb};

use super::Door;
use super::page::{bad_link, forbidden, unavailable};
use super::token::{About, Checked, Purpose};
use crate::channels::{twilio, twiml};

/// How often a call says its text without a key. Source: ours: about a minute.
const SAYINGS_MAX: u32 = 3;

struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Door {
    /// The fields of a request that an account of ours signed.
    fn signed(&self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Box<Response>> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let fields = Fields(fields);
        let path = uri.path_and_query().map_or("", |it| it.as_str());
        // As the provider was told it, whatever a proxy in between made of it.
        let url = format!("{}{path}", self.options.links.base());
        let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sid = fields.get("AccountSid");
        let account = self.options.twilio.iter().find(|account| account.sid == sid);
        let is_signed =
            account.is_some_and(|account| twilio::is_signed(&account.auth_token, &url, &fields.0, signature));
        if !is_signed {
            // Not what comes behind: it may be the token of a link.
            let path = uri.path().split('/').take(3).collect::<Vec<_>>().join("/");
            tracing::warn!(path, "a callback without a good signature was turned away");
            return Err(Box::new(forbidden("The signature does not fit the account's token and this address.")));
        }
        Ok(fields)
    }

    fn granted(&self, token: &str, purpose: &Purpose) -> Result<Checked, Box<Response>> {
        let checked = self.options.links.signer().check(token, self.clock.now());
        let checked = checked.map_err(|error| Box::new(bad_link(error)))?;
        if checked.grant.purpose != *purpose {
            return Err(Box::new(forbidden("This link is for something else.")));
        }
        Ok(checked)
    }
}

fn document(text: String) -> Response {
    ([(CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}

/// `POST /twilio/receipt/TOKEN`: what became of a message or a call.
pub(super) async fn receipt(
    State(door): State<Arc<Door>>,
    uri: Uri,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match door.signed(&uri, &headers, &body) {
        Ok(fields) => fields,
        Err(refused) => return *refused,
    };
    let grant = match door.granted(&token, &Purpose::Receipt) {
        Ok(checked) => checked.grant,
        Err(refused) => return *refused,
    };
    let About::Order(order) = grant.about else { return forbidden("This link names no message.") };
    let Some(reply) = reply_of(&fields, grant.note) else { return StatusCode::NO_CONTENT.into_response() };
    match door.inbox.order(order, reply).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unavailable(&error),
    }
}

/// `None` for what is still on its way.
fn reply_of(fields: &Fields, provider: String) -> Option<Reply> {
    let provider = provider.into();
    let call = fields.get("CallStatus");
    let status = if call.is_empty() { fields.get("MessageStatus") } else { call };
    let by_machine = fields.get("AnsweredBy").starts_with("machine") || fields.get("AnsweredBy") == "fax";
    match status {
        "delivered" | "read" => Some(Reply::Arrived { provider }),
        "completed" if !by_machine => Some(Reply::Arrived { provider }),
        "completed" | "undelivered" | "failed" | "busy" | "no-answer" | "canceled" => {
            let code = fields.get("ErrorCode");
            let why = if by_machine { "answered by a machine".to_owned() } else { status.to_owned() };
            let detail = if code.is_empty() { why } else { format!("{why}, error {code}") };
            Some(Reply::Refused { provider, permanent: false, detail })
        }
        _ => None,
    }
}

/// `POST /twilio/call/TOKEN`: what the call says.
pub(super) async fn call(
    State(door): State<Arc<Door>>,
    uri: Uri,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match door.signed(&uri, &headers, &body) {
        Ok(fields) => fields,
        Err(refused) => return *refused,
    };
    let grant = match door.granted(&token, &Purpose::Call) {
        Ok(checked) => checked.grant,
        Err(refused) => return *refused,
    };
    if fields.get("AnsweredBy").starts_with("machine") {
        // Nobody can press a key; the text is left behind.
        return document(twiml::goodbye(&grant.note));
    }
    let said = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "said")
        .and_then(|(_, value)| value.parse::<u32>().ok())
        .unwrap_or(0);
    if said >= SAYINGS_MAX {
        return document(twiml::goodbye("No key was pressed. Goodbye."));
    }
    document(door.ask(grant.about, &token, &grant.note, said + 1))
}

impl Door {
    fn ask(&self, about: About, token: &str, says: &str, said: u32) -> String {
        let url = format!("{}/twilio/call/{token}", self.options.links.base());
        let text = format!("{says} {}", keys(about));
        twiml::ask(&text, &format!("{url}/key"), &format!("{url}?said={said}"))
    }
}

fn keys(about: About) -> &'static str {
    match about {
        About::Order(_) => {
            "Press 4 to acknowledge all incidents. Press 6 to resolve all incidents. Press 0 for help, or press star to \
             repeat this message."
        }
        About::Incident(_) => {
            "Press 4 to acknowledge. Press 6 to resolve. Press 8 to escalate. Press 0 for help, or press star to repeat \
             this message."
        }
    }
}

const HELP: &str = "Acknowledge tells everybody that you work on it, and stops the paging until it is resolved or a time \
                    has passed. Resolve closes it. Escalate passes it to the next level now.";

/// `POST /twilio/call/TOKEN/key`: which key was pressed.
pub(super) async fn key(
    State(door): State<Arc<Door>>,
    uri: Uri,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match door.signed(&uri, &headers, &body) {
        Ok(fields) => fields,
        Err(refused) => return *refused,
    };
    let Checked { grant, id } = match door.granted(&token, &Purpose::Call) {
        Ok(checked) => checked,
        Err(refused) => return *refused,
    };
    let digit = fields.get("Digits");
    let says = match (digit, verb_of(digit)) {
        (_, Some(verb)) => {
            let done = done(&verb);
            return match door.inbox.person(format!("call-{id}-{digit}"), grant.user.clone(), grant.about, verb).await {
                Ok(()) => document(twiml::goodbye(&format!("{done}. Goodbye."))),
                Err(error) => {
                    tracing::warn!(%error, "an answer could not be recorded");
                    let says = "Your answer could not be recorded. Please press the key again.";
                    document(door.ask(grant.about, &token, says, 0))
                }
            };
        }
        ("0", None) => HELP.to_owned(),
        ("*", None) => grant.note.clone(),
        _ => "That key means nothing here.".to_owned(),
    };
    document(door.ask(grant.about, &token, &says, 0))
}

/// The keys of telephones and the words of replies. Source: PagerDuty, 4, 6 and, in SMS, 8.
fn verb_of(word: &str) -> Option<Verb> {
    match word {
        "4" | "ack" | "acknowledge" => Some(Verb::Acknowledge),
        "6" | "res" | "resolve" | "resolved" => Some(Verb::Resolve),
        "8" | "esc" | "escalate" => Some(Verb::RequestEscalation(None)),
        _ => None,
    }
}

fn done(verb: &Verb) -> &'static str {
    match verb {
        Verb::Acknowledge => "Acknowledged",
        Verb::Resolve => "Resolved",
        _ => "Escalated",
    }
}

/// `POST /twilio/sms`: somebody wrote back.
pub(super) async fn sms(State(door): State<Arc<Door>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let fields = match door.signed(&uri, &headers, &body) {
        Ok(fields) => fields,
        Err(refused) => return *refused,
    };
    // Twilio repeats a request under the same sid, which is therefore the answer's name.
    let sid: String = fields.get("MessageSid").chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    if sid.is_empty() {
        return forbidden("The request names no message.");
    }
    let known = door.known(fields.get("From"));
    let Some((first, _)) = known.first() else {
        return document(twiml::reply("Campanile does not know this number. Add it to your contact methods."));
    };
    let user = first.clone();
    let (word, number) = words(fields.get("Body"));
    let Some(verb) = verb_of(&word) else {
        return document(twiml::reply(
            "Reply 4 to acknowledge, 6 to resolve, 8 to escalate what the last message said, or 4 and a number for one \
             incident, such as 4 12003.",
        ));
    };
    let (user, about) = match number {
        Some(Err(word)) => {
            return document(twiml::reply(&format!("{word} is no number of an incident. Nothing was done.")));
        }
        Some(Ok(number)) => match door.incident(number) {
            Some(incident) => (user, About::Incident(incident)),
            None => return document(twiml::reply(&format!("There is no incident #{number}."))),
        },
        None => {
            let latest = known.iter().filter_map(|(user, contact)| {
                door.recall.latest(user, contact, door.clock.now()).map(|(order, at)| (at, user.clone(), order))
            });
            match latest.max_by_key(|(at, _, _)| *at) {
                Some((_, user, order)) => (user, About::Order(order)),
                None => return document(twiml::reply("No message of the last day waits for your answer.")),
            }
        }
    };
    let what = match about {
        About::Order(_) => "what the last message said".to_owned(),
        About::Incident(incident) => format!("#{}", incident.number()),
    };
    let text = format!("{} {what}.", done(&verb));
    match door.inbox.person(format!("sms-{sid}"), user, about, verb).await {
        Ok(()) => document(twiml::reply(&text)),
        Err(error) => {
            tracing::warn!(%error, "a reply by SMS could not be recorded");
            document(twiml::reply("That could not be recorded, and nothing was done. Send it again in a moment."))
        }
    }
}

/// The first word of a reply, and the number of an incident behind it; a word with a digit that is none is told so.
fn words(body: &str) -> (String, Option<Result<u64, String>>) {
    let mut words = body.split(|c: char| c.is_whitespace() || c == ':' || c == ',').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().trim_end_matches(['.', '!']).to_lowercase();
    let second = words.next().filter(|word| word.chars().any(|c| c.is_ascii_digit()));
    let number = second.map(|word| word.trim_start_matches('#').parse().map_err(|_| word.to_owned()));
    (first, number)
}

impl Door {
    /// Users that have this number, with the contact method that it is.
    fn known(&self, from: &str) -> Vec<(UserId, String)> {
        let number = from.strip_prefix("whatsapp:").unwrap_or(from);
        let directory = self.directory.load();
        let mut list = Vec::new();
        for user in directory.users() {
            for contact in &user.contact_methods {
                if contact.enabled && contact.channel.dials() && twilio::e164(contact) == number {
                    list.push((user.id.clone(), contact.id.to_string()));
                }
            }
        }
        list
    }

    /// The incident of a number: its serial, then three digits of its shard.
    fn incident(&self, number: u64) -> Option<IncidentId> {
        let shard = u16::try_from(number % u64::from(SHARDS_MAX)).ok()?;
        let serial = number / u64::from(SHARDS_MAX);
        let is_one = serial > 0 && serial < 1 << 40 && shard < self.directory.load().shards;
        is_one.then(|| IncidentId::derive(self.options.ledger, ShardId(shard), serial))
    }
}

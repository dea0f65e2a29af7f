//! `campanile notify`: tries out how people are reached, with the server's configuration and directory and without it
//! having to run.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campanile_clock::{Clock, Wall};
use campanile_directory::{Channel, ContactMethod, Snapshot, User};
use campanile_escalation::{Place, Reason};
use campanile_model::{IncidentId, LedgerId, ShardId, Urgency};
use campanile_notifier::channels::Vapid;
use campanile_notifier::{Item, Message, Recipient};
use clap::{Args as ClapArgs, Subcommand};

use super::organisation::Organisation;
use crate::config::{Flags, Settings, did_you_mean};
use crate::roles::egress;
use crate::wiring::{Channels, to_the_terminal};

#[derive(ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Send a real test message by one contact method, and print the provider's answer and how long it took
    Test(Box<Test>),
    /// Make a key pair for Web Push
    Keys,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile notify test ann@example.com email --config campanile.toml
  campanile notify test PANN0001 sms --directory examples/seed-organisation

Providers come from the configuration, people from the running server or the folder. Exit code 1: it was not taken.")]
struct Test {
    /// Id, mail address or name of the user
    user: String,
    /// Id of one of the user's contact methods, or a channel: email, phone, sms, whatsapp, push_notification, ntfy,
    /// slack, teams, terminal
    contact: String,
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "CAMPANILE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    organisation: Organisation,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Test(args) => test(&args),
        Verb::Keys => keys(),
    }
}

fn test(args: &Test) -> Result<ExitCode> {
    let settings = Settings::load(args.config.as_deref(), &Flags::default())?;
    let snapshot = args.organisation.snapshot()?;
    let user = user(&snapshot, &args.user)?;
    let contact = contact(user, &args.contact)?;
    let clock: Arc<dyn Clock> = Arc::new(Wall);
    // A test has no links: the secret that signs them is not needed, nor a door.
    let mut settings = settings;
    settings.channels.public_url = None;
    let channels = Channels::new(&settings, &egress(&settings)?, &clock, Some(to_the_terminal()))?;
    let Some(channel) = channels.table().of(contact.channel) else {
        bail!(
            "no provider for {} is configured; see `campanile config show`, section [{}]",
            contact.channel.as_str(),
            section(contact.channel)
        );
    };
    let message = message(user, contact, &*clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    let outcome = runtime.block_on(channel.deliver(&message));
    let took = seconds(began.elapsed());
    let to = format!("{} at {}", user.name, shown(&message.contact));
    match outcome {
        Ok(accepted) => {
            println!("{} took a message for {to} in {took}: {}", accepted.provider, accepted.detail);
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            let again = if refused.permanent { "trying again is pointless" } else { "a page would be tried again" };
            eprintln!("{} did not take a message for {to} ({took}; {again}): {}", refused.provider, refused.detail);
            Ok(ExitCode::FAILURE)
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.3} s", took.as_secs_f64())
}

/// An address, without what makes it a key.
fn shown(contact: &ContactMethod) -> String {
    match contact.channel {
        Channel::Push => "the browser's push service".to_owned(),
        Channel::Teams => "the workflow".to_owned(),
        channel if channel.dials() => format!("+{}{}", contact.country_code, contact.address),
        _ => contact.address.to_string(),
    }
}

const fn section(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mail",
        Channel::Phone | Channel::Sms | Channel::WhatsApp => "twilio",
        Channel::Push => "web_push",
        Channel::Ntfy => "ntfy",
        Channel::Slack => "slack",
        Channel::Teams | Channel::Terminal => "channels",
    }
}

fn user<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s User> {
    let by_words = || snapshot.users().find(|it| it.email == name || it.name == name);
    let found = snapshot.user(name).or_else(by_words);
    found.map(AsRef::as_ref).ok_or_else(|| {
        let words: Vec<_> =
            snapshot.users().flat_map(|it| [it.id.as_str(), it.email.as_str(), it.name.as_str()]).collect();
        anyhow!("there is no user \"{name}\"{}; see `campanile directory show users`", did_you_mean(name, words))
    })
}

fn contact(user: &User, name: &str) -> Result<ContactMethod> {
    let word = name.trim_end_matches("_contact_method");
    let word = if word == "push" || word == "web_push" { "push_notification" } else { word };
    let methods = &user.contact_methods;
    if let Some(found) =
        methods.iter().find(|it| it.id == name).or_else(|| methods.iter().find(|it| it.channel.as_str() == word))
    {
        return Ok(found.clone());
    }
    if word == Channel::Email.as_str() {
        // As a page does for a person without rules.
        return Ok(ContactMethod {
            id: Default::default(),
            channel: Channel::Email,
            address: user.email.clone(),
            label: Default::default(),
            country_code: 1,
            enabled: true,
        });
    }
    let known: Vec<_> = methods.iter().map(|it| format!("{} ({})", it.id, it.channel.as_str())).collect();
    let known = if known.is_empty() { "none but the mail address".to_owned() } else { known.join(", ") };
    bail!("{} has no contact method \"{name}\"; there is {known}", user.name)
}

fn message(user: &User, contact: ContactMethod, clock: &dyn Clock) -> Result<Message> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    let item = Item {
        incident: IncidentId::derive(LedgerId(0), ShardId(0), 0),
        revision: 0,
        title: "Test of a contact method".to_owned(),
        service: "Campanile".into(),
        urgency: Urgency::Low,
        place: Place::default(),
        reason: Reason::ByHand,
        unconfirmed: false,
        at: clock.now(),
        html_url: String::new(),
    };
    Ok(Message {
        order: None,
        handoff: None,
        idempotency_key: u128::from_be_bytes(key),
        recipient: Recipient { id: user.id.clone(), name: user.name.clone(), email: user.email.clone() },
        contact,
        items: vec![item],
    })
}

fn keys() -> Result<ExitCode> {
    // One draw in 2^32 is no key of the curve.
    for _ in 0..4 {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
        let private = URL_SAFE_NO_PAD.encode(bytes);
        if let Ok(vapid) = Vapid::new(&private, "") {
            println!("private_key = \"{private}\"  # for [web_push]; keep it secret");
            println!("public_key  = \"{}\"  # applicationServerKey of PushManager.subscribe()", vapid.public_key());
            return Ok(ExitCode::SUCCESS);
        }
    }
    bail!("the system's random bytes are no key")
}

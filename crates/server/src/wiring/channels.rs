//! The channels that this process's notifier has, and the door where their answers come in.

use std::io::Write;
use std::net::ToSocketAddrs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use campanile_clock::Clock;
use campanile_directory::{Channel as Kind, Snapshot};
use campanile_ledger::{Appender, Tail, Topic};
use campanile_model::LedgerId;
use campanile_notifier::channels::{
    Board, Built, ChannelOptions, MailOptions, NtfyOptions, Sink, SlackOptions, Terminal, TwilioOptions,
    WebPushOptions, build,
};
use campanile_notifier::door::{
    Door, DoorOptions, Handle, Links, Reading, Recall, ServeOptions, Service, Signer, SlackApp, TwilioAccount,
};
use campanile_notifier::egress::Egress;
use tokio::runtime::Runtime;

use crate::config::{self, Hidden, Settings, secret};
use crate::print::say;
use crate::supervise::Supervisor;

/// Where a secret that nobody configured is kept, in the data directory.
const SECRET_FILE: &str = "callbacks.secret";
/// How often the history of pages and the incidents are looked at for the door's and Slack's sake.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Pages of the terminal channel, told on standard error as everything about the process is.
pub fn to_the_terminal() -> Sink {
    Arc::new(|page: &str| page.lines().for_each(say))
}

/// Channels as configured.
pub struct Channels {
    built: Built,
    links: Option<Links>,
}

impl Channels {
    /// Makes every channel that the settings name. With `prints`, the terminal is one of them.
    ///
    /// # Errors
    /// A value that no channel can be made from, or no secret for links.
    pub fn new(settings: &Settings, egress: &Egress, clock: &Arc<dyn Clock>, prints: Option<Sink>) -> Result<Self> {
        let set = &settings.channels;
        let links = match &set.public_url {
            Some(url) => Some(Links::new(url, Signer::new(secret_of(set, &settings.ledger.data)?.as_bytes()))),
            None => None,
        };
        let mut built = build(options(set), egress, links.as_ref(), clock)?;
        if let Some(sink) = prints {
            built.channels = built.channels.with(Kind::Terminal, Arc::new(Terminal::new(sink)));
        }
        Ok(Self { built, links })
    }

    pub fn table(&self) -> &campanile_notifier::Channels {
        &self.built.channels
    }
}

fn options(set: &config::Channels) -> ChannelOptions {
    let timeout = set.timeout;
    let mail = set.mail.iter().map(|it| MailOptions {
        name: it.name,
        host: it.host.clone(),
        port: it.port,
        encryption: it.encryption,
        credentials: it.credentials.clone().map(|(user, Hidden(password))| (user, password)),
        from: it.from.clone(),
        timeout,
    });
    let twilio = set.twilio.iter().map(|it| TwilioOptions {
        name: it.name,
        base_url: it.url.clone(),
        account_sid: it.account_sid.clone(),
        auth_token: it.auth_token.0.clone(),
        from: it.from.clone(),
        whatsapp_from: it.whatsapp_from.clone(),
        timeout,
    });
    ChannelOptions {
        mail: mail.collect(),
        twilio: twilio.collect(),
        ntfy: set.ntfy.clone().map(|(base_url, token)| NtfyOptions { base_url, token: token.map(|it| it.0), timeout }),
        web_push: set.web_push.clone().map(|it| WebPushOptions { private_key: it.private_key.0, subject: it.subject }),
        slack: set.slack.clone().map(|it| SlackOptions {
            base_url: it.url,
            bot_token: it.bot_token.0,
            has_buttons: it.signing_secret.is_some(),
            timeout,
        }),
        timeout,
    }
}

/// The secret that links are signed with: the operator's, or one that is drawn once and kept.
fn secret_of(set: &config::Channels, data: &Path) -> Result<String> {
    if let Some(Hidden(secret)) = &set.secret {
        return Ok(secret.clone());
    }
    let path = data.join(SECRET_FILE);
    if path.exists() {
        return secret::read(&path);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    let drawn: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let shown = path.display();
    std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    // Nobody else may read it, and whoever comes second must not overwrite it.
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match file {
        Ok(mut file) => {
            file.write_all(drawn.as_bytes())
                .and_then(|()| file.sync_all())
                .with_context(|| format!("{shown} cannot be written"))?;
            Ok(drawn)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => secret::read(&path),
        Err(error) => Err(error).with_context(|| format!("{shown} cannot be made; or set callbacks.secret")),
    }
}

/// What the door and Slack's messages need beside the settings.
pub(super) struct Around {
    pub(super) appender: Arc<dyn Appender>,
    pub(super) tail: Arc<dyn Tail>,
    pub(super) directory: Arc<ArcSwap<Snapshot>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: LedgerId,
    /// Base of links, without a slash at the end.
    pub(super) public_url: String,
}

/// Opens the door for answers, if the settings say how the world reaches it, and keeps Slack's messages up to date.
///
/// # Errors
/// The address is taken, or the system has no thread to give.
pub(super) fn listen(
    channels: &Channels,
    settings: &Settings,
    around: Around,
    supervisor: &Supervisor,
    runtime: &Runtime,
) -> Result<Option<Handle>> {
    let slack = channels.built.slack.clone();
    let recall = Arc::new(Recall::new(slack.clone()));
    let partitions = around.appender.partitions(Topic::Notifications);
    if channels.links.is_some() || slack.is_some() {
        let (recall, tail, now) = (recall.clone(), around.tail.clone(), around.clock.now());
        let mut reading = Reading::since_yesterday(recall, tail.clone(), partitions, now);
        let mut board = slack.map(|slack| {
            Board::new(slack, tail, around.directory.clone(), around.public_url.clone(), (partitions, now))
        });
        let handle = runtime.handle().clone();
        supervisor.spawn("answers", move |stop| {
            while !stop.wait(LOOK_EVERY) {
                // Where messages stand comes first: an update needs it.
                reading.read();
                if let Some(board) = &mut board {
                    handle.block_on(board.look());
                }
            }
            Ok(())
        })?;
    }
    let Some(links) = channels.links.clone() else { return Ok(None) };
    let set = &settings.channels;
    let accounts = set.twilio.iter();
    let accounts =
        accounts.map(|it| TwilioAccount { sid: it.account_sid.clone(), auth_token: it.auth_token.0.clone() });
    let signing_secret = set.slack.as_ref().and_then(|it| it.signing_secret.clone());
    let app = signing_secret.zip(channels.built.slack.clone());
    let options = DoorOptions {
        links,
        ledger: around.ledger,
        twilio: accounts.collect(),
        slack: app.map(|(Hidden(signing_secret), slack)| SlackApp { signing_secret, slack }),
    };
    let door = Door::new(options, around.appender, around.directory, recall, around.clock);
    let address = set.listen.to_socket_addrs().ok().and_then(|mut found| found.next());
    let listen = address.ok_or_else(|| anyhow!("callbacks.listen: {} has no address", set.listen))?;
    let service = runtime.block_on(Service::bind(ServeOptions { listen, ..ServeOptions::default() }, door))?;
    say(&format!("answers come in at http://{}", service.local_addr()));
    let _inside = runtime.enter();
    Ok(Some(service.start()))
}

//! A chat on the terminal, or through a pipe: on the session engine, which reconnects by itself, so that nothing is
//! missing and nothing comes twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use micro_chat_client::{Client, Cursor, Draft, Error, Event, Publisher, Reading, Start, Stored};
use micro_chat_wire::auth::AccountKind;
use micro_chat_wire::chat::{HistoryRequest, HistoryResponse, Message};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::api;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::members::Members;
use crate::options::Connect;
use crate::place::Place;
use crate::screen::{Line, Screen};

/// How often it is looked whether the login has to be renewed: several times before its end is near.
const LOOK: Duration = Duration::from_secs(30);

/// Lines that wait to be taken up.
const LINES: usize = 16;

/// Lines that are on their way at once. Beyond them the input waits: the engine refuses what is more than it may hold.
const SENDING: usize = 500;

/// How long an input has to say that it is over, where nobody reads the output.
const GLANCE: Duration = Duration::from_secs(1);

/// Characters of a line that name it, where it could not be sent.
const NAMED: usize = 80;

/// A chat that is open.
struct Chat {
    caller: Arc<Caller>,
    client: Client,
    reading: Reading,
    publisher: Publisher,
    screen: Screen,
    members: Members,
    /// Lines that are not stored yet.
    sending: JoinSet<Sent>,
    /// What was sent from here and has not come back, by what names it, with its place once that is known.
    own: HashMap<String, Option<u64>>,
    /// How far the chat was shown.
    seen: u64,
    /// Own lines are printed, too.
    echoes: bool,
    /// The token that the server was told last.
    token: Option<String>,
    is_offline: bool,
    /// All that was stored when it was opened has come.
    is_caught_up: bool,
    /// Nobody reads the output any more.
    is_unread: bool,
    /// Why the last line that was not sent was not.
    refused: Option<Failure>,
}

/// What came of a line.
struct Sent {
    outcome: Result<Stored, Error>,
    client_id: String,
    text: String,
}

/// Opens the chat, until its input ends.
pub fn run(place: &Place, options: Connect) -> Result<(), Failure> {
    let caller = Arc::new(Caller::of(place)?);
    let chat_id = if options.chat.group_id.is_empty() { options.chat.chat_id } else { options.chat.group_id };
    // Also says at once what could not be said later: that nobody answers, or that there is no such chat.
    let start = begin(&caller, &chat_id, options.history)?;
    let mut user_id = options.user_id;
    if user_id.is_empty() {
        // An API key is nobody: the server says that a user is wanted.
        let somebody = caller.account()?.filter(|account| account.kind == AccountKind::User);
        user_id = somebody.map_or(user_id, |account| account.id);
    }
    let token = caller.token(None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let namespace = place.namespace.as_ref().map_or("", |namespace| &namespace.value);
        let client = Client::new(&address(place)?, namespace, &user_id);
        if let Some(token) = &token {
            client.authorize(token);
        }
        let reading = client.subscribe_with_members(&chat_id, start);
        let (sender, lines) = mpsc::channel(LINES);
        let screen = Screen::open(&user_id, place.output.value, sender);
        let mut chat = Chat {
            caller,
            client,
            publisher: reading.publisher(),
            reading,
            screen,
            members: Members::default(),
            sending: JoinSet::new(),
            own: HashMap::new(),
            seen: 0,
            echoes: options.own,
            token,
            is_offline: false,
            is_caught_up: false,
            is_unread: false,
            refused: None,
        };
        let ended = chat.talk(lines, options.follow).await;
        chat.screen.close(ended.as_ref().err());
        ended.and(chat.refused.map_or(Ok(()), Err))
    })
}

/// Where to begin, so that the last `count` messages are shown.
fn begin(caller: &Caller, chat_id: &str, count: u64) -> Result<Start, Failure> {
    let request = HistoryRequest { chat_id: chat_id.to_owned(), limit: count.max(1), ..HistoryRequest::default() };
    let answer: HistoryResponse = api::read(&caller.call("chat/History", &request)?)?;
    let seq = match (count, answer.messages.first(), answer.messages.last()) {
        (_, None, _) | (_, _, None) => 0,
        (0, _, Some(last)) => last.seq,
        (_, Some(first), _) => first.seq.saturating_sub(1),
    };
    Ok(Start::After(Cursor { epoch: 0, seq }))
}

/// Where streams are.
fn address(place: &Place) -> Result<String, Failure> {
    let mut url = place.api.value.join("chat/Connect").map_err(|error| Failure::Usage(error.to_string()))?;
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme).map_err(|()| Failure::Usage(format!("{url} is no server's address")))?;
    Ok(url.into())
}

impl Chat {
    /// Sends what is written and shows what comes, until the input ends, what was written is stored, and what was there
    /// is shown.
    async fn talk(&mut self, mut lines: mpsc::Receiver<Line>, follow: bool) -> Result<(), Failure> {
        let mut is_open = true;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while is_open || follow || !self.is_done() {
            tokio::select! {
                event = self.reading.next() => match event {
                    Some(event) => self.show(event).await?,
                    None => return Err(Failure::Unreachable("the connection is over".to_owned())),
                },
                line = lines.recv(), if is_open && self.sending.len() < SENDING => match line {
                    Some(Ok(line)) => self.send(line),
                    Some(Err(failure)) => self.refuse("not sent", failure),
                    None => {
                        is_open = false;
                        if self.is_offline && !self.sending.is_empty() {
                            let count = self.sending.len();
                            self.screen.note(&format!("not stored yet: {count}; waiting for the server, Ctrl-C gives up"));
                        }
                    }
                },
                Some(sent) = self.sending.join_next() => if let Ok(sent) = sent {
                    self.sent(sent);
                },
                _ = look.tick() => self.renew(None).await?,
            }
            if self.is_unread {
                self.finish().await?;
                // An input that has nothing may not have been looked at yet.
                if !is_open || matches!(timeout(GLANCE, lines.recv()).await, Ok(None)) {
                    return Ok(());
                }
                let lost = "the output was closed before the input ended: what was not read is not sent";
                return Err(Failure::Usage(lost.to_owned()));
            }
        }
        if self.is_caught_up {
            return Ok(());
        }
        Err(Failure::Unreachable("the server was gone before the chat was shown".to_owned()))
    }

    /// Whether nothing is left to wait for. Whoever is offline has nothing to show before they are back.
    fn is_done(&self) -> bool {
        let is_shown = self.is_caught_up || self.is_offline;
        self.sending.is_empty() && is_shown && !(self.echoes && self.own.values().any(Option::is_some))
    }

    /// What is on its way is stored still when nobody reads the output any more.
    async fn finish(&mut self) -> Result<(), Failure> {
        while !self.sending.is_empty() {
            tokio::select! {
                event = self.reading.next() => match event {
                    Some(event) => self.show(event).await?,
                    None => return Err(Failure::Unreachable("the connection is over".to_owned())),
                },
                Some(sent) = self.sending.join_next() => if let Ok(sent) = sent {
                    self.sent(sent);
                },
            }
        }
        Ok(())
    }

    fn send(&mut self, text: String) {
        let draft = Draft::text(text.clone());
        let client_id = draft.client_id.clone();
        self.own.insert(client_id.clone(), None);
        let sending = self.publisher.publish(draft);
        self.sending.spawn(async { Sent { outcome: sending.await, client_id, text } });
    }

    fn sent(&mut self, sent: Sent) {
        let Sent { outcome, client_id, text } = sent;
        match outcome {
            Ok(stored) => {
                if let Some(seq) = self.own.get_mut(&client_id) {
                    *seq = Some(stored.seq);
                    self.pass();
                }
            }
            Err(error) => {
                self.own.remove(&client_id);
                let named: String = text.chars().take(NAMED).collect();
                let more = if named.len() < text.len() { "…" } else { "" };
                self.refuse(&format!("not sent: {named}{more}"), refusal(error));
            }
        }
    }

    /// Says what was not sent, and remembers why.
    fn refuse(&mut self, what: &str, failure: Failure) {
        self.screen.note(&format!("{what}: {failure}"));
        self.refused = Some(failure);
    }

    /// What is before a message that was shown does not come any more: it was deleted meanwhile.
    fn pass(&mut self) {
        let seen = self.seen;
        self.own.retain(|_, seq| seq.is_none_or(|seq| seq > seen));
    }

    async fn show(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Message(message) => return self.message(&message),
            Event::Member(event) => {
                if let Some(words) = self.members.hear(event) {
                    self.screen.aside(&words);
                }
            }
            Event::Waiting(_) if !std::mem::replace(&mut self.is_offline, true) => {
                self.screen.note("offline; what you write is sent once the server is back");
            }
            Event::Subscribed(_) if std::mem::take(&mut self.is_offline) => self.screen.note("back"),
            Event::Gap(gap) if gap.restored => {
                self.screen.note("the server was restored from a backup; this is what it has");
                // What has a place has it in what was there before.
                self.own.retain(|_, seq| seq.is_none());
                self.seen = 0;
            }
            Event::Gap(gap) => {
                self.screen.note(&format!("messages {} to {} are gone", gap.from, gap.to));
                self.seen = self.seen.max(gap.to);
                self.pass();
            }
            Event::CaughtUp => self.is_caught_up = true,
            Event::Waiting(_) | Event::Subscribed(_) => {}
            Event::Login(error) => {
                let refused = self.token.clone();
                if !self.caller.renews() {
                    return Err(Failure::Refused(error));
                }
                self.renew(refused).await?;
            }
            Event::Ended(error) => return Err(refusal(error)),
        }
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Result<(), Failure> {
        let is_own = self.own.remove(&message.client_id).is_some();
        self.seen = self.seen.max(message.seq);
        self.pass();
        if self.is_unread || is_own && !self.echoes {
            return Ok(());
        }
        match self.screen.message(message) {
            Err(failure) if failure.is_read_enough() => self.is_unread = true,
            shown => return shown,
        }
        Ok(())
    }

    /// Tells the server another token, if there has to be one.
    async fn renew(&mut self, refused: Option<String>) -> Result<(), Failure> {
        if !self.caller.renews() {
            return Ok(());
        }
        let caller = self.caller.clone();
        let asked = tokio::task::spawn_blocking(move || caller.token(refused.as_deref())).await;
        match asked {
            Ok(Ok(token)) if token != self.token => {
                if let Some(token) = &token {
                    self.client.authorize(token);
                }
                self.token = token;
            }
            Ok(Err(failure @ (Failure::Login(_) | Failure::Usage(_)))) => return Err(failure),
            // It is asked for again.
            _ => {}
        }
        Ok(())
    }
}

/// What the engine says, in this program's words.
fn refusal(error: Error) -> Failure {
    match error {
        Error::Refused(error) => Failure::Refused(error),
        Error::TooLarge => Failure::Usage(error.to_string()),
        other => Failure::Unreachable(other.to_string()),
    }
}

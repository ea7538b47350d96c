//! A chat on the terminal, or through a pipe: on the session engine, which reconnects by itself, so that nothing is
//! missing and nothing comes twice.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use micro_chat_client::{Client, Cursor, Draft, Error, Event, Publisher, Reading, Start, Stored};
use micro_chat_wire::auth::{InspectRequest, InspectResponse};
use micro_chat_wire::chat::{HistoryRequest, HistoryResponse, Message};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::api;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::members::Members;
use crate::options::Connect;
use crate::place::Place;
use crate::screen::Screen;

/// How often it is looked whether the login has to be renewed: several times before its end is near.
const LOOK: Duration = Duration::from_secs(30);

/// Lines that wait to be taken up.
const LINES: usize = 16;

/// A chat that is open.
struct Chat {
    caller: Arc<Caller>,
    client: Client,
    reading: Reading,
    publisher: Publisher,
    screen: Screen,
    members: Members,
    /// Lines that are not stored yet.
    sending: JoinSet<(Result<Stored, Error>, String)>,
    /// What names those that were sent from here.
    own: HashSet<String>,
    /// Own lines are printed, too.
    echoes: bool,
    /// The token that the server was told last.
    token: Option<String>,
    is_offline: bool,
    /// Why the last line that the server refused was refused.
    refused: Option<Failure>,
}

/// Opens the chat, until its input ends.
pub fn run(place: &Place, options: Connect) -> Result<(), Failure> {
    let caller = Arc::new(Caller::of(place)?);
    let chat_id = if options.room.group_id.is_empty() { options.room.chat_id } else { options.room.group_id };
    // Also says at once what could not be said later: that nobody answers, or that there is no such chat.
    let start = begin(&caller, &chat_id, options.history)?;
    let mut user_id = options.user_id;
    if user_id.is_empty() && caller.is_known() {
        let answer = caller.call("auth/Inspect", &InspectRequest::default())?;
        user_id = api::read::<InspectResponse>(&answer)?.account.id;
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
            own: HashSet::new(),
            echoes: options.own,
            token,
            is_offline: false,
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
    /// Sends what is written and shows what comes, until the input ends and what was written is stored.
    async fn talk(&mut self, mut lines: mpsc::Receiver<String>, follow: bool) -> Result<(), Failure> {
        let mut is_open = true;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while is_open || follow || !self.sending.is_empty() {
            tokio::select! {
                event = self.reading.next() => match event {
                    Some(event) => self.show(event).await?,
                    None => return Err(Failure::Unreachable("the connection is over".to_owned())),
                },
                line = lines.recv(), if is_open => match line {
                    Some(line) => self.send(line),
                    None => {
                        is_open = false;
                        if self.is_offline && !self.sending.is_empty() {
                            let count = self.sending.len();
                            self.screen.note(&format!("not stored yet: {count}; waiting for the server, Ctrl-C gives up"));
                        }
                    }
                },
                Some(sent) = self.sending.join_next() => {
                    if let Ok((Err(error), text)) = sent {
                        let failure = refusal(error);
                        self.screen.note(&format!("not sent: {text}: {failure}"));
                        self.refused = Some(failure);
                    }
                }
                _ = look.tick() => self.renew(None).await?,
            }
        }
        Ok(())
    }

    fn send(&mut self, text: String) {
        let draft = Draft::text(text.clone());
        self.own.insert(draft.client_id.clone());
        let sending = self.publisher.publish(draft);
        self.sending.spawn(async { (sending.await, text) });
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
                self.screen.note("the server was restored from a backup; this is what it has")
            }
            Event::Gap(gap) => self.screen.note(&format!("messages {} to {} are gone", gap.from, gap.to)),
            Event::Waiting(_) | Event::Subscribed(_) | Event::CaughtUp => {}
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
        let is_own = self.own.remove(&message.client_id);
        if is_own && !self.echoes {
            return Ok(());
        }
        self.screen.message(message)
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
        other => Failure::Unreachable(other.to_string()),
    }
}

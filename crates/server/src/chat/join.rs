//! Listening to a chat without a hole between what is stored and what comes.
//!
//! Each chat that somebody listens to has a ring of its newest messages. A reader whose cursor lies in the ring takes
//! its seat and what is behind its cursor in one step: what comes later comes to the seat. Who is further behind reads
//! pages until it is there. The chat's row, its ring and the pages are read once for all who want them at a time: a
//! thousand readers that come back together cost the database what one does.

use std::sync::Arc;
use std::time::Duration;

use micro_chat_wire::limit;

use super::shared::Shared;
use super::{Chats, Refusal};
use crate::auth::Caller;
use crate::broken::{self, Broken};
use crate::hub::{Backlog, Keeper, Outlet, RING, Recipient, Seated, Subscriber, user_hash};
use crate::store::{Chat, ChatKey, MemberPage, PageSize};

/// What is read at once for a reader that catches up.
const PAGE: PageSize = PageSize { messages: 256, bytes: 128 * 1024 };

/// Chats whose row and ring are kept: those that were joined last.
const CHATS: usize = 1_024;

/// Pages that are kept.
const PAGES: usize = 32;

/// How long a page is kept for others who are at the same place.
const PAGE_LIFE: Duration = Duration::from_secs(2);

/// Where a reader wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes.
    Now,
    /// Behind the message with that `seq`, in that epoch; 0 is any.
    After {
        /// The epoch that the `seq` belongs to.
        epoch: u64,
        /// The last message the reader has.
        seq: u64,
    },
}

/// What was read for many. Whoever removes messages or raises a chat's `first_seq` has to drop what is here of it.
#[derive(Debug)]
pub struct Recent {
    /// By namespace and id. `last_seq` is that of some moment.
    rows: Shared<(String, String), Chat>,
    rings: Shared<ChatKey, Keeper>,
    /// By where they begin.
    pages: Shared<(ChatKey, u64), Backlog>,
}

impl Recent {
    /// Drops what was read of a chat of which messages are gone; its ring is told by itself.
    pub fn forget_messages(&self, namespace: &str, chat_id: &str, chat: ChatKey) {
        if broken::is(Broken::Rings) {
            return;
        }
        self.rows.forget(&(namespace.to_owned(), chat_id.to_owned()));
        self.pages.forget_all(|(key, _)| *key == chat);
    }

    /// Drops what was read of a chat that is gone.
    pub fn forget(&self, namespace: &str, chat_id: &str, chat: ChatKey) {
        self.rows.forget(&(namespace.to_owned(), chat_id.to_owned()));
        self.rings.forget(&chat);
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self { rows: Shared::new(CHATS), rings: Shared::new(CHATS), pages: Shared::new(PAGES) }
    }
}

/// Who listens, and where it comes to.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// Who reads.
    pub user_id: &'a str,
    /// Where deliveries come.
    pub outlet: &'a Arc<Outlet>,
    /// For which of the connection's subscriptions.
    pub recipient: Recipient,
    /// Whether it hears of those who come and go.
    pub members: bool,
}

impl Reader<'_> {
    fn subscriber(&self) -> Subscriber {
        let Self { user_id, outlet, recipient, members, .. } = *self;
        Subscriber { outlet: outlet.clone(), recipient, user: user_hash(user_id), members }
    }
}

/// A reader of a chat.
#[derive(Debug)]
pub struct Joined {
    /// The chat; its `last_seq` is that of some moment.
    pub chat: Arc<Chat>,
    /// The reader begins behind this `seq`.
    pub after: u64,
    /// Its seat, where it has caught up already; always, where it began [`Start::Now`].
    pub seated: Option<Seated>,
}

/// The next step of a reader that catches up.
#[derive(Debug)]
pub struct Step {
    /// What lies behind its cursor, or the beginning of that.
    pub page: Arc<Backlog>,
    /// Its seat, once it has caught up, and what lies behind the page.
    pub seated: Option<Seated>,
}

impl Chats {
    /// Begins to listen. Deliveries come to the reader's outlet as soon as it has a seat. Until it has one, it is to
    /// [catch up](Chats::catch_up).
    pub async fn join(&self, reader: Reader<'_>, chat_id: &str, start: Start) -> Result<Joined, Refusal> {
        let Reader { caller, user_id, .. } = reader;
        if user_id.is_empty() {
            return Err(Refusal::MissingUserId);
        }
        super::at_most(limit::ID, "user_id", user_id)?;
        let chat = if caller.is_known() {
            // What many share says nothing about this one.
            Arc::new(self.find(caller, chat_id, user_id).await?)
        } else {
            let name = (caller.namespace.clone(), chat_id.to_owned());
            self.recent.rows.get(name, self.find(caller, chat_id, user_id)).await?
        };
        let ring = self.ring(&chat).await?;
        // What was acknowledged before this reader asked is in the ring from here on.
        self.hub.reached(self.store.committed()).await;
        let start = if broken::is(Broken::Resume) { Start::Now } else { start };
        let after = match start {
            // A cursor beyond the end goes to the end.
            Start::Now => u64::MAX,
            // A cursor of another epoch says nothing about this one's messages: all of them are new.
            Start::After { epoch, .. } if epoch != 0 && epoch != chat.epoch => chat.first_seq - 1,
            Start::After { seq, .. } => seq.max(chat.first_seq - 1),
        };
        let seated = ring.seat(after, reader.subscriber());
        self.still_member(reader, chat_id).await?;
        let after = seated.as_ref().map_or(after, |seated| seated.backlog.after);
        Ok(Joined { chat, after, seated })
    }

    /// The next messages behind a reader's cursor, and its seat where these were the last.
    pub async fn catch_up(&self, reader: Reader<'_>, chat: &Arc<Chat>, cursor: u64) -> Result<Step, Refusal> {
        let ring = self.ring(chat).await?;
        // What is published while the page is read stays in the ring, so that the page joins it however busy the chat
        // is.
        let hold = ring.hold();
        let page = self.page(chat, cursor).await?;
        let seated = ring.seat(page.to, reader.subscriber());
        drop(hold);
        self.still_member(reader, &chat.id).await?;
        Ok(Step { page, seated })
    }

    /// A chat's members behind that name, for a reader that has its seat: what changes from here on comes to it there.
    pub async fn members(&self, reader: Reader<'_>, chat: &Chat, after: String) -> Result<MemberPage, Refusal> {
        let member = reader.caller.must_be_member(reader.user_id).map(str::to_owned);
        self.store.members(chat.key, after, member).await?.ok_or(Refusal::Removed)
    }

    /// Asks again whether the reader is a member, behind what was read for it and once it has its seat: the database
    /// knows of a departure before subscribers are told, and they are told only in their seats.
    async fn still_member(&self, reader: Reader<'_>, chat_id: &str) -> Result<(), Refusal> {
        if !reader.caller.is_known() || broken::is(Broken::Members) {
            return Ok(());
        }
        self.find(reader.caller, chat_id, reader.user_id).await.map(drop).map_err(|refusal| match refusal {
            Refusal::UnknownChat => Refusal::Removed,
            refusal => refusal,
        })
    }

    /// Keeps the chat's ring, which is filled.
    async fn ring(&self, chat: &Arc<Chat>) -> Result<Arc<Keeper>, Refusal> {
        let ring = async {
            // It begins to collect before the read: nothing is between what was read and what is published.
            let ring = self.hub.keep(chat.key);
            let size = PageSize { messages: RING.messages as u64, bytes: RING.bytes };
            while !ring.is_filled() {
                let removals = ring.removals();
                // Where something was deleted meanwhile, what was read may have it still.
                ring.fill(self.store.tail(chat, size).await?.into(), removals);
            }
            Ok(ring)
        };
        self.recent.rings.get(chat.key, ring).await
    }

    /// A page behind that cursor.
    async fn page(&self, chat: &Arc<Chat>, cursor: u64) -> Result<Arc<Backlog>, Refusal> {
        let place = (chat.key, cursor);
        let page = async {
            let page = Backlog::from(self.store.behind(chat, cursor, PAGE).await?);
            let recent = self.recent.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PAGE_LIFE).await;
                recent.pages.forget(&place);
            });
            Ok(page)
        };
        let page = self.recent.pages.get(place, page).await;
        if page.as_ref().is_ok_and(|page| page.messages.is_empty()) {
            // Who comes again to this place wants to know whether something has come meanwhile.
            self.recent.pages.forget(&place);
        }
        page
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::chat::AtLeast;
    use crate::hub::{Hub, Stored};
    use crate::metrics::Metrics;
    use crate::store::{Identity, MessageDraft, Store, StoreGuard};

    /// A store and its hub, as a server has them.
    pub fn open(folder: &std::path::Path) -> (Chats, StoreGuard) {
        let (committed, commits) = tokio::sync::mpsc::channel(64);
        let (store, guard) =
            Store::open(folder, committed, Metrics::new().expect("names")).expect("the database opens");
        let hub = Hub::default();
        tokio::spawn(hub.clone().run(commits));
        (Chats::new(store, hub, None), guard)
    }

    fn ben<'a>(caller: &'a Caller, outlet: &'a Arc<Outlet>) -> Reader<'a> {
        Reader { caller, user_id: "ben", outlet, recipient: Recipient::default(), members: false }
    }

    /// A message of Ann's.
    pub fn draft(chat_id: &str, text: &str) -> MessageDraft {
        MessageDraft {
            chat_id: chat_id.to_owned(),
            client_id: String::new(),
            identity: Identity::ClientId,
            user_id: "ann".to_owned(),
            subject: String::new(),
            text: text.to_owned(),
            by_member: false,
            expired: false,
        }
    }

    async fn send(chats: &Chats, chat_id: &str, text: &str) {
        chats.send(&Caller::open("micro"), draft(chat_id, text)).await.expect("it is stored");
    }

    /// Reads from `cursor` to `last`. Strict: what does not follow on what was there fails, though a session would mend
    /// it by reading again. Who falls behind comes again.
    async fn listen(chats: &Chats, chat_id: &str, mut cursor: u64, last: u64) {
        let pass = |cursor: &mut u64, message: &Stored| {
            if message.seq > *cursor {
                assert_eq!(message.seq, *cursor + 1);
                *cursor = message.seq;
            }
        };
        while cursor < last {
            let outlet = Arc::new(Outlet::default());
            let start = Start::After { epoch: 0, seq: cursor };
            let joined = chats.join(ben(&Caller::open("micro"), &outlet), chat_id, start).await.expect("it joins");
            assert!(joined.after <= cursor);
            let mut seated = joined.seated;
            while seated.is_none() {
                let step =
                    chats.catch_up(ben(&Caller::open("micro"), &outlet), &joined.chat, cursor).await.expect("a page");
                step.page.messages.iter().for_each(|message| pass(&mut cursor, message));
                seated = step.seated;
            }
            let seated = seated.expect("it was just looked at");
            seated.backlog.messages.iter().for_each(|message| pass(&mut cursor, message));
            while cursor < last {
                let Ok(items) = std::future::poll_fn(|context| outlet.poll_take(context)).await else { break };
                items.iter().filter_map(|(_, parcel)| parcel.message()).for_each(|one| pass(&mut cursor, &one.message));
            }
        }
    }

    /// Many small chats, each joined for the first time at some moment of its first messages.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nothing_is_between_the_read_that_fills_a_ring_and_what_is_published() {
        const MESSAGES: u64 = 4;
        let folder = tempfile::tempdir().expect("a folder");
        let (chats, _guard) = open(folder.path());
        for round in 0..300_u64 {
            let created =
                chats.create(&Caller::open("micro"), "", vec![round.to_string()], AtLeast::One).await.expect("a chat");
            let chat_id = created.chat.id;
            let sending = tokio::spawn({
                let (chats, chat_id) = (chats.clone(), chat_id.clone());
                async move {
                    for _ in 0..MESSAGES {
                        send(&chats, &chat_id, "x").await;
                    }
                }
            });
            let readers = (0..3).map(|_| {
                let (chats, chat_id) = (chats.clone(), chat_id.clone());
                let moment = Duration::from_micros(fastrand::u64(0..1_500));
                tokio::spawn(async move {
                    tokio::time::sleep(moment).await;
                    let heard = listen(&chats, &chat_id, 0, MESSAGES);
                    tokio::time::timeout(Duration::from_secs(60), heard).await.expect("all of it in time");
                })
            });
            for reader in readers.collect::<Vec<_>>() {
                reader.await.expect("it heard all");
            }
            sending.await.expect("all is sent");
        }
    }

    /// Messages of which a ring holds two, or none: whoever is behind reads pages while the chat goes on.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn readers_at_any_cursor_arrive_in_a_ring_that_hardly_holds_anything() {
        const MESSAGES: u64 = 800;
        let folder = tempfile::tempdir().expect("a folder");
        let (chats, _guard) = open(folder.path());
        let created =
            chats.create(&Caller::open("micro"), "", vec!["ann".to_owned()], AtLeast::One).await.expect("a chat");
        let chat_id = created.chat.id;
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let (chats, chat_id) = (chats.clone(), chat_id.clone());
                tokio::spawn(async move {
                    for _ in 0..MESSAGES / 4 {
                        let size = *fastrand::choice(&[10, 12_000, 40_000]).expect("one of them");
                        send(&chats, &chat_id, &"x".repeat(size)).await;
                    }
                })
            })
            .collect();
        let readers: Vec<_> = (0..12)
            .map(|_| {
                let (chats, chat_id) = (chats.clone(), chat_id.clone());
                tokio::spawn(async move {
                    let mut last = 0;
                    while last < MESSAGES {
                        last = (last + fastrand::u64(1..200)).min(MESSAGES);
                        let behind = fastrand::u64(0..60);
                        let heard = listen(&chats, &chat_id, last.saturating_sub(behind), last);
                        tokio::time::timeout(Duration::from_secs(60), heard).await.expect("all of it in time");
                    }
                })
            })
            .collect();
        for task in writers.into_iter().chain(readers) {
            task.await.expect("it did all");
        }
    }

    #[tokio::test]
    async fn what_is_published_while_a_page_is_read_stays_in_the_ring_until_the_reader_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let (chats, _guard) = open(folder.path());
        let created =
            chats.create(&Caller::open("micro"), "", vec!["ann".to_owned()], AtLeast::One).await.expect("a chat");
        for _ in 0..100 {
            send(&chats, &created.chat.id, "x").await;
        }
        let outlet = Arc::new(Outlet::default());
        let start = Start::After { epoch: 0, seq: 0 };
        let caller = Caller::open("micro");
        let reader = ben(&caller, &outlet);
        let joined = chats.join(reader, &created.chat.id, start).await.expect("it joins");
        assert!(joined.seated.is_none());
        // Somebody else has just read this page, and hands it on when the chat has gone on.
        let page = Backlog::from(chats.store.behind(&joined.chat, 0, PAGE).await.expect("a page"));
        let (goes_on, has_gone_on) = tokio::sync::oneshot::channel();
        let handing_on = async { has_gone_on.await.map(|()| page).map_err(|_| Refusal::UnknownChat) };
        let other = chats.recent.pages.get((joined.chat.key, 0), handing_on);
        let going_on = async {
            for _ in 0..3 {
                send(&chats, &created.chat.id, &"x".repeat(40_000)).await;
            }
            chats.hub.reached(chats.store.committed()).await;
            goes_on.send(()).expect("it is waited for");
        };
        let (_, step, ()) = tokio::join!(other, chats.catch_up(reader, &joined.chat, 0), going_on);
        let Step { page, seated } = step.expect("a page");
        assert_eq!(page.to, 100);
        assert_eq!(seated.map(|seated| seated.backlog.messages.len()), Some(3));
        // Now that nobody reads, the ring lets go of what is too large for it.
        let late = chats.ring(&joined.chat).await.expect("a ring");
        assert!(late.seat(100, reader.subscriber()).is_none());
    }
}

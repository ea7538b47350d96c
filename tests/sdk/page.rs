//! A page that writes down what it is told.

use js_sys::{Array, Reflect};
use micro_chat::{client::Client, page::Page};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = "
    export function record() {
        const log = [];
        const note = (name) => (...args) => log.push(JSON.stringify([name, ...args]));
        const page = {
            log,
            onopen: () => page.client.opened(),
            onmessage: ({ data }) => page.client.received(data),
            onclose: ({ code }) => page.client.closed(code),
            ontimer: () => page.client.timeout(),
            open: () => page.client.open({ user_id: 'ann' }),
        };
        for (const name of ['state', 'subscribed', 'gap', 'caughtup', 'deliver', 'event', 'stored', 'refused', 'ended']) page[name] = note(name);
        return page;
    }
    export const own = (page, client) => (page.client = client);
    export const meddle = (client, method) => {
        const { Date, WebSocket } = globalThis;
        const { now } = Date;
        let isWithin = false;
        let times = 0;
        const within = () => {
            if (isWithin) return;
            isWithin = true;
            times++;
            client[method]();
            isWithin = false;
        };
        Date.now = () => (within(), now());
        globalThis.WebSocket = function (...args) {
            const socket = new WebSocket(...args);
            const { send } = socket;
            socket.send = (text) => (within(), send(text));
            return socket;
        };
        return () => ((Date.now = now), (globalThis.WebSocket = WebSocket), times);
    };
    export const sleep = (delay) => new Promise((resolve) => setTimeout(resolve, delay));
    export const pretend = () => {
        const real = globalThis.WebSocket;
        const sockets = [];
        globalThis.WebSocket = function (url, protocol) {
            sockets.push(Object.assign(this, { url, protocol, sent: [] }));
            this.send = (text) => this.sent.push(text);
            this.close = (code) => (this.code = code);
        };
        return { sockets, end: () => (globalThis.WebSocket = real) };
    };
")]
extern "C" {
    fn record() -> JsValue;
    fn own(page: &JsValue, client: Client) -> JsValue;
    async fn sleep(delay: u32);
    /// Has the page call a client's method whenever it is asked for the time or a socket sends; what this returns ends
    /// that, and says how often it was.
    pub fn meddle(client: &JsValue, method: &str) -> js_sys::Function;
    /// Sockets that only write down what is done to them.
    pub type Pretence;
    pub fn pretend() -> Pretence;
    #[wasm_bindgen(method)]
    pub fn end(this: &Pretence);
    #[wasm_bindgen(method, getter)]
    pub fn sockets(this: &Pretence) -> Array;
}

/// A client and its page.
pub struct Recorder {
    /// The page's object.
    page: JsValue,
    /// The client's, as JavaScript sees it.
    pub client: JsValue,
}

impl Recorder {
    /// A client of a server at `url`.
    pub fn new(url: &str) -> Self {
        let page = record();
        let client = Client::new(url.into(), page.clone().unchecked_into::<Page>());
        let client = own(&page, client);
        Self { page, client }
    }

    /// Calls one of the client's methods.
    pub fn call(&self, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
        let function: js_sys::Function = Reflect::get(&self.client, &method.into())?.unchecked_into();
        Reflect::apply(&function, &self.client, &arguments.iter().collect())
    }

    /// Subscribes to a chat from its start.
    pub fn subscribe(&self) -> JsValue {
        self.subscribe_with(false)
    }

    /// The same, maybe to its members, too.
    pub fn subscribe_with(&self, members: bool) -> JsValue {
        let id = self.call("subscribe", &["chat".into(), 0.into(), 0.into(), members.into()]).unwrap();
        self.call("run", &[]).unwrap();
        id
    }

    /// What the page was told, each as JSON.
    pub fn log(&self) -> Vec<String> {
        let log: Array = Reflect::get(&self.page, &"log".into()).unwrap().unchecked_into();
        log.iter().filter_map(|entry| entry.as_string()).collect()
    }

    /// Waits until the page is told something that contains `word`.
    pub async fn hears(&self, word: &str) -> String {
        for _ in 0..3_000 {
            if let Some(entry) = self.log().into_iter().find(|entry| entry.contains(word)) {
                return entry;
            }
            sleep(20).await;
        }
        panic!("{word} was never told: {:?}", self.log());
    }
}

//! What the client tells the page.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The page's side of a client, made by `js/`. Its handlers call the client's methods of the same meaning; its
    /// methods never throw. Every way into wasm thus leads through `js/`, where a trap is noticed.
    pub type Page;

    /// To be called when the socket opens.
    #[wasm_bindgen(method, getter)]
    pub fn onopen(this: &Page) -> JsValue;
    /// To be called with each frame.
    #[wasm_bindgen(method, getter)]
    pub fn onmessage(this: &Page) -> JsValue;
    /// To be called when the socket closed.
    #[wasm_bindgen(method, getter)]
    pub fn onclose(this: &Page) -> JsValue;
    /// To be called when the timer fires.
    #[wasm_bindgen(method, getter)]
    pub fn ontimer(this: &Page) -> JsValue;

    /// A socket is wanted: the page calls the client's `open`, now or once it knows who speaks.
    #[wasm_bindgen(method)]
    pub fn open(this: &Page);
    /// The connection's state is another: `connecting`, `waiting` or `offline`; `live` and `closed` belong to each
    /// handle. `delay` is how many milliseconds it waits for the next try, where it waits.
    #[wasm_bindgen(method)]
    pub fn state(this: &Page, state: &str, delay: Option<f64>);
    /// A subscription stands at a cursor.
    #[wasm_bindgen(method)]
    pub fn subscribed(this: &Page, id: u32, epoch: f64, seq: f64);
    /// The messages `from..=to` of a subscription will never come.
    #[wasm_bindgen(method)]
    pub fn gap(this: &Page, id: u32, from: f64, to: f64, restored: bool);
    /// A subscription has been delivered all that was stored, and stands at `seq`.
    #[wasm_bindgen(method)]
    pub fn caughtup(this: &Page, id: u32, seq: f64);
    /// Messages came; those behind `after` are new, and the subscription then stands at `seq`.
    #[wasm_bindgen(method)]
    pub fn deliver(this: &Page, id: u32, messages: JsValue, after: f64, epoch: f64, seq: f64);
    /// Something came for a subscription that is no message.
    #[wasm_bindgen(method)]
    pub fn event(this: &Page, id: u32, event: JsValue);
    /// A send succeeded.
    #[wasm_bindgen(method)]
    pub fn stored(this: &Page, send: u32, stored: JsValue);
    /// A send failed; unless it is `certain`, the message may be stored all the same.
    #[wasm_bindgen(method)]
    pub fn refused(this: &Page, send: u32, error: JsValue, certain: bool);
    /// A subscription is over.
    #[wasm_bindgen(method)]
    pub fn ended(this: &Page, id: u32, error: JsValue);
}

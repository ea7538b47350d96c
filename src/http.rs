//! Single calls: post and get, over fetch.
//!
//! Of gloo-net, responses. Its request builder is left alone: it parses each URL twice, and brings the formatting
//! machinery for that; its `send` traps where a page's own `fetch` fails with something that is no `Error`.

use crate::error::CodedError;
use gloo_net::http::Response;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::RequestInit;

#[wasm_bindgen(inline_js = r"
    export const answer = (text) => {
        try { return JSON.parse(text.endsWith('\n') ? `[${text.trim().replaceAll('\n', ',')}]` : text) } catch {}
    };
")]
extern "C" {
    /// What the text of an answer says; undefined where it is no JSON. JSON Lines end with the end of a line, which no
    /// other answer of this server does: they become a list.
    fn answer(text: &JsValue) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &JsValue, options: &RequestInit) -> Result<JsValue, JsValue>;

    /// An answer that may be an error.
    type Answer;
    #[wasm_bindgen(method, getter = Id, catch)]
    fn id(this: &Answer) -> Result<JsValue, JsValue>;
}

/// Fetches `url` as `options` say. Resolves to the answer, rejects with an error in the server's form. The browser
/// makes and parses the texts; neither enters wasm memory.
#[wasm_bindgen]
pub fn call(url: &JsValue, options: &RequestInit) -> Promise {
    let response = settled(fetch(url, options));
    future_to_promise(async {
        let response = response.await.ok().filter(JsValue::is_object).ok_or(CodedError::NETWORK)?;
        let response = Response::from(response.unchecked_into::<web_sys::Response>());
        let (ok, code) = (response.ok(), response.status());
        let text = settled(web_sys::Response::from(response).text().map(JsValue::from)).await;
        // What breaks off in the middle is no answer.
        match answer(&text.or(Err(CodedError::NETWORK))?) {
            answer if ok && !answer.is_undefined() => Ok(answer),
            answer if answer.unchecked_ref::<Answer>().id().is_ok_and(|id| id.is_string()) => Err(answer),
            _ => Err(CodedError::bad_answer(code).into()),
        }
    })
}

/// What a promise comes to; where there is none, why. A page's own `fetch` may return anything.
fn settled(promise: Result<JsValue, JsValue>) -> JsFuture {
    promise.map_or_else(|error| Promise::reject(&error), |promise| Promise::resolve(&promise)).into()
}

//! The browser SDK: what JavaScript sees of the Rust side.
//!
//! `js/` checks what the page says and calls in here; nothing here talks to the page directly. Messages, requests and
//! answers stay JavaScript objects all the way: only numbers and a few short strings cross into wasm memory.
//!
//! - [`http`]: post and get, over fetch,
//! - [`client`]: the exported handle, which does what `micro-chat-session` decides,
//! - [`socket`] and [`timer`]: what it does it with; [`clock`]: when,
//! - [`frame`]: the session dialect's frames, from and to text,
//! - [`page`]: what the client tells the page,
//! - [`error`]: coded errors.

pub mod client;
pub mod clock;
pub mod error;
pub mod frame;
pub mod http;
pub mod page;
pub mod socket;
pub mod timer;

use micro_chat_wire::endpoint::Endpoint;
use wasm_bindgen::prelude::*;

/// Two kilobytes smaller than the standard allocator, and fast enough: what is large, JavaScript holds.
// SAFETY: a page's wasm has one thread; nothing here asks for shared memory.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: lol_alloc::AssumeSingleThreaded<lol_alloc::FreeListAllocator> =
    unsafe { lol_alloc::AssumeSingleThreaded::new(lol_alloc::FreeListAllocator::new()) };

#[wasm_bindgen]
extern "C" {
    /// A short string, which is read where it is: to copy strings in takes more JavaScript than all else here.
    pub type Path;
    #[wasm_bindgen(method, getter)]
    fn length(this: &Path) -> u32;
    #[wasm_bindgen(method, js_name = charCodeAt)]
    fn unit(this: &Path, at: u32) -> u32;
}

/// Whether `path` names an endpoint that is a stream, in whichever form.
#[wasm_bindgen]
pub fn streams(path: &Path) -> bool {
    // No endpoint has what is no ASCII in its name.
    let units = (0..path.length()).map(|at| u8::try_from(path.unit(at)).map_or('?', char::from));
    Endpoint::is_stream(&units.collect::<String>())
}

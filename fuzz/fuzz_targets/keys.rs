//! `cargo fuzz run keys`: see the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| micro_chat_fuzz::keys(data));

//! `cargo fuzz run gateway`: see the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| micro_chat_fuzz::gateway(data));

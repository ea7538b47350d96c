//! Every input that is kept, again.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[test]
fn nothing_that_was_found_once_breaks_a_promise() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut broken = Vec::new();
    for (name, target) in micro_chat_fuzz::TARGETS {
        let files: Vec<_> =
            fs::read_dir(corpus.join(name)).expect("a corpus").map(|file| file.expect("a file").path()).collect();
        assert!(files.len() >= 5, "{name} has too few inputs to be worth a test");
        for file in files {
            let data = fs::read(&file).expect("an input");
            if catch_unwind(AssertUnwindSafe(|| target(&data))).is_err() {
                broken.push(file);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}

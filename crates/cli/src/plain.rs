//! Words that others wrote, so that no terminal obeys them: a message may hold what would move the cursor, change the
//! window's title, or turn the line around.

/// Whether a terminal could take this for an order.
fn is_order(character: char) -> bool {
    let turns_around = matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || turns_around
}

/// What stands for it.
fn picture(character: char) -> char {
    match character {
        '\t' | '\n' => ' ',
        '\u{7f}' => '\u{2421}',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        _ => '\u{fffd}',
    }
}

/// The words in one line.
pub fn line(words: &str) -> String {
    words.chars().map(|character| if is_order(character) { picture(character) } else { character }).collect()
}

/// The words, with their own lines, each but the first behind `indent`.
pub fn lines(words: &str, indent: &str) -> String {
    let lines: Vec<String> = words.lines().map(line).collect();
    lines.join(&format!("\n{indent}"))
}

/// JSON that means the same and has none of it, but for the white space between its parts.
pub fn json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' | '\t' => plain.push(character),
            _ if is_order(character) => plain.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_order_to_a_terminal_is_left() {
        let orders = "\x1b[2J\x1b]0;title\x07 \u{9b}31m \u{202e}evil \r\x08 \u{7f} \u{2028}";
        for plain in [line(orders), lines(orders, "  "), json(&serde_json::json!(orders).to_string())] {
            assert!(!plain.chars().any(is_order), "{plain:?}");
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        let words = "Grüße 👩‍💻 \"שלום\" \\ 漢字";
        assert_eq!(line(words), words);
        assert_eq!(lines("one\ntwo\r\nthree", "  "), "one\n  two\n  three");
    }

    #[test]
    fn json_means_the_same() {
        let words = serde_json::json!("\x1b[2J \u{9b} \u{202e} \u{7f} \n ü");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&words.to_string())).ok(), Some(words));
    }
}

//! The lines of an input that may hold anything.

use std::io::{self, BufRead, Read};

/// What some editors put before the first line.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// An input, line by line.
pub struct Lines<R> {
    input: R,
    /// Bytes that a line may have.
    most: usize,
    /// Which line is the last that was read, from 1 on.
    pub number: u64,
    /// Bytes that were read so far.
    pub read: u64,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A line.
    Line,
    /// One that is longer than it may be. What it says was passed over, so that nobody has to hold it.
    TooLong,
    /// No more lines.
    End,
}

impl<R: BufRead> Lines<R> {
    /// Of an input whose lines may have so many bytes.
    pub fn of(input: R, most: usize) -> Self {
        Self { input, most, number: 0, read: 0 }
    }

    /// Reads the next line, without its end.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Next> {
        line.clear();
        // With its end, which may be two bytes, and what may be before it.
        let most = bytes(self.most + MARK.len() + 2);
        let read = self.input.by_ref().take(most).read_until(b'\n', line)?;
        if read == 0 {
            return Ok(Next::End);
        }
        self.number += 1;
        self.read += bytes(read);
        if line.last() == Some(&b'\n') {
            line.pop();
            line.pop_if(|byte| *byte == b'\r');
        } else if bytes(read) == most {
            self.read += bytes(self.input.skip_until(b'\n')?);
        }
        if self.number == 1 && line.starts_with(MARK) {
            line.drain(..MARK.len());
        }
        Ok(if line.len() > self.most { Next::TooLong } else { Next::Line })
    }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_comes_without_its_end_and_one_that_is_too_long_is_passed_over() {
        let input = b"\xef\xbb\xbfone\r\ntwo\n\n12345\n123456\nvery very long\r\n\xef\xbb\xbf\n\xfflast";
        let mut lines = Lines::of(&input[..], 5);
        let mut line = Vec::new();
        for (number, wanted) in (1..).zip([
            Some(&b"one"[..]),
            Some(b"two"),
            Some(b""),
            Some(b"12345"),
            None,
            None,
            Some(MARK),
            Some(b"\xfflast"),
        ]) {
            let next = lines.next(&mut line).expect("an input");
            assert_eq!((next, lines.number), (wanted.map_or(Next::TooLong, |_| Next::Line), number));
            assert_eq!(wanted.unwrap_or(&line), line);
        }
        assert_eq!(lines.next(&mut line).expect("an input"), Next::End);
        assert_eq!(lines.read, u64::try_from(input.len()).expect("few"));
    }
}

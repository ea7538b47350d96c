//! What is printed: a number, and the limit that it is held against.

use hdrhistogram::Histogram;

/// What a number should be.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// Small is good.
    AtMost(f64),
    /// Large is good.
    AtLeast(f64),
}

/// A measurement's rows, printed as they come.
#[derive(Debug)]
pub struct Table;

impl Table {
    /// Prints the head.
    pub fn new(title: &str, machine: &str) -> Self {
        println!("\n{title}\n{machine}\n");
        println!("{:<58} {:>22}   limit", "", "measured");
        Self
    }

    /// What the rows below are about.
    pub fn section(&self, name: &str) {
        println!("{name}");
    }

    /// A number without a limit.
    pub fn row(&self, what: &str, measured: &str) {
        println!("  {what:<56} {measured:>22}");
    }

    /// A number and its limit, in the same unit.
    pub fn held(&self, what: &str, measured: f64, unit: &str, limit: Limit) {
        let (is_met, sign, bound) = match limit {
            Limit::AtMost(bound) => (measured <= bound, "≤", bound),
            Limit::AtLeast(bound) => (measured >= bound, "≥", bound),
        };
        let verdict = if is_met { "met" } else { "MISSED" };
        let measured = format!("{} {unit}", number(measured));
        println!("  {what:<56} {measured:>22}   {sign} {} {verdict}", number(bound));
    }

    /// Something to know about the rows above.
    pub fn note(&self, text: &str) {
        println!("    {text}");
    }
}

/// A number as a person reads it: three digits or more, thousands apart.
pub fn number(value: f64) -> String {
    if value.abs() < 100.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

/// An empty histogram of microseconds: up to a minute, to three digits.
pub fn histogram() -> Histogram<u64> {
    // The bounds are constants that fit.
    Histogram::new_with_bounds(1, 60_000_000, 3).unwrap_or_else(|_| unreachable!("valid bounds"))
}

/// The milliseconds below which that part of a histogram of microseconds is.
pub fn quantile(times: &Histogram<u64>, part: f64) -> f64 {
    times.value_at_quantile(part) as f64 / 1000.0
}

/// The median, the 99th of a hundred, and the worst, in milliseconds.
pub fn percentiles(times: &Histogram<u64>) -> String {
    format!("{:.1} / {:.1} / {:.1} ms", quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1.0))
}

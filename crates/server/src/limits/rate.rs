//! How often, and how many, as people write it.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::Quota;

/// So many at once, and one more each time that a period has passed; or as many as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub(super) Option<Quota>);

/// What a rate is written with: units of time, and of bytes.
const PERIODS: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3_600)];
const UNITS: [(&str, u64); 2] = [("KiB", 1 << 10), ("MiB", 1 << 20)];

/// What people are told who write one wrongly.
const FORM: &str = "it looks like 20/s:200 (so many a second, and so many at once), 100/min:20 or 1MiB/s:8MiB; or off";

impl Rate {
    /// As many as they like.
    pub const UNLIMITED: Self = Self(None);

    /// So many a second, and so many at once; 0 is taken for 1.
    pub fn new(steady: u32, burst: u32) -> Self {
        Self::within(Duration::from_secs(1), steady, burst)
    }

    /// So many in that time, and so many at once.
    pub fn within(time: Duration, count: u32, burst: u32) -> Self {
        let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        // A period of nothing is no limit.
        Self(Quota::with_period(time / some(count).get()).map(|quota| quota.allow_burst(some(burst))))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "off" | "0") {
            return Ok(Self::UNLIMITED);
        }
        let (steady, burst) = text.split_once(':').map_or((text, None), |(steady, burst)| (steady, Some(burst)));
        let (count, unit) = steady.split_once('/').ok_or(FORM)?;
        let (_, seconds) = PERIODS.iter().find(|(name, _)| *name == unit).ok_or(FORM)?;
        let steady = amount(count)?;
        let burst = burst.map_or(Ok(steady), amount)?;
        Ok(Self::within(Duration::from_secs(*seconds), steady, burst))
    }
}

/// A number that is not 0, with a unit of bytes or without.
fn amount(text: &str) -> Result<u32, &'static str> {
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (digits, bytes) = unit.unwrap_or((text, 1));
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
    // A billion a second is one each nanosecond: nothing smaller is counted.
    number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=1_000_000_000).contains(number))
        .ok_or(FORM)
}

/// How many there may be at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most(pub usize);

impl FromStr for Most {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "off" | "0") {
            return Ok(Self(usize::MAX));
        }
        amount(text).map(|most| Self(most as usize)).map_err(|_| "it is a number, such as 50 or 64MiB, or off")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_as_people_write_it() {
        let read = |text: &str| text.parse::<Rate>();
        assert_eq!(read("20/s:200"), Ok(Rate::new(20, 200)));
        assert_eq!(read("20/s"), Ok(Rate::new(20, 20)));
        assert_eq!(read("1MiB/s:8MiB"), Ok(Rate::new(1 << 20, 8 << 20)));
        assert_eq!(read("30/min:5"), Ok(Rate::within(Duration::from_secs(60), 30, 5)));
        assert_eq!((read("off"), read("0")), (Ok(Rate::UNLIMITED), Ok(Rate::UNLIMITED)));
        for text in
            ["", "20", "/s", "0/s", "20/s:0", "20/day", "-1/s", "1e3/s", "5GiB/s", "99999999999999999999/s", "20/s:"]
        {
            assert_eq!(read(text), Err(FORM), "{text}");
        }
    }
}

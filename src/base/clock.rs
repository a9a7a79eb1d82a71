//! Wall time: as milliseconds since 1970 inside, as RFC 3339 (UTC, milliseconds) outside. A trait, so that tests can hold it still.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is set.
#[derive(Debug, Default)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Moves it.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Timestamp {
    /// The operating system's time; before 1970 counts as 1970.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// `2026-11-22T05:52:00.123Z`, in exactly 24 bytes for the years 0 to 9999.
    #[must_use]
    pub fn rfc3339(self) -> [u8; 24] {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (y, m, d) = civil(days);
        let mut out = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, mut n: i64| {
            for i in (at..at + width).rev() {
                out[i] = b'0' + u8::try_from(n % 10).unwrap_or(0);
                n /= 10;
            }
        };
        put(0, 4, y.clamp(0, 9999));
        put(5, 2, m);
        put(8, 2, d);
        put(11, 2, ms / 3_600_000);
        put(14, 2, ms / 60_000 % 60);
        put(17, 2, ms / 1000 % 60);
        put(20, 3, ms % 1000);
        out
    }

    /// Reads what [`Timestamp::rfc3339`] writes; fractions of any length, `Z` only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.strip_suffix('Z')?;
        let (date, time) = b.split_once('T')?;
        let (hms, frac) = time.split_once('.').unwrap_or((time, "0"));
        let mut ymd = date.split('-').zip([4, 2, 2]).map(|(p, width)| digits(p, width));
        let (y, m, d) = (ymd.next()??, ymd.next()??, ymd.next()??);
        let mut t = hms.split(':').map(|p| digits(p, 2));
        let (h, mi, s) = (t.next()??, t.next()??, t.next()??);
        let more = date.len() > 10 || t.next().is_some();
        // a day that its month does not have comes back as another one
        if more || civil(days(y, m, d)) != (y, m, d) || h > 23 || mi > 59 || s > 60 {
            return None;
        }
        if frac.is_empty() {
            return None;
        }
        let ms = digits(format!("{frac:0<3}").get(..3)?, 3)?;
        Some(Self(((days(y, m, d) * 24 + h) * 60 + mi) * 60_000 + s * 1000 + ms))
    }
}

/// A number of just so many digits.
fn digits(text: &str, width: usize) -> Option<i64> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days since 1970 to (year, month, day), proleptic Gregorian.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(m <= 2), m, doy - (153 * mp + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days(y: i64, m: i64, d: i64) -> i64 {
    let y = y - i64::from(m <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.rfc3339()).unwrap_or("?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(1_709_210_096_789).to_string(), "2024-02-29T12:34:56.789Z");
        for n in (0..4_000_000_000_000_i64).step_by(86_399_123_457) {
            assert_eq!(Timestamp::parse(&Timestamp(n).to_string()), Some(Timestamp(n)));
        }
        assert_eq!(Timestamp::parse("2024-02-29"), None);
    }

    #[test]
    fn what_is_no_time_is_none() {
        assert!(Timestamp::parse("2024-02-29T00:00:00Z").is_some());
        for bad in [
            "2027-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2027-04-31T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-00-01T00:00:00Z",
            "2027-01-00T00:00:00Z",
            "2027-01-01-01T00:00:00Z",
            "27-01-01T00:00:00Z",
            "9223372036854775807-01-01T00:00:00Z",
            "2027-01-01T-1:00:00Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01T00:00:00:00Z",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00.+1Z",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}

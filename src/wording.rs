//! How numbers, times and lists read, one way everywhere.

use std::fmt::Write;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// `41s`, `3m12s`, `1h05m`; cut to whole seconds, never rounded up.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m{:02}s", seconds / MINUTE, seconds % MINUTE),
        _ => format!("{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
    }
}

/// `9f3a`: two lower-case digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `5 bytes`, `64 KiB`, `1 MiB`: in the largest unit of which it is so many whole ones.
pub fn bytes(number: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = units
        .into_iter()
        .find(|&(power, _)| number > 0 && number.trailing_zeros() >= power);
    match whole {
        Some((power, unit)) => format!("{} {unit}", number >> power),
        None => count(usize::try_from(number).unwrap_or(usize::MAX), "byte"),
    }
}

/// The AGE column, as kubectl prints it (`HumanDuration` in
/// `k8s.io/apimachinery/pkg/util/duration`): `119s`, `2m5s`, `3h`, `7d4h`, `2y10d`.
pub fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / MINUTE, seconds / HOUR, seconds / DAY);
    match () {
        () if seconds < 2 * MINUTE => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % MINUTE, "s"),
        () if hours < 3 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, "d", hours % 24, "h"),
        () if seconds < 2 * YEAR => format!("{days}d"),
        () if seconds < 8 * YEAR => two(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit}{small}{small_unit}"),
    }
}

/// `1 release`, `3 releases`. `one` is a word that takes an s.
pub fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    let texts: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match texts.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The first three of a list, and how many more there are: `a, b, c and 4 more`.
pub fn folded<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [a, b, c, _, rest @ ..] => {
            let first = [a.as_ref(), b.as_ref(), c.as_ref()].join(", ");
            format!("{first} and {} more", rest.len() + 1)
        }
        few => list(few),
    }
}

/// As one word of a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Of the signals that end programs (signal(7), the numbers that x86 and ARM share).
pub fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let read = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(read(0), "0s");
        assert_eq!(duration(Duration::from_millis(41_999)), "41s");
        assert_eq!(read(59), "59s");
        assert_eq!(read(60), "1m00s");
        assert_eq!(read(192), "3m12s");
        assert_eq!(read(3599), "59m59s");
        assert_eq!(read(3900), "1h05m");
        assert_eq!(read(100_000), "27h46m");
    }

    /// The cases of `TestHumanDuration` in `duration_test.go`.
    #[test]
    fn ages_read_as_in_kubectl() {
        let cases = [
            (1, "1s"),
            (70, "70s"),
            (190, "3m10s"),
            (70 * 60, "70m"),
            (47 * HOUR, "47h"),
            (49 * HOUR, "2d1h"),
            (8 * DAY + 2 * HOUR, "8d"),
            (367 * DAY, "367d"),
            (4 * YEAR + 2 * HOUR, "4y"),
            (4 * YEAR + DAY, "4y1d"),
            (9 * YEAR + DAY, "9y"),
            (10 * MINUTE, "10m"),
            (2 * MINUTE, "2m"),
            (3 * HOUR, "3h"),
            (7 * HOUR + 59 * MINUTE, "7h59m"),
            (8 * HOUR + 59 * MINUTE, "8h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn counts_and_lists_read_as_sentences() {
        assert_eq!(count(1, "release"), "1 release");
        assert_eq!(count(0, "release"), "0 releases");
        let sizes = [1, 5, 1024, 1500, 64 << 10, 1 << 20, 512 << 20, 1 << 30].map(bytes);
        insta::assert_snapshot!(sizes.join(", "), @"1 byte, 5 bytes, 1 KiB, 1500 bytes, 64 KiB, 1 MiB, 512 MiB, 1 GiB");
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}

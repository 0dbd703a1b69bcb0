use std::time::Duration;

use super::quote::quoted;
use super::report::Report;
use super::scalar::Typed;
use super::tree::{Content, Entry};

/// No deadline is longer. It keeps sums with points in time far from overflow.
const LONGEST: u64 = 366 * 24 * 3600;

/// Hours, minutes and seconds in this order, each at most once and each with its unit:
/// `10m`, `1h30m`, `90s`.
pub(super) fn duration(entry: &Entry, report: &mut Report) -> Option<Duration> {
    let key = &entry.key;
    let place = entry.value.place;
    let Content::Scalar(scalar) = &entry.value.content else {
        let kind = entry.value.kind();
        let message = format!("`{key}` must be a duration, this is {kind}");
        let diagnostic = report.error(place, message);
        diagnostic.hint("write for example `10m`");
        return None;
    };
    let written = quoted(&scalar.text);
    match parse(&scalar.text) {
        Ok(seconds) => return Some(Duration::from_secs(seconds)),
        Err(Trouble::TooLong) => {
            report.error(place, format!("{written} is longer than a year"));
        }
        Err(Trouble::NoDuration) if matches!(scalar.typed(), Typed::Number(_)) => {
            let message = format!("`{key}` must be a duration, {written} has no unit");
            let diagnostic = report.error(place, message);
            diagnostic.hint(match scalar.text.parse::<u64>() {
                Ok(number) => format!("write `{number}s` or `{number}m`"),
                Err(_) => "write for example `90s`, `10m` or `1h30m`".to_owned(),
            });
        }
        Err(Trouble::NoDuration) => {
            let message = format!("`{key}` must be a duration, {written} is none");
            let diagnostic = report.error(place, message);
            diagnostic.hint("write for example `90s`, `10m` or `1h30m`");
        }
    }
    None
}

/// A duration that is no time at all makes no sense as a deadline.
pub(super) fn deadline(entry: &Entry, report: &mut Report) -> Option<Duration> {
    let duration = duration(entry, report)?;
    if duration.is_zero() {
        let message = format!("`{}` must be longer than nothing", entry.key);
        report.error(entry.value.place, message);
        return None;
    }
    Some(duration)
}

#[derive(Debug, PartialEq)]
enum Trouble {
    NoDuration,
    TooLong,
}

/// Reads a duration as a profile writes it, for a flag that takes one too.
///
/// # Errors
/// A sentence that says how one is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    match parse(text) {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(Trouble::TooLong) => Err("longer than a year".to_owned()),
        Err(Trouble::NoDuration) => Err("write for example `90s`, `10m` or `1h30m`".to_owned()),
    }
}

fn parse(text: &str) -> Result<u64, Trouble> {
    let mut units = [('h', 3600), ('m', 60), ('s', 1)].iter();
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let unit = after.chars().next().filter(|_| digits > 0);
        let (_, seconds) = units
            .find(|(name, _)| Some(*name) == unit)
            .ok_or(Trouble::NoDuration)?;
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*seconds))
            .and_then(|part| total.checked_add(part))
            .filter(|&sum| sum <= LONGEST)
            .ok_or(Trouble::TooLong)?;
        rest = &after[1..];
    }
    if text.is_empty() {
        return Err(Trouble::NoDuration);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_in_order_and_are_never_left_out() {
        let table = [
            ("90s", Ok(90)),
            ("10m", Ok(600)),
            ("1h30m", Ok(5400)),
            ("1h5s", Ok(3605)),
            ("0s", Ok(0)),
            ("366h", Ok(366 * 3600)),
            ("", Err(Trouble::NoDuration)),
            ("10", Err(Trouble::NoDuration)),
            ("m", Err(Trouble::NoDuration)),
            ("10M", Err(Trouble::NoDuration)),
            ("30m1h", Err(Trouble::NoDuration)),
            ("1m1m", Err(Trouble::NoDuration)),
            ("1.5h", Err(Trouble::NoDuration)),
            ("-1m", Err(Trouble::NoDuration)),
            ("10 m", Err(Trouble::NoDuration)),
            ("10ä", Err(Trouble::NoDuration)),
            ("9000h", Err(Trouble::TooLong)),
            ("99999999999999999999h", Err(Trouble::TooLong)),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "`{text}`");
        }
    }
}

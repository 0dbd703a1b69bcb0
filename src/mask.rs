//! The values that are secret, and what stands for them in everything that is written.
//!
//! They are known once they are fetched, and from then on no stream of this process lets one pass:
//! not as it is, nor as JSON, base64 or a URL would hold it. A short one is looked for as a word of
//! its own alone, or it would be found in half of all sentences; and a name of the profile, which
//! every line is full of, is none.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

pub const GONE: &str = "(secret)";
/// What is shorter says nothing.
const SHORTEST: usize = 4;
/// From this length on it is looked for inside of words, and in its encoded forms.
const LONG: usize = 8;
/// How deep strings of JSON are within each other: a text in a value, that in a manifest, that in what
/// is written.
const QUOTED: usize = 3;
/// What else a part of a URL may hold as it is: a password, a segment of a path and a path as Go writes
/// them (`net/url`, `shouldEscape`), and a component as JavaScript does (`encodeURIComponent`).
const URL_PLAIN: [&[u8]; 4] = [b"$&+,;=", b"$&+=:@", b"$&+,/:;=@", b"!'()*"];
/// Digits of a number that is no port and no count.
const DIGITS: usize = 6;

static KNOWN: RwLock<Option<Arc<Masker>>> = RwLock::new(None);

/// Adds to what this process keeps to itself. `names` are no secrets.
pub fn keep_secret(
    secrets: impl IntoIterator<Item = String>,
    names: impl IntoIterator<Item = String>,
) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let mut all: BTreeSet<String> = secrets.into_iter().collect();
    let mut names: BTreeSet<String> = names.into_iter().collect();
    if let Some(known) = known.as_deref() {
        all.extend(known.secrets.iter().cloned());
        names.extend(known.names.iter().cloned());
    }
    *known = Some(Arc::new(Masker::new(all, names)));
}

/// What this process keeps to itself.
pub fn known() -> Arc<Masker> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.clone().unwrap_or_default()
}

/// Finds secrets in texts.
#[derive(Default)]
pub struct Masker {
    secrets: BTreeSet<String>,
    names: BTreeSet<String>,
    /// Whether each of the finder's patterns has to be a word of its own.
    whole_word: Vec<bool>,
    finder: Option<AhoCorasick>,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker(..)")
    }
}

impl Masker {
    pub fn new(
        secrets: impl IntoIterator<Item = String>,
        names: impl IntoIterator<Item = String>,
    ) -> Masker {
        let names: BTreeSet<String> = names.into_iter().collect();
        let secrets: BTreeSet<String> = secrets
            .into_iter()
            .filter(|secret| !names.contains(secret) && tells(secret))
            .collect();
        let mut patterns: Vec<(String, bool)> = Vec::new();
        let numbers = secrets.iter().flat_map(|secret| as_floats(secret));
        let numbers: BTreeSet<String> = numbers.filter(|form| tells(form)).collect();
        for secret in secrets.union(&numbers) {
            let long = secret.len() >= LONG;
            patterns.extend(quoted(secret).into_iter().map(|form| (form, !long)));
            if long {
                patterns.extend(encoded(secret).into_iter().map(|form| (form, false)));
            }
        }
        let (texts, whole_word): (Vec<String>, Vec<bool>) = patterns.into_iter().unzip();
        // It refuses no texts but for more of them than a process can hold.
        let finder = AhoCorasick::new(&texts).ok().filter(|_| !texts.is_empty());
        Masker {
            secrets,
            names,
            whole_word,
            finder,
        }
    }

    /// The text with [`GONE`] for each secret. Where secrets overlap nothing of either is left.
    pub fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.found(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for (from, to) in found {
            out.push_str(&text[end..from]);
            out.push_str(GONE);
            end = to;
        }
        out.push_str(&text[end..]);
        Cow::Owned(out)
    }

    pub fn holds_secret(&self, text: &str) -> bool {
        !self.found(text).is_empty()
    }

    /// In all strings of a value; numbers stay what they are.
    pub fn mask(&self, value: &mut Value) {
        match value {
            _ if self.finder.is_none() => {}
            Value::String(text) => {
                if let Cow::Owned(masked) = self.masked(text) {
                    *text = masked;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.mask(field)),
            _ => {}
        }
    }

    /// Where secrets are, as places that don't overlap.
    fn found(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(finder) = &self.finder else {
            return Vec::new();
        };
        let mut places: Vec<(usize, usize)> = finder
            .find_overlapping_iter(text)
            .filter(|found| {
                let within = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                let before = text[..found.start()].chars().next_back();
                let after = text[found.end()..].chars().next();
                !self.whole_word[found.pattern().as_usize()]
                    || !(before.is_some_and(within) || after.is_some_and(within))
            })
            .map(|found| (found.start(), found.end()))
            .collect();
        places.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::with_capacity(places.len());
        for (from, to) in places {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        apart
    }
}

/// Whether a text would give something away, and is not on every page.
fn tells(text: &str) -> bool {
    let number = text.bytes().all(|byte| byte.is_ascii_digit());
    let word = ["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    text.len() >= SHORTEST && !word && !(number && text.len() < DIGITS)
}

/// A text, and what becomes of it in a string of JSON, which may be in a string once more.
fn quoted(text: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([text.to_owned()]);
    for _ in 0..QUOTED {
        let deeper: Vec<String> = forms.iter().flat_map(|it| as_json(it)).collect();
        forms.extend(deeper);
    }
    forms
}

/// A text within a string of JSON, as serde_json writes it and as Go does (`encoding/json`,
/// `appendString`): with and without the escapes for HTML.
fn as_json(text: &str) -> [String; 3] {
    let json = Value::from(text).to_string();
    let json = &json[1..json.len() - 1];
    let lines = json
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let html = lines
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    [json.to_owned(), lines, html]
}

/// What Go prints of a number that it has read from YAML or JSON as a float, as helm does: the shortest
/// digits, with an exponent (`strconv.FormatFloat`, `g` and `e`) and without one (`f`).
fn as_floats(text: &str) -> Vec<String> {
    let is_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let number = text.chars().all(is_number).then(|| text.parse::<f64>());
    let Some(Ok(number)) = number.filter(|it| it.as_ref().is_ok_and(|it| it.is_finite())) else {
        return Vec::new();
    };
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    vec![format!("{digits}e{sign}{exponent:0>2}"), number.to_string()]
}

/// Other forms of a secret, without those that look like it.
fn encoded(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let escaped = |space: &str, plain: &[u8]| -> String {
        let byte = |byte: u8| match byte {
            b' ' => space.to_owned(),
            _ if byte.is_ascii_alphanumeric()
                || b"-._~".contains(&byte)
                || plain.contains(&byte) =>
            {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        };
        secret.bytes().map(byte).collect()
    };
    forms.extend([escaped("%20", b""), escaped("+", b"")]);
    forms.extend(URL_PLAIN.map(|plain| escaped("%20", plain)));
    // Inside of a longer text it begins at any of the three bytes that make four characters; those
    // at its ends that hold bits of its neighbours are left out.
    let texts = std::iter::once(secret.to_owned()).chain(as_json(secret));
    let starts = texts.flat_map(|text| (0..3).map(move |before| (text.clone(), before)));
    for (text, before) in starts {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(text.as_bytes());
        let from = (before * 8).div_ceil(6);
        let to = bytes.len() * 8 / 6;
        for text in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            forms.insert(text[from..to].to_owned());
        }
    }
    forms.remove(secret);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn masker(secrets: &[&str], names: &[&str]) -> Masker {
        let owned = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Masker::new(owned(secrets), owned(names))
    }

    #[test]
    fn what_is_secret_goes_and_the_rest_stays() {
        let masker = masker(
            &[
                "s3cret-a",
                "s3cret-a-longer",
                "longer-still",
                "pw12",
                "database",
                "8080",
                "true",
            ],
            &["database"],
        );
        let cases = [
            ("x=s3cret-a;", "x=(secret);"),
            ("x=s3cret-a-longer;", "x=(secret);"),
            ("x=s3cret-a-longer-still;", "x=(secret);"),
            (
                "pw12 and pw123, a-pw12, pw12.",
                "(secret) and pw123, a-pw12, (secret).",
            ),
            ("database:8080 is true", "database:8080 is true"),
        ];
        for (text, expected) in cases {
            assert_eq!(masker.masked(text), expected);
        }
    }

    #[test]
    fn encoded_forms_go_too() {
        let secret = "p\"ss wörd/+?";
        let masker = masker(&[secret], &[]);
        for text in [
            Value::from(format!("a {secret}")).to_string(),
            "postgres://u:p%22ss%20w%C3%B6rd%2F%2B%3F@db".to_owned(),
            "q=p%22ss+w%C3%B6rd%2F%2B%3F".to_owned(),
        ] {
            assert!(masker.masked(&text).contains(GONE), "{text}");
        }
    }

    #[test]
    fn parts_of_urls_go_that_leave_some_characters() {
        let masker = masker(&["p$s&w+r d/@!"], &[]);
        for text in [
            "postgres://u:p$s&w+r%20d%2F%40%21@db",
            "https://host/p$s&w+r%20d%2F@%21",
            "https://host/p$s&w+r%20d/@%21",
            "q=p%24s%26w%2Br%20d%2F%40!",
        ] {
            assert!(masker.masked(text).contains(GONE), "{text}");
        }
    }

    #[test]
    fn forms_of_gos_json_and_numbers_go_too() {
        let masker = masker(
            &[
                "Tr0ub&dor<1>",
                "a\"b&c\\d\u{2028}e",
                "x&y<z",
                "12345678901",
                "12345678901234567890",
            ],
            &[],
        );
        let cases = [
            (r#"{"p":"Tr0ub&dor<1>"}"#, r#"{"p":"(secret)"}"#),
            (
                r#"{"p":"Tr0ub\u0026dor\u003c1\u003e"}"#,
                r#"{"p":"(secret)"}"#,
            ),
            (
                r#""{\"p\":\"Tr0ub\\u0026dor\\u003c1\\u003e\"}""#,
                r#""{\"p\":\"(secret)\"}""#,
            ),
            (
                r#"x: "{\\\"p\\\":\\\"Tr0ub\\\\u0026dor\\\\u003c1\\\\u003e\\\"}""#,
                r#"x: "{\\\"p\\\":\\\"(secret)\\\"}""#,
            ),
            // As JSON without escapes for HTML, and that with them.
            (r#""a\"b&c\\d\u2028e""#, r#""(secret)""#),
            (r#""a\\\"b\u0026c\\\\d\\u2028e""#, r#""(secret)""#),
            (r#""x\u0026y\u003cz""#, r#""(secret)""#),
            ("pin: 12345678901", "pin: (secret)"),
            ("pin: 1.2345678901e+10", "pin: (secret)"),
            ("pin: 1.2345678901234567e+19", "pin: (secret)"),
            ("pin: 12345678901234567000", "pin: (secret)"),
        ];
        for (text, expected) in cases {
            assert_eq!(masker.masked(text), expected, "{text}");
        }
        let encoded = STANDARD.encode(r#"{"p":"Tr0ub\u0026dor\u003c1\u003e"}"#);
        assert!(masker.holds_secret(&encoded), "{encoded}");
    }

    #[test]
    fn a_number_reads_as_go_prints_it() {
        let cases = [
            ("12345678901", "1.2345678901e+10"),
            ("1000000", "1e+06"),
            ("-1234567.5", "-1.2345675e+06"),
            ("0.00001234", "1.234e-05"),
        ];
        for (text, expected) in cases {
            assert_eq!(as_floats(text)[0], expected);
        }
        for text in ["12 34", "infinity", "nan", "1e999", "-", "hunter2"] {
            assert!(as_floats(text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn base64_of_what_holds_a_secret_does_not_tell_it(
            before in "[a-z:]{0,5}", secret in "[!-~]{8,20}", after in "[a-z]{0,5}"
        ) {
            prop_assume!(tells(&secret));
            let masker = masker(&[&secret], &[]);
            let text = STANDARD.encode(format!("{before}{secret}{after}"));
            let masked = masker.masked(&text);
            prop_assert!(masked.contains(GONE), "{} {}", text, masked);
        }

        #[test]
        fn nothing_of_a_long_secret_is_left(
            secrets in proptest::collection::vec("[ab]{8,12}", 1..4), text in "[ab ]{0,60}"
        ) {
            let masker = Masker::new(secrets.clone(), Vec::new());
            let masked = masker.masked(&text);
            for secret in &secrets {
                prop_assert!(!masked.contains(secret.as_str()));
            }
        }
    }
}

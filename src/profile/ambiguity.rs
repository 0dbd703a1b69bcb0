use super::quote::quoted;
use super::scalar::{Scalar, Typed};

/// Why a plain scalar may not be what was meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) message: String,
    pub(super) hint: String,
}

/// Looks for scalars that YAML 1.1 (which helm reads values files by) and YAML 1.2 (which
/// profiles are read by) take differently, and for tags and versions that are numbers:
/// helm prints the number, and `1.10` has become `1.1` and `20240101` has become `2.0240101e+07`.
pub(super) fn of(key: &str, scalar: &Scalar) -> Option<Doubt> {
    if !scalar.plain {
        return None;
    }
    let text = scalar.text.as_str();
    let written = quoted(text);
    let as_text = format!("`\"{text}\"` for the text");
    if is_old_boolean(text) {
        let value = matches!(text.to_lowercase().as_str(), "yes" | "on");
        return Some(Doubt {
            message: format!("{written} is text here, but a boolean in a values file"),
            hint: format!("write `{value}` for the boolean or {as_text}"),
        });
    }
    let Typed::Number(number) = scalar.typed() else {
        return None;
    };
    if let Some(octal) = old_octal(text) {
        return Some(Doubt {
            message: format!("{written} is {number} here, but {octal} in a values file"),
            hint: format!("write `{octal}` for the octal number or {as_text}"),
        });
    }
    if has_leading_zero(text) || shows_a_version(key, number.is_f64()) {
        let message = match number.to_string() {
            same if same == text => format!("{written} is read as a number, not as text"),
            number => format!("{written} is read as the number {number}"),
        };
        return Some(Doubt {
            message,
            hint: format!("write {as_text}"),
        });
    }
    None
}

fn is_old_boolean(text: &str) -> bool {
    let words = ["yes", "no", "on", "off"];
    words.iter().any(|word| {
        text == *word || text == word.to_uppercase() || {
            let mut letters = text.chars();
            let first = letters.next().map(|c| c.to_ascii_lowercase());
            text.starts_with(|c: char| c.is_ascii_uppercase())
                && first == word.chars().next()
                && letters.as_str() == &word[1..]
        }
    })
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn old_octal(text: &str) -> Option<u64> {
    has_leading_zero(text)
        .then(|| u64::from_str_radix(text, 8).ok())
        .flatten()
}

/// Whether a number under this key was probably meant as text. A `version` may well be a
/// whole number; a `tag` never is.
fn shows_a_version(key: &str, is_float: bool) -> bool {
    let key = key.to_lowercase();
    key.ends_with("tag") || (key.ends_with("version") && is_float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: &str, text: &str) -> Option<String> {
        let plain = Scalar {
            text: text.into(),
            plain: true,
        };
        of(key, &plain).map(|doubt| doubt.message)
    }

    #[test]
    fn what_two_readers_take_differently_is_doubtful() {
        let table = [
            (
                "debug",
                "Yes",
                "`Yes` is text here, but a boolean in a values file",
            ),
            (
                "mode",
                "0440",
                "`0440` is 440 here, but 288 in a values file",
            ),
            ("zip", "0089", "`0089` is read as the number 89"),
            ("imageTag", "6.10", "`6.10` is read as the number 6.1"),
            (
                "tag",
                "20240101",
                "`20240101` is read as a number, not as text",
            ),
            (
                "appVersion",
                "1.0",
                "`1.0` is read as a number, not as text",
            ),
        ];
        for (key, text, expected) in table {
            assert_eq!(message(key, text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_rest_is_taken_at_its_word() {
        let table = [
            ("tag", "1.4.0"),
            ("tag", "latest"),
            ("cpu", "0.5"),
            ("cpu", "0"),
            ("version", "15"),
            ("name", "yEs"),
            ("name", "norway"),
            ("name", ""),
        ];
        for (key, text) in table {
            assert_eq!(message(key, text), None, "{key}: {text}");
        }
    }
}

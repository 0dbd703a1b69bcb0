use serde_json::Number;

/// A float holds all whole numbers up to this one.
const LARGEST_WHOLE: u64 = 1 << 53;

/// A scalar as it was written, not yet typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Written without quotes and not as a block, so that its form decides its type.
    pub(super) plain: bool,
}

/// What a scalar is under the YAML 1.2 core schema (YAML 1.2.2, 10.3.2).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Typed {
    Null,
    Bool(bool),
    Number(Number),
    /// A number that does not reach a chart as it is: a whole one beyond 2^53, for helm makes a 64-bit float
    /// of each, infinite, or not a number.
    Unheld,
    Text,
}

impl Scalar {
    pub(super) fn typed(&self) -> Typed {
        if !self.plain {
            return Typed::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Typed::Null,
            "true" | "True" | "TRUE" => Typed::Bool(true),
            "false" | "False" | "FALSE" => Typed::Bool(false),
            text => number(text),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.typed() == Typed::Null
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.typed() {
            Typed::Null => "empty",
            Typed::Bool(_) => "a boolean",
            Typed::Number(_) | Typed::Unheld => "a number",
            Typed::Text => "text",
        }
    }
}

fn number(text: &str) -> Typed {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if is_digits(unsigned) {
        let whole = text.parse::<i64>().map(Number::from);
        return held(
            whole
                .or_else(|_| text.parse::<u64>().map(Number::from))
                .ok(),
        );
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            return held(u64::from_str_radix(digits, radix).map(Number::from).ok());
        }
    }
    if is_float(unsigned) {
        return held(text.parse().ok().and_then(Number::from_f64));
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => Typed::Unheld,
        ".nan" | ".NaN" | ".NAN" if unsigned == text => Typed::Unheld,
        _ => Typed::Text,
    }
}

fn held(number: Option<Number>) -> Typed {
    let is_exact = |it: &Number| {
        let whole = it.as_i64().map(i64::unsigned_abs).or(it.as_u64());
        whole.is_none_or(|it| it <= LARGEST_WHOLE)
    };
    let number = number.filter(is_exact);
    number.map_or(Typed::Unheld, Typed::Number)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `(\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)?`
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|it| is_digits(it.strip_prefix(['-', '+']).unwrap_or(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Typed {
        let plain = Scalar {
            text: text.into(),
            plain: true,
        };
        plain.typed()
    }

    fn shown(text: &str) -> String {
        match typed(text) {
            Typed::Number(number) => number.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let table = [
            ("", "Null"),
            ("~", "Null"),
            ("True", "Bool(true)"),
            ("tRUE", "Text"),
            ("yes", "Text"),
            ("-17", "-17"),
            ("+3", "3"),
            ("0440", "440"),
            ("0o440", "288"),
            ("0xFF", "255"),
            ("0x", "Text"),
            ("-0x1", "Text"),
            ("9007199254740992", "9007199254740992"),
            ("9007199254740993", "Unheld"),
            ("18446744073709551616", "Unheld"),
            ("-9007199254740992", "-9007199254740992"),
            ("-9223372036854775808", "Unheld"),
            ("1.10", "1.1"),
            (".5", "0.5"),
            ("5.", "5.0"),
            (".", "Text"),
            ("1e3", "1000.0"),
            ("1e", "Text"),
            ("1e999", "Unheld"),
            ("-.inf", "Unheld"),
            ("-.nan", "Text"),
            ("inf", "Text"),
            ("NaN", "Text"),
            ("1.4.0", "Text"),
            ("1_000", "Text"),
            ("12:30", "Text"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "`{text}`");
        }
    }

    #[test]
    fn quotes_make_text() {
        let quoted = Scalar {
            text: "1.10".into(),
            plain: false,
        };
        assert_eq!(quoted.typed(), Typed::Text);
    }
}

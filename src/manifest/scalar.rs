//! What a plain scalar is to Go: `go.yaml.in/yaml/v2`, `resolve.go`, on which `sigs.k8s.io/yaml` and
//! so helm is built. Nearly YAML 1.1: octal and `yes` as there, no sexagesimals.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Number, Value};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// None where the tag does not fit. `tag` is the name of one of YAML's own tags (`int`); of a
    /// quoted scalar without a tag it is `str`.
    pub fn new(text: &str, tag: Option<&str>) -> Option<Scalar> {
        let scalar = match tag {
            Some("binary") => return binary(text),
            None | Some("bool" | "int" | "float" | "null") => plain(text),
            Some(_) => Scalar::Text(text.to_owned()),
        };
        match (tag, scalar) {
            (Some("float"), Scalar::Int(whole)) => Some(Scalar::Float(float_of(whole))),
            (Some("bool"), scalar @ Scalar::Bool(_))
            | (Some("int"), scalar @ (Scalar::Int(_) | Scalar::Uint(_)))
            | (Some("float"), scalar @ Scalar::Float(_))
            | (Some("null"), scalar @ Scalar::Null) => Some(scalar),
            (Some("bool" | "int" | "float" | "null"), _) => None,
            (_, scalar) => Some(scalar),
        }
    }

    /// None for what JSON does not have: an infinite number, or none at all.
    pub fn value(self) -> Option<Value> {
        Some(match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(is) => is.into(),
            Scalar::Int(number) => number.into(),
            Scalar::Uint(number) => number.into(),
            Scalar::Float(number) => float(number)?.into(),
            Scalar::Text(text) => text.into(),
        })
    }

    /// As the key of a map in JSON. None where Go refuses it.
    pub fn key(self) -> Option<String> {
        match self {
            Scalar::Null | Scalar::Uint(_) => None,
            Scalar::Bool(is) => Some(is.to_string()),
            Scalar::Int(number) => Some(number.to_string()),
            Scalar::Float(number) => Some(float_key(number)),
            Scalar::Text(text) => Some(text),
        }
    }
}

fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes() {
        [b'.', ..] => fraction(text),
        [b'+' | b'-' | b'0'..=b'9', ..] => {
            let digits = text.replace('_', "");
            whole(&digits).or_else(|| decimal(&digits))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// As `strconv.ParseInt` with base 0, then `ParseUint`.
fn whole(text: &str) -> Option<Scalar> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => ("-", &text[1..]),
        [b'+', ..] => ("+", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let signed = i64::from_str_radix(&format!("{sign}{digits}"), radix).ok();
    let unsigned = || u64::from_str_radix(digits, radix).ok();
    match signed {
        Some(number) => Some(Scalar::Int(number)),
        None if sign.is_empty() => unsigned().map(Scalar::Uint),
        None => None,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn decimal(text: &str) -> Option<Scalar> {
    let is_decimal = text
        .bytes()
        .all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
    // Rust reads just these forms, once words like `inf` are ruled out.
    let number: f64 = text.parse().ok().filter(|_| is_decimal)?;
    number.is_finite().then_some(Scalar::Float(number))
}

/// What begins with a dot may have its digits apart, but nothing else.
fn fraction(text: &str) -> Option<Scalar> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut underscores = (0..bytes.len()).filter(|&at| bytes[at] == b'_');
    let between_digits = underscores.all(|at| is_digit(at - 1) && is_digit(at + 1));
    decimal(&text.replace('_', "")).filter(|_| between_digits)
}

fn binary(text: &str) -> Option<Scalar> {
    let packed: String = text.chars().filter(|it| !"\r\n".contains(*it)).collect();
    let bytes = BASE64.decode(packed).ok()?;
    Some(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Go does the same: the tag asks for a float"
)]
fn float_of(whole: i64) -> f64 {
    whole as f64
}

/// Go writes a float without a fraction as a whole number, and the API server takes it for one.
fn float(number: f64) -> Option<Number> {
    match number.to_string().parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(number),
    }
}

/// `strconv.FormatFloat(number, 'g', -1, 64)`
fn float_key(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) => match exponent.parse::<i32>() {
            Ok(power) if !(-4..6).contains(&power) => {
                let sign = if power < 0 { '-' } else { '+' };
                format!("{digits}e{sign}{:02}", power.abs())
            }
            _ => number.to_string(),
        },
        None => scientific,
    }
}

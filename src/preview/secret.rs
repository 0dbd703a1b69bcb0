//! Secrets, told by keyed digests.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::{Compared, Field};
use crate::keyed::Key;
use crate::mask::Masker;

/// Lines of a Secret with several that are looked for elsewhere: keys and tokens, no sentences.
const LINE: usize = 24;
/// A shorter value of a Secret is a user, a host or a switch as often as a password.
const SHORTEST: usize = 8;

/// Of what is in a Secret, what would be one elsewhere too.
pub fn values(compared: &[Compared]) -> Vec<String> {
    let mut values = Vec::new();
    for object in compared.iter().flat_map(Compared::objects) {
        if object["kind"] != "Secret" {
            continue;
        }
        for (part, encoded) in [("data", true), ("stringData", false)] {
            let texts = object[part]
                .as_object()
                .into_iter()
                .flat_map(|it| it.values());
            for text in texts.filter_map(Value::as_str) {
                let plain = match encoded {
                    true => BASE64.decode(text).ok(),
                    false => Some(text.as_bytes().to_vec()),
                };
                let plain = plain
                    .and_then(|it| String::from_utf8(it).ok())
                    .unwrap_or_default();
                values.extend(telling(&plain).map(str::to_owned));
            }
        }
    }
    values
}

fn telling(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let one = !text.contains('\n');
    text.lines().map(str::trim).filter(move |line| {
        let word = line.bytes().all(|byte| byte.is_ascii_lowercase());
        match one {
            true => line.len() >= SHORTEST && !(word && line.len() < LINE / 2),
            false => line.len() >= LINE && !line.contains(' '),
        }
    })
}

/// A field that holds a secret, now or then, is told by digests: what is there may be the secret of
/// before, which nobody knows here.
pub fn hide(fields: &mut [Field], key: &Key, known: &Masker) {
    let holds = |value: &Option<Value>| {
        value.as_ref().is_some_and(|value| match value {
            Value::String(text) => known.holds_secret(text),
            value => known.holds_secret(&value.to_string()),
        })
    };
    for field in fields {
        if holds(&field.before) || holds(&field.after) {
            for value in [&mut field.before, &mut field.after].into_iter().flatten() {
                *value = told(value.to_string().as_bytes(), key);
            }
        }
    }
}

fn told(plain: &[u8], key: &Key) -> Value {
    Value::String(format!("(secret {})", key.digest(plain).short()))
}

/// A Secret with digests in the place of its values; any other object as it is.
pub fn masked<'a>(object: &'a Value, key: &Key) -> Cow<'a, Value> {
    if object["kind"] != "Secret" {
        return Cow::Borrowed(object);
    }
    let mut object = object.clone();
    for (part, encoded) in [("data", true), ("stringData", false)] {
        let Some(values) = object[part].as_object_mut() else {
            continue;
        };
        for value in values.values_mut() {
            let text = value.as_str().unwrap_or_default();
            let plain = match encoded {
                true => BASE64.decode(text).unwrap_or_else(|_| text.into()),
                false => text.into(),
            };
            *value = told(&plain, key);
        }
    }
    // kubectl leaves the whole object in it.
    if let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    Cow::Owned(object)
}

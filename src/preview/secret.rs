//! Secrets, told by keyed digests.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::keyed::Key;

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
            *value = Value::String(format!("(secret {})", key.digest(&plain).short()));
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

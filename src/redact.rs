//! Takes the values of objects out of errors. Seen in the wild: the whole pod template with its
//! environment after `Invalid value: `, bytes of a Secret around the place of a decoding error, the
//! environment in a patch that can't be ordered, values that don't fit a schema's pattern or a
//! template's `range`.

const GONE: &str = "(left out)";

/// The text with `(left out)` for each value of an object that helm or the API server quotes.
#[must_use]
pub fn redacted(text: &str) -> String {
    let text = without_structs(text);
    let text = without_decoded_bytes(&text);
    let text = without_patch_lists(&text);
    let text = without_differences(&text);
    // A value of the wrong type, from the merge of server-side apply.
    let text = cut_between(&text, ", got &", " && ");
    // The value may have several lines, and nothing comes after it.
    let text = cut_between(&text, "range can't iterate over ", "\0");
    let lines = text.split('\n').map(|line| {
        let line = without_schema_value(line);
        let line = cut_between(&line, "parsing time \"", "\" as \"");
        let line = cut_between(&line, "cannot parse \"", "\" as \"");
        let line = cut_between(&line, "error parsing regexp: ", "\0");
        let line = cut_between(&line, "unable to cast ", " of type");
        let line = cut_between(&line, ": parsing \"", "\": ");
        let line = cut_between(&line, "cannot unmarshal !!str `", "` into");
        cut_between(&line, "cannot unmarshal !!binary `", "` into")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// After `Invalid value: `, what is no plain string or number goes, and so does all that belongs
/// to a field that may hold secrets.
fn without_structs(text: &str) -> String {
    const MARKS: [&str; 2] = ["Invalid value: ", "Unsupported value: "];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, mark)) = MARKS
        .iter()
        .filter_map(|mark| Some((rest.find(mark)?, mark)))
        .min()
    {
        let start = at + mark.len();
        out.push_str(&rest[..start]);
        let field = rest[..at]
            .rsplit([' ', '\n', '\t'])
            .find(|word| !word.is_empty());
        rest = &rest[start..];
        let end = value_end(rest);
        let value = &rest[..end];
        if is_plain(value) && !may_be_secret(field.unwrap_or_default()) {
            out.push_str(value);
        } else {
            out.push_str(GONE);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Where the value ends that an error quotes: before the `: ` that stands outside all quotes and
/// brackets, or at the end of everything.
fn value_end(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (c, quote) {
            ('\\', Some('"')) => escaped = true,
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '`', None) => quote = Some(c),
            ('{' | '[' | '(', None) => depth += 1,
            ('}' | ']' | ')', None) => depth = depth.saturating_sub(1),
            (':', None) if depth == 0 && text[at..].starts_with(": ") => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_plain(value: &str) -> bool {
    const LONGEST: usize = 80;
    value.len() <= LONGEST && !value.contains(['{', '[', '\n'])
}

/// Fields whose values are secrets, or may be.
fn may_be_secret(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    [
        "data",
        "env",
        "args",
        "command",
        "password",
        "secret",
        "token",
        "value",
        "annotations",
        "labels",
    ]
    .iter()
    .any(|word| field.contains(word))
}

/// `..., error found in #10 byte of ...|sword":"...|..., bigger context ...|...|...` and, of older
/// servers, `..., parsing 202 ..."... at {...}`: the object's own bytes.
fn without_decoded_bytes(text: &str) -> String {
    let text = cut_between(text, ", error found in #", " && ");
    match text.find(", parsing ") {
        Some(at) if text[at..].contains(" at {") => format!("{} {GONE}", &text[..at]),
        _ => text,
    }
}

/// The lists hold the `env` of a container.
fn without_patch_lists(text: &str) -> String {
    let text = cut_between(
        text,
        "The order in patch list:",
        "doesn't match $setElementOrder list:",
    );
    cut_between(&text, "doesn't match $setElementOrder list:", " && ")
}

/// What a forbidden change would change, as the API server adds it for claims and pods.
fn without_differences(text: &str) -> String {
    let text = cut_between(text, "\n@@ ", " && ");
    cut_between(&text, "core.PodSpec{", " && ")
}

/// `- at '/password': 'hunter2' does not match pattern '^[A-Z]+$'`
fn without_schema_value(line: &str) -> String {
    let place = line.trim_start().strip_prefix("- at '");
    let Some((place, problem)) = place.and_then(|rest| rest.split_once("': ")) else {
        return line.to_owned();
    };
    // `'anyOf' failed` begins with a quote too, and quotes no value.
    if !problem.starts_with('\'') || problem.contains("Of' failed") || problem == "'not' failed" {
        return line.to_owned();
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    let problem = match problem.rsplit_once("' does not match pattern ") {
        Some((_, pattern)) => format!("does not match pattern {pattern}"),
        None => match problem.rsplit_once("' is not valid ") {
            Some((_, format)) => {
                let format = format.split(':').next().unwrap_or(format);
                format!("is not a valid {format}")
            }
            None => format!("{GONE} does not fit"),
        },
    };
    format!("{indent}- at '{place}': {problem}")
}

/// Every text between two marks goes; where the second is missing, all that follows the first.
fn cut_between(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let start = at + from.len();
        out.push_str(&rest[..start]);
        out.push_str(GONE);
        rest = &rest[start..];
        rest = rest.find(to).map_or("", |end| &rest[end..]);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_object_holds_is_left_out_and_the_rest_stays() {
        let cases = [
            (
                ".stringData.password: expected string, got &value.valueUnstructured{Value:\"hunter2\"}",
                ".stringData.password: expected string, got &(left out)",
            ),
            ("- at '/a': 'anyOf' failed", "- at '/a': 'anyOf' failed"),
            (
                "spec: Forbidden: spec is immutable\n@@ -1,6 +1,6 @@\n-  hunter2\n && cannot",
                "spec: Forbidden: spec is immutable\n@@ (left out) && cannot",
            ),
            (
                "Job.batch \"m\" is invalid: spec.template: Invalid value: core.PodTemplateSpec{Env:\
                 []core.EnvVar{core.EnvVar{Name:\"P\", Value:\"hun: }ter2\"}}}: field is immutable",
                "Job.batch \"m\" is invalid: spec.template: Invalid value: (left out): field is immutable",
            ),
            (
                "Deployment.apps \"w\" is invalid: spec.selector: Invalid value: \
                 {\"matchLabels\":{\"a\":\"hunter2\"}}: field is immutable",
                "Deployment.apps \"w\" is invalid: spec.selector: Invalid value: (left out): field is immutable",
            ),
            (
                "Service \"w\" is invalid: spec.ports[0].nodePort: Invalid value: 80: not in range",
                "Service \"w\" is invalid: spec.ports[0].nodePort: Invalid value: 80: not in range",
            ),
            (
                "Secret \"w\" is invalid: metadata.labels: Invalid value: \"hunter2!\": a valid label \
                 must be an empty string or consist of alphanumeric characters",
                "Secret \"w\" is invalid: metadata.labels: Invalid value: (left out): a valid label \
                 must be an empty string or consist of alphanumeric characters",
            ),
            (
                "env[0].value: Invalid value: \"hunter2\": no",
                "env[0].value: Invalid value: (left out): no",
            ),
            (
                "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input \
                 byte 7, error found in #10 byte of ...|hunter2\"},\"kind\":\"|..., bigger context ...|x|...",
                "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input \
                 byte 7, error found in #(left out)",
            ),
            (
                "Data: decode base64: illegal base64 data at input byte 156, parsing 202 \
                 ...hunter2\"... at {\"apiVersion\":\"v1\"}",
                "Data: decode base64: illegal base64 data at input byte 156 (left out)",
            ),
            (
                "cannot patch \"w\": The order in patch list:\n[map[name:P value:hunter2]]\n doesn't \
                 match $setElementOrder list:\n[map[name:P]]\n && cannot patch \"v\"",
                "cannot patch \"w\": The order in patch list:(left out)doesn't match \
                 $setElementOrder list:(left out) && cannot patch \"v\"",
            ),
            (
                "  - at '/password': 'hunter2' does not match pattern '^[A-Z]+$'",
                "  - at '/password': does not match pattern '^[A-Z]+$'",
            ),
            (
                "- at '/email': 'hunter2' is not valid email: missing @ in hunter2",
                "- at '/email': is not a valid email",
            ),
            (
                "- at '/a': got string, want integer",
                "- at '/a': got string, want integer",
            ),
            (
                "at <.Values.password>: range can't iterate over hunter2",
                "at <.Values.password>: range can't iterate over (left out)",
            ),
            (
                "unable to cast \"hunter2\" of type string to int",
                "unable to cast (left out) of type string to int",
            ),
            (
                "strconv.Atoi: parsing \"hunter2\": invalid syntax",
                "strconv.Atoi: parsing \"(left out)\": invalid syntax",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redacted(text), expected);
        }
    }
}

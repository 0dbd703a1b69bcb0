//! Any text with any variable becomes the text that it means, or an error.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stackctl::profile;

fuzz_target!(|input: (&str, &str)| {
    let (text, variable) = input;
    let quoted = quoted(text);
    let profile = format!(
        "name: a\nnamespace: a\nreleases: {{a: {{chart: 'oci://a/a:1', set: {{text: {quoted}}}}}}}\n"
    );
    let environment = |name: &str| (name == "A").then(|| variable.into());
    let read = profile::read(Path::new("profiles/fuzz.yaml"), profile.as_bytes(), &environment);
    let simple = !text.contains("${");
    match read {
        Ok(profile) if simple => {
            let value = &profile.releases[0].set["text"];
            assert_eq!(value.as_str(), Some(text.replace("$$", "$").as_str()));
        }
        Ok(_) => {}
        Err(errors) => assert!(!simple || text.contains(is_odd), "{errors}"),
    }
});

/// As YAML's double quotes have it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_ascii_graphic() || c == ' ' => quoted.push(c),
            c => quoted += &format!("\\U{:08x}", u32::from(c)),
        }
    }
    quoted + "\""
}

/// What a profile refuses even in quotes.
fn is_odd(c: char) -> bool {
    c.is_control()
}

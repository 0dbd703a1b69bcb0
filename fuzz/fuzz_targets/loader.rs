//! Any bytes are a profile or a list of errors that can be shown.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stackctl::plan::{Plan, Selection};
use stackctl::profile;

fuzz_target!(|bytes: &[u8]| {
    let environment = |name: &str| (name == "TAG").then(|| "1.4.0".into());
    match profile::read(Path::new("profiles/fuzz.yaml"), bytes, &environment) {
        Ok(profile) => {
            for warning in &profile.warnings {
                assert!(!warning.to_string().is_empty());
            }
            let _ = Plan::new(&profile, &Selection::All);
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});

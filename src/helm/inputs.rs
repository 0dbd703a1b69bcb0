//! Of what a release is made, as one digest: the chart, its values, and the commands around it.
//! Not where they come from: the same commit on another machine is the same.

use std::collections::HashMap;
use std::io;

use sha2::{Digest as _, Sha256};

use super::deploy::Helm;
use super::digest::Digest;
use crate::files;
use crate::keyed::Key;
use crate::names::ReleaseId;
use crate::plan::{Plan, Step};
use crate::profile::{Fetched, Secret, Values};
use crate::wording::hex;

/// Counted up when an older digest says too little.
const SCHEMA: u32 = 1;
/// What the profile takes for values.
const LARGEST_VALUES: u64 = 10 * 1024 * 1024;

impl Helm {
    /// Takes note of the digest of each release's inputs: it is a label on what this helm makes. They
    /// are made with the stack's key, for values may be secret.
    ///
    /// # Errors
    /// A chart or a file of values can't be read.
    pub fn seal(&mut self, plan: &Plan, key: &Key) -> io::Result<()> {
        self.freeze(plan)?;
        self.sealed.extend(self.digests(plan, key)?);
        Ok(())
    }

    /// The digest of each release's inputs under this key, of values as they were frozen.
    ///
    /// # Errors
    /// A chart or a file of values can't be read.
    pub fn digests(&self, plan: &Plan, key: &Key) -> io::Result<HashMap<ReleaseId, String>> {
        let digest = |step: &Step| {
            let parts = serde_json::to_vec(&self.parts(step)?)?;
            Ok((step.id.clone(), key.digest(&parts).label().to_owned()))
        };
        plan.steps().iter().map(digest).collect()
    }

    /// Copies the user's files of values: a release may wait long for its turn, and is made of what they
    /// were. And helm takes a path for more than that, so it is one of ours.
    ///
    /// # Errors
    /// One of them can't be read.
    pub fn freeze(&mut self, plan: &Plan) -> io::Result<()> {
        let values = plan.steps().iter().flat_map(|step| &step.values);
        for file in values.filter_map(Values::file) {
            if !self.frozen.contains_key(file) {
                let name = format!("values-{}.yaml", self.frozen.len());
                let bytes = files::read(file, LARGEST_VALUES).map_err(|error| {
                    io::Error::new(error.kind(), format!("`{}`: {error}", file.display()))
                })?;
                let copy = self.workspace.write_values_file(&name, &bytes)?;
                self.frozen.insert(file.to_owned(), copy);
            }
        }
        Ok(())
    }

    /// Everything that makes another release of it, in an order that never changes.
    fn parts(&self, step: &Step) -> io::Result<serde_json::Value> {
        let chart = match self.charts.get(&step.id) {
            Some(staged) => Digest::of(&staged.path)?.to_string(),
            None => String::new(),
        };
        let files = step.values.iter().map(|values| match values {
            Values::File(file) => files::read(self.as_sealed(file), LARGEST_VALUES),
            Values::Inline(map) => Ok(serde_json::to_vec(map)?),
        });
        let fetched = self
            .secrets(step)
            .iter()
            .map(|Fetched { secret, .. }| match secret {
                Secret::File(bytes) => Ok(bytes.clone()),
                Secret::Map(map) => Ok(serde_json::to_vec(map)?),
            });
        let values = files
            .chain(fetched)
            .map(|bytes| Ok(hex(&Sha256::digest(bytes?))));
        let values = values.collect::<io::Result<Vec<String>>>()?;
        let commands = step.before.iter().map(|it| ("before", it));
        let commands = commands.chain(step.after.iter().map(|it| ("after", it)));
        let commands: Vec<_> = commands
            .map(|(when, it)| (when, &it.words, &it.env))
            .collect();
        Ok(serde_json::json!([
            SCHEMA,
            step.id,
            step.release,
            step.namespace,
            chart,
            values,
            step.set,
            step.labels,
            commands,
        ]))
    }
}

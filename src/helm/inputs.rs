//! Of what a release is made, as one digest: the chart, its values, and the commands around it.
//! Not where they come from: the same commit on another machine is the same.

use std::fs;
use std::io;

use sha2::{Digest as _, Sha256};

use super::deploy::Helm;
use super::digest::Digest;
use crate::keyed::Key;
use crate::plan::{Plan, Step};
use crate::profile::{Fetched, Secret, Values};
use crate::wording::hex;

/// Counted up when an older digest says too little.
const SCHEMA: u32 = 1;

impl Helm {
    /// Takes note of the digest of each release's inputs: it is a label on what this helm makes. They
    /// are made with the stack's key, for values may be secret.
    ///
    /// # Errors
    /// A chart or a file of values can't be read.
    pub fn seal(&mut self, plan: &Plan, key: &Key) -> io::Result<()> {
        for step in plan.steps() {
            self.freeze(step)?;
            let parts = serde_json::to_vec(&self.parts(step)?)?;
            let digest = key.digest(&parts).label().to_owned();
            self.sealed.insert(step.id.clone(), digest);
        }
        Ok(())
    }

    /// A release may wait long for its turn: it is made of what its digest says.
    fn freeze(&mut self, step: &Step) -> io::Result<()> {
        for values in &step.values {
            if let Values::File(file) = values
                && !self.frozen.contains_key(file)
            {
                let name = format!("values-{}.yaml", self.frozen.len());
                let copy = self.workspace.write_values_file(&name, &fs::read(file)?)?;
                self.frozen.insert(file.clone(), copy);
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
            Values::File(file) => fs::read(self.as_sealed(file)),
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

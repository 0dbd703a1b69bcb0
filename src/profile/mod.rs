//! From text to a [`Profile`]: finds the file, reads YAML into a tree that knows where
//! everything was written, and turns the tree into releases, collecting every error on
//! the way.
//!
//! The room owns the profile's grammar: keys, types, defaults, how paths are resolved,
//! and the wording of what is wrong. It reads files and the environment, and only for
//! the profile. It must not know what happens to a profile afterwards: no command line,
//! no cluster, no helm, no plan. What needs lead to is checked here, and that they form no cycle.
//!
//! The way through the files: `locate`, `decode`, `parse` (to the `tree`), `extend` (the tree
//! over that of another file), `interpolate`, `stack`, from there one file per part of the
//! grammar, and `settle` (the releases among each other). All of them write into one `report`.

mod accept;
mod ambiguity;
mod budgets;
mod chart;
mod command;
mod decode;
mod defaults;
mod diagnostic;
mod duration;
mod excerpt;
mod extend;
mod fetch;
mod fields;
mod file;
mod inline;
mod interpolate;
mod labels;
mod links;
mod locate;
mod mapping;
mod nearby;
mod needs;
mod parse;
mod place;
mod quote;
mod read;
mod release;
mod report;
mod rollback;
mod scalar;
mod schema;
mod set;
mod settle;
mod source;
mod stack;
mod starter;
mod suggest;
mod syntax;
mod tree;
mod values;
mod values_file;
mod values_from;

pub use accept::Accepted;
pub use chart::ChartSource;
pub use command::Command;
pub use diagnostic::{Diagnostic, ProfileErrors};
pub use duration::parse_duration;
pub use excerpt::Excerpt;
pub use fetch::{FetchError, Fetched, Secret, fetch};
pub use interpolate::Environment;
pub use labels::Labels;
pub use locate::{LocateError, VARIABLE, locate, process_environment};
pub use needs::{Need, Until};
pub use place::Place;
pub use release::Release;
pub use rollback::Rollback;
pub use schema::schema;
pub use source::Sources;
pub use stack::{Profile, load, read};
pub use starter::{Starter, starter};
pub use values::Values;
pub use values_from::{Origin, ValuesFrom};

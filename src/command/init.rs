use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Context, print};
use crate::cli::Init;
use crate::error::{Failure, Kind};
use crate::files;
use crate::helm;
use crate::names::StackName;
use crate::profile::{self, Starter};
use crate::wording;

/// The folder that profiles are looked for in.
const PROFILES: &str = "profiles";

pub fn run(args: &Init) -> Result<(), Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of_folder()?,
    };
    let found = helm::charts_in(&args.charts).map_err(|error| {
        let folder = args.charts.display();
        Failure::new(Kind::Usage, format!("`{folder}` can't be read: {error}"))
            .hint("name the folder that has the charts: `stackctl init FOLDER`")
    })?;
    if found.is_empty() {
        let folder = args.charts.display();
        return Err(Context::usage(format!("there is no chart in `{folder}`"))
            .hint("a chart is a folder with a `Chart.yaml`, or a `.tgz`"));
    }
    let file = Path::new(PROFILES).join(format!("{name}.yaml"));
    if file.exists() {
        return Err(
            Context::usage(format!("there is a profile `{}` already", file.display()))
                .hint("give the new one another name: `--name NAME`"),
        );
    }
    let paths: Vec<PathBuf> = found.iter().map(|it| from_profiles(&it.path)).collect();
    let charts = found.iter().zip(&paths).map(|(found, path)| Starter {
        chart: path,
        name: &found.name,
        description: &found.description,
    });
    let text = profile::starter(&name, &charts.collect::<Vec<_>>());
    let written = fs::create_dir_all(PROFILES).and_then(|()| files::write(&file, &text, false));
    written.map_err(|error| {
        Failure::new(
            Kind::Environment,
            format!("`{}` can't be written: {error}", file.display()),
        )
    })?;
    print::text(&format!(
        "{} with {}\nNow say in it what needs what; `stackctl check` tells what waits for what, \
         `stackctl graph` draws it.\n",
        file.display(),
        wording::count(found.len(), "release")
    ))
}

fn name_of_folder() -> Result<StackName, Failure> {
    let folder = std::env::current_dir().unwrap_or_default();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase().replace(['_', '.', ' '], "-");
    name.parse().map_err(|_| {
        Context::usage("this folder's name is no name for a stack")
            .hint("give it one: `--name NAME`")
    })
}

/// A path as it is written in the folder of profiles.
fn from_profiles(path: &Path) -> PathBuf {
    let is_here = |part: &Component| *part == Component::CurDir;
    let path: PathBuf = path.components().filter(|part| !is_here(part)).collect();
    match path.is_absolute() {
        true => path,
        false => Path::new("..").join(path),
    }
}

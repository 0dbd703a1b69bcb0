//! Container images as archives: the pause image, and what the crate's own script makes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{digest, finished, progress::Progress, sources};
use crate::cluster::node::PAUSE_IMAGE;
use crate::home::Home;
use crate::host::packages::find;

/// Returns the digest of the images' sources, or `None` while there is no `images/build`.
///
/// # Errors
/// When a source can't be read.
pub fn key() -> Result<Option<String>> {
    if !script().is_file() {
        return Ok(None);
    }
    digest::of(&inputs(), &[std::env::consts::ARCH]).map(Some)
}

/// Builds the images of the current sources if need be and returns their digest, or `None` while there
/// is no `images/build`.
///
/// The script gets one argument, the folder to leave its `*.tar` OCI archives in, and in
/// `STACKCTL_IMAGE_PROGRAMS` a folder with a folder for each image that has compiled programs.
///
/// # Errors
/// When the script fails.
pub fn build(home: &Home) -> Result<Option<String>> {
    let Some(key) = key()? else { return Ok(None) };
    finished(&home.images(), &key, |folder| {
        let progress = Progress::start("images", "about 5m the first time");
        let programs = tempfile::tempdir().context("making a folder for programs")?;
        lay_out(programs.path())?;
        let mut script = Command::new(script());
        script.env("STACKCTL_IMAGE_PROGRAMS", programs.path());
        run(script.arg(folder).current_dir(sources()))?;
        progress.finish();
        Ok(())
    })?;
    Ok(Some(key))
}

fn script() -> PathBuf {
    sources().join("images").join("build")
}

/// What the images are made of: the scripts, and the packages whose programs go into them.
fn inputs() -> Vec<PathBuf> {
    let mut folders = vec![sources().join("images"), sources().join("jaeger")];
    folders.extend(workspace().map(|workspace| workspace.join("examples")));
    folders
}

fn workspace() -> Option<PathBuf> {
    sources().parent().map(Path::to_path_buf)
}

/// Lays out what the images have beside the folders of the script: for each a folder of its name.
fn lay_out(folder: &Path) -> Result<()> {
    let workspace = workspace().context("finding the workspace")?;
    let shop = folder.join("order-food");
    let data = workspace.join("examples").join("order-food").join("data");
    compile("order-food", &shop.join("usr/local/bin"))?;
    let share = shop.join("usr/share");
    std::fs::create_dir_all(&share).context("making a folder for data")?;
    run(Command::new("cp")
        .arg("-R")
        .arg(&data)
        .arg(share.join("order-food")))?;
    let jaeger = folder.join("jaeger").join("cmd/jaeger");
    compile("stackctl-sandbox-jaeger", &jaeger)?;
    std::fs::rename(jaeger.join("jaeger"), jaeger.join("jaeger-linux")).context("naming jaeger")
}

/// Puts the programs of a package of this workspace into a folder, without symbols.
fn compile(package: &str, folder: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--bins",
        "--message-format=json-render-diagnostics",
    ]);
    build.args(["--package", package]);
    let told = run(build.current_dir(workspace().context("finding the workspace")?))?;
    std::fs::create_dir_all(folder).context("making a folder for programs")?;
    for program in executables(&told)? {
        let name = program.file_name().context("finding a program's name")?;
        run(Command::new("strip")
            .arg("--strip-all")
            .arg("-o")
            .arg(folder.join(name))
            .arg(&program))?;
    }
    Ok(())
}

/// The programs that cargo's messages tell of, one JSON object a line.
fn executables(messages: &[u8]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for message in serde_json::Deserializer::from_slice(messages).into_iter::<serde_json::Value>() {
        let message = message.context("reading cargo's messages")?;
        found.extend(message["executable"].as_str().map(PathBuf::from));
    }
    Ok(found)
}

/// Returns the archives in a folder, in the order of their names.
///
/// # Errors
/// When the folder can't be read.
pub fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading `{}`", folder.display()))?;
    let mut archives: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tar"))
        .collect();
    archives.sort();
    Ok(archives)
}

/// Returns the archive of the pause image, made from the built program if it is not there yet.
///
/// # Errors
/// When umoci or skopeo fail.
pub fn pause(home: &Home, program: &Path) -> Result<PathBuf> {
    let key = program
        .parent()
        .and_then(Path::file_name)
        .context("finding the pause program's digest")?;
    let folder = finished(&home.images(), &key.to_string_lossy(), |folder| {
        let layout = folder.join("layout");
        let image = format!("{}:pause", layout.display());
        let tool = |name: &str| Command::new(find(name).unwrap_or_else(|| PathBuf::from(name)));
        run(tool("umoci").args(["init", "--layout"]).arg(&layout))?;
        run(tool("umoci").args(["new", "--image", &image]))?;
        run(tool("umoci")
            .args(["insert", "--image", &image])
            .arg(program)
            .arg("/pause"))?;
        run(tool("umoci").args([
            "config",
            "--image",
            &image,
            "--config.entrypoint",
            "/pause",
            "--config.user",
            "65535:65535",
        ]))?;
        let target = format!(
            "oci-archive:{}:{PAUSE_IMAGE}",
            folder.join("pause.tar").display()
        );
        run(tool("skopeo").args([
            "copy",
            "--quiet",
            "--insecure-policy",
            &format!("oci:{image}"),
            &target,
        ]))?;
        crate::files::remove_tree(&layout)
    })?;
    Ok(folder.join("pause.tar"))
}

/// Runs a program to its end and returns what it printed to stdout.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{program}`"))?;
    if !output.status.success() {
        let told = [&output.stdout[..], &output.stderr[..]].concat();
        let told = String::from_utf8_lossy(&told);
        let tail: Vec<&str> = told.lines().rev().take(30).collect();
        bail!(
            "`{program}` failed: {}\n{}",
            output.status,
            tail.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    }
    Ok(output.stdout)
}

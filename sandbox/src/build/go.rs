//! Builds one Go program. The versions of everything in it are pinned by its module's `go.sum`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{digest, progress::Progress, sources};

/// A program and where it comes from.
pub(super) struct Part {
    pub(super) name: &'static str,
    /// The folder of its module in `go/`.
    module: &'static str,
    package: &'static str,
    /// Values for variables of the program, as the linker takes them.
    stamps: &'static [&'static str],
    /// How long it takes on two cores when nothing has been downloaded.
    usual: &'static str,
}

pub(super) const KUBERNETES: Part = Part {
    name: "kubernetes",
    module: "kubernetes",
    package: ".",
    stamps: &[
        "k8s.io/component-base/version.gitVersion=v1.34.4",
        "k8s.io/component-base/version.gitMajor=1",
        "k8s.io/component-base/version.gitMinor=34",
    ],
    usual: "about 11m the first time",
};
pub(super) const HELM: Part = Part {
    name: "helm",
    module: "addons",
    package: "helm.sh/helm/v4/cmd/helm",
    stamps: &["helm.sh/helm/v4/internal/version.version=v4.3.0"],
    usual: "about 3m the first time",
};
pub(super) const COREDNS: Part = Part {
    name: "coredns",
    module: "addons",
    package: "./coredns",
    stamps: &[],
    usual: "about 1m the first time",
};
pub(super) const KWOK: Part = Part {
    name: "kwok",
    module: "addons",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    stamps: &[],
    usual: "about 1m the first time",
};
pub(super) const PAUSE: Part = Part {
    name: "pause",
    module: "pause",
    package: ".",
    stamps: &[],
    usual: "some seconds",
};

/// How often a download that broke off is tried.
const TRIES: u32 = 4;
/// What Go says when the network was at fault, and not the sources.
const BROKEN_DOWNLOAD: [&str; 10] = [
    "dial tcp",
    "i/o timeout",
    "TLS handshake",
    "connection reset",
    "connection refused",
    "unexpected EOF",
    "stream error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "429 Too Many Requests",
];

impl Part {
    /// Returns a digest of all that decides what the program will be.
    pub(super) fn key(&self) -> Result<String> {
        let folder = sources().join("go").join(self.module);
        let mut words = vec![
            self.name,
            self.package,
            std::env::consts::ARCH,
            std::env::consts::OS,
        ];
        words.extend(self.stamps);
        digest::of(&[folder], &words)
    }

    /// Builds the program into a folder.
    pub(super) fn build(&self, folder: &Path) -> Result<()> {
        let progress = Progress::start(self.name, self.usual);
        for attempt in 1.. {
            let Err(complaint) = self.attempt(folder, &progress)? else {
                break;
            };
            let broken = BROKEN_DOWNLOAD.iter().any(|sign| complaint.contains(sign));
            if attempt == TRIES || !broken {
                bail!("building {} failed\n{complaint}", self.name);
            }
            let last = complaint.lines().last().unwrap_or_default();
            progress.note(&format!(
                "a download for {} broke off, trying again: {last}",
                self.name
            ));
            // What broke the download may take a moment to pass.
            std::thread::sleep(Duration::from_secs(2 * u64::from(attempt)));
        }
        progress.finish();
        Ok(())
    }

    /// Runs the compiler once; what it complains about is the inner error.
    fn attempt(&self, folder: &Path, progress: &Progress) -> Result<Result<(), String>> {
        let mut flags = String::from("-s -w");
        for stamp in self.stamps {
            flags.push_str(" -X ");
            flags.push_str(stamp);
        }
        let mut go = Command::new("go")
            .args([
                "build",
                "-v",
                "-trimpath",
                "-mod=readonly",
                // The linker would leave it out, and making it takes a fifth of the time.
                "-gcflags=all=-dwarf=false",
                "-ldflags",
                &flags,
                "-o",
            ])
            .arg(folder.join(self.name))
            .arg(self.package)
            .current_dir(sources().join("go").join(self.module))
            .env("CGO_ENABLED", "0")
            // The compiler's own: with its usual 100 a fifth of the time goes into tidying up.
            .env("GOGC", "400")
            // A workspace or flags of the user's must not change what is built.
            .env("GOWORK", "off")
            .env("GOFLAGS", "-buildvcs=false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting `go`: building the sandbox's programs needs Go 1.26 or newer")?;
        let mut said = Vec::new();
        let mut compiled = 0_u32;
        if let Some(stderr) = go.stderr.take() {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.starts_with("go: downloading ") {
                    progress.detail(line.trim_start_matches("go: "));
                } else if line.contains(' ') {
                    said.push(line);
                } else {
                    compiled += 1;
                    progress.detail(&format!("{compiled} packages compiled, now {line}"));
                }
            }
        }
        let status = go.wait().context("waiting for `go`")?;
        Ok(if status.success() {
            Ok(())
        } else {
            Err(said.join("\n"))
        })
    }
}

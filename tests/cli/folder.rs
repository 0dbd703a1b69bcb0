use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::RwLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// helm 4, as far as we may go with it: it writes down what it is asked.
const HELM: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/helm-calls"
echo v4.0.1
"#;

const SHOP: &str = "\
name: shop
namespace: shop
releases:
  database: {chart: ../charts/database}
  api: {chart: ../charts/api, needs: [database]}
  web: {chart: ../charts/web, needs: [api, database]}
  mail: {chart: ../charts/mail}
";

/// A program that is started while a script is written has the script open until it is executed,
/// and so long the script can't be ("text file busy"): these two go one after the other.
static FORKS: RwLock<()> = RwLock::new(());

pub fn start(command: &mut Command) -> Child {
    let _nobody_writes = FORKS.read();
    command.spawn().unwrap()
}

/// What a program printed that is none of ours.
pub fn output(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = start(command.stderr(Stdio::piped()));
    child.wait_with_output().unwrap()
}

/// A folder to run in: home, working directory and PATH of the program.
pub struct Folder {
    _root: TempDir,
    path: PathBuf,
    variables: Vec<(String, String)>,
}

impl Folder {
    /// With a place for temporary files and nothing else.
    pub fn empty() -> Folder {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        fs::create_dir(path.join("tmp")).unwrap();
        Folder {
            _root: root,
            path,
            variables: Vec::new(),
        }
    }

    /// The profile `shop`, its charts, a helm, and a cluster that nobody answers for.
    pub fn shop() -> Folder {
        ["database", "api", "web", "mail"]
            .iter()
            .fold(Folder::empty(), |folder, name| folder.chart(name, ""))
            .file("profiles/shop.yaml", SHOP)
            .script("bin/helm", HELM)
            .cluster("127.0.0.1:1")
    }

    /// The shop, and a server in the cluster's place that must not be asked anything.
    pub fn shop_of_a_cluster() -> (Folder, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (Folder::shop().cluster(&address), listener)
    }

    pub fn file(self, path: &str, text: &str) -> Folder {
        let file = self.path.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    pub fn without(self, path: &str) -> Folder {
        fs::remove_file(self.path.join(path)).unwrap();
        self
    }

    /// A file that may be executed.
    pub fn script(self, path: &str, text: &str) -> Folder {
        let _nobody_forks = FORKS.write();
        self.file(path, text).mode(path, 0o755)
    }

    pub fn mode(self, path: &str, mode: u32) -> Folder {
        fs::set_permissions(self.path.join(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn chart(self, name: &str, more: &str) -> Folder {
        let text = format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n{more}");
        self.file(&format!("charts/{name}/Chart.yaml"), &text)
    }

    /// A kubeconfig whose contexts lead to this server.
    pub fn cluster(self, server: &str) -> Folder {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: staging\n\
             clusters: [{{name: c, cluster: {{server: 'http://{server}'}}}}]\n\
             users: [{{name: u, user: {{token: never-to-be-shown}}}}]\n\
             contexts:\n- {{name: staging, context: {{cluster: c, user: u}}}}\n\
             - {{name: production, context: {{cluster: c, user: u}}}}\n"
        );
        self.file(".kube/config", &text)
    }

    pub fn variable(mut self, name: &str, value: &str) -> Folder {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackctl"));
        command.args(args);
        self.put_in(&mut command);
        command
    }

    /// Lets a program run here, in an environment that knows this folder alone.
    pub fn put_in(&self, command: &mut Command) {
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command
            .current_dir(&self.path)
            .env_clear()
            .env("HOME", &self.path)
            .env("PATH", self.path.join("bin"))
            .env("TMPDIR", self.path.join("tmp"))
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.ended(self.command(args))
    }

    /// What a run told, once it is sure that it did nothing: helm was asked for its version at
    /// most, and no private folder is left behind.
    pub fn ended(&self, mut command: Command) -> Ran {
        let child = start(&mut command);
        // It may hold the other end of a pipe that is to break.
        drop(command);
        let output = child.wait_with_output().unwrap();
        let asked = self.helm_calls();
        let harmless = |call: &String| call == "version --template {{.Version}}";
        assert!(asked.iter().all(harmless), "helm was asked: {asked:?}");
        let left: Vec<_> = fs::read_dir(self.path.join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        let folder = self.path.to_str().unwrap();
        let text = |bytes: &[u8]| {
            let text = str::from_utf8(bytes).unwrap();
            text.replace(folder, "[FOLDER]")
        };
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code(),
        }
    }

    /// What helm was asked, call by call.
    pub fn helm_calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path.join("helm-calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

/// What a run told.
#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    /// None where a signal ended it.
    pub code: Option<i32>,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "{name}:\n{}", text.trim_end())?;
            }
        }
        match self.code {
            Some(code) => write!(f, "exit code {code}"),
            None => write!(f, "ended by a signal"),
        }
    }
}

/// Nobody has come to the server's door.
#[track_caller]
pub fn assert_not_asked(server: &TcpListener) {
    server.set_nonblocking(true).unwrap();
    let visit = server.accept().map(|(_, from)| from);
    assert_eq!(
        visit.unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "the cluster was asked"
    );
}

/// A run that goes on until it is ended.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub fn of(folder: &Folder, args: &[&str]) -> Running {
        let mut child = start(&mut folder.command(args));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child, stdout }
    }

    /// The next line of its stdout.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).unwrap();
        assert!(read > 0, "it has ended: {}", self.stderr());
        line.trim_end().to_owned()
    }

    /// The next line that holds this, whatever comes before it.
    pub fn line_with(&mut self, part: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The first line of its stderr.
    pub fn said(&mut self) -> String {
        let mut line = String::new();
        let stderr = self.child.stderr.take().unwrap();
        BufReader::new(stderr).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Sends SIGINT and returns the exit code.
    pub fn interrupted(mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, Signal::SIGINT).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Goes away without reading on, and returns the exit code.
    pub fn unread(self) -> Option<i32> {
        let Running { mut child, stdout } = self;
        drop(stdout);
        child.wait().unwrap().code()
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).unwrap();
        }
        text
    }
}

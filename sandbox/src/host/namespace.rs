//! Entering and leaving namespaces.

use std::fs::File;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns, unshare};

/// Starts a program as the first process of network, mount and process namespaces of its own.
///
/// The thread that starts it leaves the host's namespaces; the caller stays where it is. The thread
/// lives on for ever, because "killed when the parent ends" is about the thread that was the parent.
///
/// # Errors
/// When the namespaces can't be made (not root) or the program not started.
pub fn spawn_apart(mut command: Command) -> Result<Child> {
    let mut start = move || -> Result<Child> {
        // A thread shares its file system attributes with its process until told otherwise, and the
        // kernel refuses a mount namespace of its own to such a thread.
        unshare(CloneFlags::CLONE_FS).context("leaving the process's working directory")?;
        let namespaces =
            CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID;
        unshare(namespaces).context("making namespaces")?;
        command
            .spawn()
            .context("starting the sandbox's first process")
    };
    let (started, result) = channel();
    thread::spawn(move || {
        let _ = started.send(start());
        loop {
            thread::park();
        }
    });
    result
        .recv()
        .context("starting the sandbox's first process")?
}

/// Opens connections from inside a process's network.
#[derive(Debug)]
pub struct Network(File);

impl Network {
    /// Returns the network that a process lives in.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/ns/net");
        File::open(&path)
            .map(Self)
            .with_context(|| format!("opening `{path}`"))
    }

    /// Connects to an address as a process inside would.
    ///
    /// A socket stays in the network that it was made in, so what is returned works in any thread.
    ///
    /// # Errors
    /// When the network can't be entered or nobody listens.
    pub fn connect(&self, address: SocketAddr) -> Result<TcpStream> {
        self.inside(move || {
            Ok(TcpStream::connect_timeout(
                &address,
                Duration::from_secs(5),
            )?)
        })
    }

    /// Returns a datagram socket that sends from inside.
    ///
    /// # Errors
    /// When the network can't be entered.
    pub fn datagrams(&self) -> Result<UdpSocket> {
        self.inside(|| Ok(UdpSocket::bind("0.0.0.0:0")?))
    }

    fn inside<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let network = self.0.try_clone()?;
        joined(thread::spawn(move || {
            setns(&network, CloneFlags::CLONE_NEWNET).context("entering the sandbox's network")?;
            act()
        }))
    }
}

fn joined<T>(thread: thread::JoinHandle<Result<T>>) -> Result<T> {
    match thread.join() {
        Ok(result) => result,
        Err(_) => bail!("a thread in the sandbox's namespaces panicked"),
    }
}

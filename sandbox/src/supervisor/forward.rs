//! Carries bytes between a port on the host's loopback and the API server in the sandbox's network.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

use crate::output::say;

/// Serves the listener from a thread of its own, for as long as the process lives.
#[cfg(target_os = "linux")]
pub(super) fn serve(listener: TcpListener, keeper: u32, target: SocketAddr) -> Result<()> {
    let network = crate::host::namespace::Network::of(keeper)?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            match network.connect(target) {
                Ok(server) => carry(client, server),
                // The API server is not up yet; the client sees its connection closed and tries again.
                Err(error) => say(&format!("a client was turned away: {error:#}")),
            }
        }
    });
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn serve(_: TcpListener, _: u32, _: SocketAddr) -> Result<()> {
    Ok(())
}

fn carry(client: TcpStream, server: TcpStream) {
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
        say("a client was turned away: no file descriptors are left");
        return;
    };
    thread::spawn(move || pump(client, server));
    thread::spawn(move || pump(server_too, client_too));
}

/// Copies until one side ends, then tells the other side so. Half-closed connections stay usable.
fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0_u8; 32 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) if to.write_all(&buffer[..count]).is_ok() => {}
            Ok(_) => {
                let _ = from.shutdown(Shutdown::Read);
                break;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

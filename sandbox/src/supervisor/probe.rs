//! Asks the sandbox's DNS a question, as a pod would.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cluster::{control_plane::SERVICE_ADDRESS, node};
use crate::host::namespace::Network;

/// Asks for the API server's Service and checks the answer.
///
/// # Errors
/// When there is no answer within a second, or a wrong one.
pub fn dns(keeper: u32) -> Result<()> {
    let socket = Network::of(keeper)?.datagrams()?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.send_to(
        &question("kubernetes.default.svc.cluster.local"),
        node::dns(),
    )?;
    let mut answer = [0_u8; 512];
    let count = socket.recv(&mut answer)?;
    // The one address record is the last thing in the answer but for an optional section.
    if !answer[..count]
        .windows(4)
        .any(|bytes| Ipv4Addr::from([bytes[0], bytes[1], bytes[2], bytes[3]]) == SERVICE_ADDRESS)
    {
        bail!("DNS does not know the API server's Service yet");
    }
    Ok(())
}

/// Returns a query for the address of a name, as RFC 1035 lays it out.
fn question(name: &str) -> Vec<u8> {
    let mut packet = vec![0x53, 0x42, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap_or(0));
        packet.extend_from_slice(label.as_bytes());
    }
    packet.extend_from_slice(&[0, 0, 1, 0, 1]);
    packet
}

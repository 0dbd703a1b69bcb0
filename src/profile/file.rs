use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A bigger file is no profile; 500 releases take about a tenth of it.
const LARGEST: u64 = 1024 * 1024;

/// Reads a profile, or says why not. Of a file without an end only the first piece is read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such profile".to_owned(),
        _ => format!("can't read the profile: {error}"),
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    check_size(&bytes)?;
    Ok(bytes)
}

/// Says so when there are more bytes than a profile has.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() as u64 > LARGEST {
        return Err("the file is larger than 1 MiB, which no profile is".to_owned());
    }
    Ok(())
}

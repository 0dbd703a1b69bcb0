use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A bigger file is no profile; 500 releases take about a tenth of it.
const LARGEST: u64 = 1024 * 1024;
/// Nor is one of values: helm keeps them all in one Secret, which has at most 1 MiB.
const LARGEST_VALUES: u64 = 10 * 1024 * 1024;

/// Reads a profile, or says why not. Of a file without an end only the first piece is read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = first(path, LARGEST).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such profile".to_owned(),
        _ => format!("can't read the profile: {error}"),
    })?;
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

/// Reads a values file, or says why not.
pub(super) fn read_values(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = first(path, LARGEST_VALUES).map_err(|error| format!("can't be read: {error}"))?;
    if bytes.len() as u64 > LARGEST_VALUES {
        return Err("it is larger than 10 MiB, which no values are".to_owned());
    }
    Ok(bytes)
}

/// At most one byte more than `limit`.
fn first(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

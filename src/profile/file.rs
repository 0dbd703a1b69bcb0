use std::io;
use std::path::Path;

use crate::files;

/// A bigger file is no profile; 500 releases take about a tenth of it.
const LARGEST: u64 = 1024 * 1024;
/// Nor is one of values: helm keeps them all in one Secret, which has at most 1 MiB.
const LARGEST_VALUES: u64 = 10 * 1024 * 1024;

/// Reads a profile, or says why not.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    files::read(path, LARGEST).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such profile".to_owned(),
        io::ErrorKind::FileTooLarge => too_large(),
        _ => format!("can't read the profile: {error}"),
    })
}

/// Says so when there are more bytes than a profile has.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() as u64 > LARGEST {
        return Err(too_large());
    }
    Ok(())
}

fn too_large() -> String {
    "the file is larger than 1 MiB, which no profile is".to_owned()
}

/// Reads a values file, or says why not.
pub(super) fn read_values(path: &Path) -> Result<Vec<u8>, String> {
    files::read(path, LARGEST_VALUES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => "it is larger than 10 MiB, which no values are".to_owned(),
        _ => format!("can't be read: {error}"),
    })
}

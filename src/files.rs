//! Reads what others may have put there: regular files alone, never waiting for anybody, and no more of them
//! than was asked for. A named pipe would wait for a writer, and a device has no end. What is written goes
//! to regular files alone too.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

use crate::wording;

/// What is copied between two looks at whether that is still wanted.
const PIECE: u64 = 1024 * 1024;

/// Opens a regular file to read it, links followed.
///
/// # Errors
/// It can't be opened, or is something else: a folder, a named pipe, a socket or a device.
pub fn open(path: &Path) -> io::Result<File> {
    // Opening a device can do something by itself, so it is looked at first; and once more when it is open,
    // for it may be another by then.
    insist(&path.metadata()?)?;
    open_as(path, OpenOptions::new().read(true))
}

/// Writes a regular file anew, for its owner alone where it is `private`; it is made where there is none.
///
/// # Errors
/// It can't be written, or is something else than a file, links followed.
pub fn write(path: &Path, text: &str, private: bool) -> io::Result<()> {
    match path.metadata() {
        Ok(there) => insist(&there)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    if private {
        options.mode(0o600);
    }
    let mut file = open_as(path, &mut options)?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

/// Looks whether something else may read it: it is a regular file of at most `limit` bytes.
///
/// # Errors
/// It is not, or can't be opened.
pub fn check(path: &Path, limit: u64) -> io::Result<()> {
    match open(path)?.metadata()?.len() {
        length if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}

fn open_as(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = options.custom_flags(flags.bits()).open(path)?;
    insist(&file.metadata()?)?;
    Ok(file)
}

/// All that is in a regular file.
///
/// # Errors
/// As for [`open`]; and more than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// Copies a regular file, piece by piece for as long as it `goes_on`; returns its length.
///
/// # Errors
/// As for [`read`]; and `Interrupted`. What is there of the copy then stays.
pub fn copy(from: &Path, to: &Path, limit: u64, goes_on: &dyn Fn() -> bool) -> io::Result<u64> {
    let (mut from, mut to) = (open(from)?, File::create(to)?);
    let mut copied = 0;
    loop {
        if !goes_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let piece = io::copy(&mut (&mut from).take(PIECE), &mut to)?;
        copied += piece;
        if copied > limit {
            return Err(too_large(limit));
        }
        if piece == 0 {
            return Ok(copied);
        }
    }
}

/// The same as text.
///
/// # Errors
/// As for [`read`]; and bytes that are not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

fn too_large(limit: u64) -> io::Error {
    let message = format!("it is larger than {}", wording::bytes(limit));
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

fn insist(what: &Metadata) -> io::Result<()> {
    let kind = what.file_type();
    let told = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "it is a folder"
    } else if kind.is_fifo() {
        "it is a named pipe, not a file"
    } else if kind.is_socket() {
        "it is a socket, not a file"
    } else {
        "it is a device, not a file"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, told))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_files_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = write(&at("pipe"), "text", false).unwrap_err();
        assert_eq!(error.to_string(), "it is a named pipe, not a file");
        for text in ["longer", "short"] {
            write(&at("file"), text, true).unwrap();
            assert_eq!(fs::read_to_string(at("file")).unwrap(), text);
        }
        let mode = fs::metadata(at("file")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// None of them is waited for, which a test that hangs would tell.
    #[test]
    fn only_files_are_read_and_no_more_than_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        File::create(at("sparse"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let told = |path: &Path| match read(path, 5) {
            Ok(bytes) => format!("{} bytes", bytes.len()),
            Err(error) => error.to_string(),
        };
        let table = [
            (at("file"), "5 bytes"),
            (at("sparse"), "it is larger than 5 bytes"),
            (at("pipe"), "it is a named pipe, not a file"),
            (at("socket"), "it is a socket, not a file"),
            (at(""), "it is a folder"),
            ("/dev/zero".into(), "it is a device, not a file"),
            (at("nothing"), "No such file or directory (os error 2)"),
        ];
        for (path, expected) in table {
            assert_eq!(told(&path), expected, "{}", path.display());
        }
    }
}

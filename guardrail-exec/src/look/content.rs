//! What is in a file right now: where it lies, the digest of all of it, and how it begins.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Result as IoResult};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use guardrail_core::plan::Digest;
use sha2::{Digest as _, Sha256};

/// A file's path without symbolic links, the digest of its content, and the first `most` bytes.
pub(super) fn read(path: &Path, most: usize) -> Result<(String, Digest, Vec<u8>), String> {
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    // Whatever it has become meanwhile: opening must not wait for somebody to write.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(&path);
    let file = file.map_err(|error| error.to_string())?;
    if !file.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err("it is no file".to_owned());
    }
    let (digest, begin) = digest(file, most).map_err(|error| error.to_string())?;
    let path = path.into_os_string().into_string().map_err(|_| "its path is no UTF-8".to_owned())?;
    Ok((path, digest, begin))
}

fn digest(mut file: File, most: usize) -> IoResult<(Digest, Vec<u8>)> {
    let mut hash = Sha256::new();
    let mut begin = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((Digest::from_bytes(hash.finalize().into()), begin));
        }
        hash.update(bytes);
        let room = most.saturating_sub(begin.len());
        begin.extend(bytes.iter().take(room));
    }
}

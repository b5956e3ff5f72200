//! Small files of settings: read whole, or not at all.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// The most bytes that a file of settings may have.
const MOST: u64 = 4 << 20;

/// A file's text; `None` where there is no such file.
///
/// # Errors
///
/// Why it cannot be read, in a sentence. A pipe or a device is never opened to the point where it
/// could wait or act.
pub(super) fn text(path: &Path) -> Result<Option<String>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()).map_err(std::io::Error::from) {
        Ok(file) => File::from(file),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(&error)),
    };
    if !file.metadata().map_err(|error| failed(&error))?.is_file() {
        return Err(failed(&"it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MOST {
        return Err(failed(&"it is too long for settings"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| failed(&"it is not UTF-8"))
}

/// Sections of a file in the manner of INI: calls `each` with a section's header, without its
/// brackets, a key in small letters, and its value.
pub(super) fn settings<'t>(text: &'t str, mut each: impl FnMut(&'t str, &str, &'t str)) {
    let mut section = "";
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            section = header.split_once(']').map_or("", |(header, _)| header.trim());
        } else if let Some((key, value)) = line.split_once('=') {
            each(section, &key.trim().to_ascii_lowercase(), value.trim());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_some_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert_eq!(text(&path), Ok(None));
        assert_eq!(text(&path.join("below")), Ok(None));
        std::fs::write(&path, "a = b").unwrap();
        assert_eq!(text(&path), Ok(Some("a = b".to_owned())));
        assert_eq!(text(&path.join("below-a-file")), Ok(None));
        std::fs::write(&path, b"\xff").unwrap();
        assert!(text(&path).unwrap_err().ends_with("it is not UTF-8"));
        std::fs::write(&path, vec![b' '; (MOST + 1) as usize]).unwrap();
        assert!(text(&path).unwrap_err().ends_with("too long for settings"));
        assert!(text(folder.path()).unwrap_err().ends_with("it is no file"));
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(text(&pipe).unwrap_err().ends_with("it is no file"));
    }

    #[test]
    fn settings_have_sections() {
        let mut found = Vec::new();
        let text = "top = 1\n[a \"b\"] # c\n Key =  v = w\n# x = y\n;x=y\nnothing\n[open\nk=v";
        settings(text, |section, key, value| found.push((section, key.to_owned(), value)));
        let expected = [("", "top", "1"), ("a \"b\"", "key", "v = w"), ("", "k", "v")];
        assert_eq!(found, expected.map(|(section, key, value)| (section, key.to_owned(), value)));
    }
}

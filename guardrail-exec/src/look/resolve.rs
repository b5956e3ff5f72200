//! From names to files: programs on `PATH`, scripts and their interpreters, with the digests of what
//! is in them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use guardrail_core::lower::is_builtin;
use guardrail_core::plan::{FileRole, PinnedFile, Pins};
use guardrail_core::{EffectKind, Evaluation, Scope};

use crate::look::content;

/// How many interpreters may stand behind one another; the system itself allows fewer.
const MOST_INTERPRETERS: u32 = 5;
/// How much of a first line is looked at, as the system does.
const FIRST_LINE: usize = 256;

/// Finds the files that names stand for, and pins them.
pub(super) struct Finder<'f> {
    cwd: &'f Path,
    search: &'f str,
    pins: &'f mut Pins,
}

impl<'f> Finder<'f> {
    /// For names that are used in a directory, with a `PATH`.
    pub(super) const fn new(cwd: &'f Path, search: &'f str, pins: &'f mut Pins) -> Self {
        Self { cwd, search, pins }
    }

    /// A program that has to be there.
    pub(super) fn program(&mut self, role: FileRole, name: &str) {
        match self.find(name) {
            Some(path) => self.pin(role, name, &path, 0),
            None if name.contains('/') => self.unpinned(name, "there is no such file"),
            None => self.unpinned(name, "it is not on PATH"),
        }
    }

    /// What an evaluation found further in: programs that are started, files that are read as code.
    ///
    /// Inside of a shell a bare name that is no file may be a function: should it become a file
    /// later, that is another list of files, and so it is noticed.
    pub(super) fn inside(&mut self, evaluation: &Evaluation, shell: bool) {
        for (place, invocation) in evaluation.invocations.iter().enumerate() {
            let Some(Some(name)) = invocation.argv.first() else { continue };
            // The program itself is pinned already.
            if name.is_empty() || (!shell && place == 0) {
                continue;
            }
            if !name.contains('/') {
                // A builtin runs before any file of its name.
                if (shell || invocation.parent.is_some()) && is_builtin(name.as_bytes()) {
                    continue;
                }
                if let Some(path) = self.find(name) {
                    self.pin(FileRole::Inner, name, &path, 0);
                }
                continue;
            }
            self.program(FileRole::Inner, name);
        }
        for effect in &evaluation.effects {
            let here = matches!(effect.scope, Scope::Local | Scope::Repository);
            if effect.kind != EffectKind::Execute || !here {
                continue;
            }
            let Some(name) = effect.target.as_deref().filter(|name| !name.is_empty()) else { continue };
            let path = self.cwd.join(name);
            if path.exists() {
                self.pin(FileRole::Script, name, &path, 0);
            } else if name.contains('/') {
                self.unpinned(name, "there is no such file");
            }
        }
    }

    /// The file that would be run for a name.
    fn find(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(self.cwd.join(name)).filter(|path| path.exists());
        }
        let here = |folder: &str| self.cwd.join(if folder.is_empty() { "." } else { folder }).join(name);
        self.search.split(':').map(here).find(|path| is_executable(path))
    }

    fn pin(&mut self, role: FileRole, name: &str, path: &Path, depth: u32) {
        let known = |file: &PinnedFile| file.role == role && file.name == name;
        if self.pins.files.iter().any(known) {
            return;
        }
        match content::read(path, FIRST_LINE) {
            Ok((path, digest, line)) => {
                self.pins.files.push(PinnedFile { role, name: name.to_owned(), path, digest });
                if depth < MOST_INTERPRETERS {
                    self.interpreter(&line, depth);
                }
            }
            Err(reason) => self.unpinned(name, &reason),
        }
    }

    /// What a first line names: the interpreter, and whatever that starts by name.
    fn interpreter(&mut self, line: &[u8], depth: u32) {
        let Some(line) = line.strip_prefix(b"#!") else { return };
        let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next().unwrap_or_default());
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { return };
        let path = self.cwd.join(first);
        self.pin(FileRole::Interpreter, first, &path, depth + 1);
        // The first word behind it that is neither a flag nor a variable could be a program on
        // PATH, as behind `env`. Pinning it harms nothing where it is not.
        let next = words.find(|word| !word.starts_with('-') && !word.contains('='));
        if let Some(name) = next
            && let Some(path) = self.find(name)
        {
            self.pin(FileRole::Interpreter, name, &path, depth + 1);
        }
    }

    fn unpinned(&mut self, name: &str, reason: &str) {
        let entry = (name.to_owned(), reason.to_owned());
        if !self.pins.unpinned.contains(&entry) {
            self.pins.unpinned.push(entry);
        }
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

//! The last look: opens everything that was pinned, compares it with what was approved, and holds
//! on to it, so that what runs is what was compared.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::Action;
use guardrail_core::plan::{Achieved, Digest, FileRole, Permit, PinnedFile, Pins};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use sha2::{Digest as _, Sha256};

/// Whether a program is run from a copy that nobody can write to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sealing {
    /// Where its file could be written to by the account that runs it. A program that only the
    /// system's administrator can write to is run from its file, which is held open: so it finds
    /// the files that belong to it.
    #[default]
    Writable,
    /// Always. Programs that look for their own files beside themselves (by `/proc/self/exe` or
    /// `$ORIGIN`) may not find them, and set-user-ID programs are refused.
    Always,
}

/// What a command will be started from.
#[derive(Debug)]
pub(super) struct Held {
    /// The program or the shell.
    pub(super) program: Program,
    /// The working directory.
    pub(super) directory: OwnedFd,
    /// How surely the program is what was compared.
    pub(super) sealed: Achieved,
    /// The same for scripts, where there are any.
    pub(super) scripts: Option<Achieved>,
}

/// Where the program is started from.
#[derive(Debug)]
pub(super) enum Program {
    /// A file that is held open.
    Open(OwnedFd),
    /// A path: a script whose interpreter has to find it by name.
    Named(PathBuf),
}

/// Compares the world with what was approved, and holds on to what was compared.
///
/// # Errors
///
/// What differs, in a sentence each.
pub(super) fn hold(permit: &Permit, sealing: Sealing) -> Result<Held, Vec<String>> {
    let pins = permit.pins();
    let mut drift = environment(permit);
    let directory = directory(permit).map_err(|sentence| drift.push(sentence)).ok();
    let mut program = None;
    let mut scripts = None;
    // The program last, so that as little time as possible passes until it runs.
    let main = main_pin(permit).map_err(|sentence| drift.push(sentence)).ok();
    for pin in pins.files.iter().filter(|pin| Some(*pin) != main) {
        match compare(pin, permit, false) {
            Ok(Compared { protected, .. }) => {
                if matches!(pin.role, FileRole::Script | FileRole::Document) {
                    let so_far = *scripts.get_or_insert(true);
                    scripts = Some(so_far && protected);
                }
            }
            Err(sentence) => drift.push(sentence),
        }
    }
    if let Some(pin) = main {
        match compare(pin, permit, true).and_then(|compared| seal(compared, pin, sealing)) {
            Ok(held) => program = Some(held),
            Err(sentence) => drift.push(sentence),
        }
    }
    let (Some(directory), Some((program, sealed)), true) = (directory, program, drift.is_empty()) else {
        return Err(drift);
    };
    let scripts = scripts.map(|protected| {
        if protected {
            Achieved::Full("only the administrator can write to them".to_owned())
        } else {
            Achieved::Partial("compared right before the start, and then opened by name".to_owned())
        }
    });
    Ok(Held { program, directory, sealed, scripts })
}

/// The pin of what is started itself.
fn main_pin(permit: &Permit) -> Result<&PinnedFile, String> {
    let files = &permit.pins().files;
    let found = match permit.action() {
        Action::Argv(words) => {
            files.iter().find(|pin| pin.role == FileRole::Program && Some(&pin.name) == words.first())
        }
        Action::Shell(_) => files.iter().find(|pin| pin.role == FileRole::Shell),
        Action::Call { .. } => None,
    };
    found.ok_or_else(|| "the program that would run was not pinned when it was approved".to_owned())
}

/// Compares variables that come from this machine with their approved values.
fn environment(permit: &Permit) -> Vec<String> {
    let pinned = &permit.pins().environment;
    let mut drift = Vec::new();
    for (name, value) in permit.environment() {
        if pinned.get(name) != Some(value) {
            drift.push(format!("the environment variable {name} is not as the command sets it"));
        }
    }
    for name in permit.inherit().iter().filter(|name| !permit.environment().contains_key(*name)) {
        if let Some(value) = std::env::var_os(name)
            && pinned.get(name).map(std::ffi::OsString::from) != Some(value)
        {
            drift.push(format!("the environment variable {name} has changed"));
        } else if std::env::var_os(name).is_none() && pinned.contains_key(name) {
            drift.push(format!("the environment variable {name} is gone"));
        }
    }
    drift
}

fn directory(permit: &Permit) -> Result<OwnedFd, String> {
    let pin = permit.directory().ok_or("the working directory was not pinned when it was approved")?;
    if pin.name != permit.cwd() {
        return Err("the working directory is not the one that was pinned".to_owned());
    }
    let path = Path::new(&pin.name);
    let found = path.canonicalize().map_err(|error| format!("{}: {error}", pin.name))?;
    if found != Path::new(&pin.path) {
        return Err(format!("{} is now {}, and was {}", pin.name, found.display(), pin.path));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let opened =
        rustix::fs::open(&found, flags, Mode::empty()).map_err(|error| format!("{}: {error}", pin.name))?;
    let stat = rustix::fs::fstat(&opened).map_err(|error| format!("{}: {error}", pin.name))?;
    if (pin.device, pin.inode) != (Some(stat.st_dev), Some(stat.st_ino)) {
        return Err(format!("{} is another directory than it was", pin.name));
    }
    Ok(opened)
}

/// A file that is what it was.
struct Compared {
    file: File,
    /// Where it stands, under the name by which it was found: a script may ask how it was called.
    called: PathBuf,
    /// Its content, where that was asked for.
    content: Vec<u8>,
    /// Whether nobody but the administrator can write to it, and this process is not run by them.
    protected: bool,
    /// Whether it carries rights of its own, which a copy would lose.
    privileged: bool,
    /// Whether only the administrator can write to it.
    system: bool,
}

fn compare(pin: &PinnedFile, permit: &Permit, keep: bool) -> Result<Compared, String> {
    let gone = || format!("{} is no longer there", pin.name);
    let found = find(pin, permit.pins(), permit.cwd()).ok_or_else(gone)?;
    let path = found.canonicalize().map_err(|_| gone())?;
    let folder = found.parent().and_then(|folder| folder.canonicalize().ok());
    let called =
        folder.zip(found.file_name()).map_or_else(|| path.clone(), |(folder, name)| folder.join(name));
    if path != Path::new(&pin.path) {
        return Err(format!("{} is now {}, and was {}", pin.name, path.display(), pin.path));
    }
    let failed = |error: std::io::Error| format!("{}: {error}", pin.path);
    // Whatever it has become meanwhile, opening it must not wait.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut file =
        File::from(rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| failed(error.into()))?);
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(format!("{} is no longer a file", pin.path));
    }
    let mut content = Vec::new();
    let digest = if keep {
        content.reserve(usize::try_from(metadata.len()).unwrap_or_default().min(MOST_SEALED));
        digest(&mut file, Some(&mut content))
    } else {
        digest(&mut file, None)
    };
    if digest.map_err(failed)? != pin.digest {
        return Err(format!("{} has changed", pin.path));
    }
    let mode = metadata.permissions().mode();
    let system = metadata.uid() == 0 && mode & 0o022 == 0;
    Ok(Compared {
        file,
        called,
        content,
        protected: system && !rustix::process::geteuid().is_root(),
        privileged: mode & 0o6000 != 0,
        system,
    })
}

/// The most bytes of a program that are held in memory; a larger one is run from its file.
const MOST_SEALED: usize = 512 << 20;

/// SHA-256 of all that is left to read, which is kept up to the most that is ever sealed.
fn digest(file: &mut File, mut keep: Option<&mut Vec<u8>>) -> std::io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Digest::from_bytes(hash.finalize().into()));
        }
        hash.update(bytes);
        if let Some(kept) = keep.as_deref_mut()
            && kept.len() <= MOST_SEALED
        {
            kept.extend_from_slice(bytes);
        }
    }
}

/// Where a pinned name leads now.
fn find(pin: &PinnedFile, pins: &Pins, cwd: &str) -> Option<PathBuf> {
    let by_path =
        pin.name.contains('/') || matches!(pin.role, FileRole::Script | FileRole::Shell | FileRole::Document);
    if by_path {
        Some(Path::new(cwd).join(&pin.name))
    } else {
        let search = pins.environment.get("PATH").map_or("", String::as_str);
        let here =
            |folder: &str| Path::new(cwd).join(if folder.is_empty() { "." } else { folder }).join(&pin.name);
        search.split(':').map(here).find(|path| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
    }
}

fn seal(compared: Compared, pin: &PinnedFile, sealing: Sealing) -> Result<(Program, Achieved), String> {
    let Compared { file, called, content, protected, privileged, system } = compared;
    if content.starts_with(b"#!") {
        // The interpreter finds it by name, and many a script asks for its own.
        let achieved = if protected {
            Achieved::Full("only the administrator can write to it".to_owned())
        } else {
            Achieved::Partial("a script, compared right before the start and then opened by name".to_owned())
        };
        return Ok((Program::Named(called), achieved));
    }
    let origin = || memchr::memmem::find(&content, b"$ORIGIN").is_some();
    let reason = if content.len() > MOST_SEALED {
        Some("it is too large to be copied")
    } else if privileged {
        Some("it has rights of its own, which a copy would not have")
    } else if sealing == Sealing::Writable && system {
        Some("only the administrator can write to it")
    } else if sealing == Sealing::Writable && origin() {
        Some("it looks for libraries beside itself, which a copy would not find")
    } else {
        None
    };
    let Some(reason) = reason else {
        let copy = copy(&content).map_err(|error| format!("{} cannot be sealed: {error}", pin.path))?;
        return Ok((Program::Open(copy), Achieved::Full("run from a sealed copy".to_owned())));
    };
    if sealing == Sealing::Always {
        return Err(format!("{} cannot be run from a sealed copy: {reason}", pin.path));
    }
    let how = format!("run from its file, held open; {reason}");
    let achieved = if protected { Achieved::Full(how) } else { Achieved::Partial(how) };
    Ok((Program::Open(file.into()), achieved))
}

/// A file in memory that nobody can write to any more.
pub(super) fn copy(content: &[u8]) -> std::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag that says that it may be executed.
    let memory = rustix::fs::memfd_create("guardrail", flags | MemfdFlags::EXEC)
        .or_else(|_| rustix::fs::memfd_create("guardrail", flags))?;
    let mut file = File::from(memory);
    file.write_all(content)?;
    file.rewind()?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    // What is open for writing cannot be executed; this descriptor is for reading alone.
    use std::os::fd::AsRawFd as _;
    let again = format!("/proc/thread-self/fd/{}", file.as_raw_fd());
    let reading = rustix::fs::open(again, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(reading)
}

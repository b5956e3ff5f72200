//! Who works on what: one runner for each plan, and one plan at a time for each resource.
//!
//! Claims keep plans out of each other's way; they are no protection. What protects is the log,
//! where of two that would do the same thing only one gets its permit.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use guardrail_core::plan::{Digest, Part, Revision};
use guardrail_core::{EffectKind, Scope};

/// One thing that a plan works on, as a path of names: a claim on it is one on all below it.
pub type Resource = Vec<String>;

/// Keeps plans apart.
pub trait Claims: Send + Sync {
    /// Takes resources for a plan, for as long as what it gives is kept: all of them or none.
    ///
    /// # Errors
    ///
    /// [`Taken`] where one of them, something around it or something in it is held.
    fn claim(&self, holder: &str, resources: &[Resource]) -> Result<Held, Taken>;
}

/// Something that is given back when it is dropped.
pub type Held = Box<dyn Send>;

/// Why a claim was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Taken {
    /// Another plan has it.
    #[error("{resource} is held by {by}")]
    By {
        /// What.
        resource: String,
        /// By which plan, as far as that can be told.
        by: String,
    },
    /// It cannot be found out.
    #[error("claims cannot be made: {0}")]
    Unavailable(#[from] io::Error),
}

/// Claims within this process.
#[derive(Clone, Debug, Default)]
pub struct MemoryClaims(Arc<Mutex<BTreeMap<Resource, String>>>);

struct InMemory(MemoryClaims, Vec<Resource>);

impl Claims for MemoryClaims {
    fn claim(&self, holder: &str, resources: &[Resource]) -> Result<Held, Taken> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let overlaps = |one: &Resource, other: &Resource| one.starts_with(other) || other.starts_with(one);
        for resource in resources {
            let held = all.iter().find(|(held, _)| overlaps(held, resource));
            if let Some((held, by)) = held {
                return Err(Taken::By { resource: held.join("/"), by: by.clone() });
            }
        }
        all.extend(resources.iter().map(|resource| (resource.clone(), holder.to_owned())));
        Ok(Box::new(InMemory(self.clone(), resources.to_vec())))
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in &self.1 {
            all.remove(resource);
        }
    }
}

/// Claims among all processes that use the same directory, by locks that the system gives back
/// whatever becomes of a process.
#[derive(Clone, Debug)]
pub struct FileClaims {
    directory: PathBuf,
}

struct OnDisk(Vec<(PathBuf, File, bool)>);

impl FileClaims {
    /// Claims in a directory, which is made where there is none; its parent must exist.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub fn open(directory: &Path) -> io::Result<Self> {
        match std::fs::DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(Self { directory: directory.to_owned() }),
        }
    }

    /// Locks the file of a resource, alone or with others.
    fn lock(&self, resource: &[String], alone: bool, holder: &str) -> Result<(PathBuf, File), Taken> {
        let name = Digest::of_text("guardrail claim 1", &resource.join("\0"));
        let path = self.directory.join(name.to_string());
        loop {
            let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow);
            let mut file = options.open(&path)?;
            match if alone { file.try_lock() } else { file.try_lock_shared() } {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) => {
                    let mut by = String::new();
                    // It is only for people, and may be empty or old.
                    let _ = (&mut file).take(256).read_to_string(&mut by);
                    let by = if by.is_empty() { "another plan".to_owned() } else { by };
                    return Err(Taken::By { resource: resource.join("/"), by });
                }
            }
            // Whoever held it may have removed the file meanwhile.
            let (ours, named) = (file.metadata()?, std::fs::symlink_metadata(&path));
            if !named.is_ok_and(|named| named.ino() == ours.ino() && named.dev() == ours.dev()) {
                continue;
            }
            if alone {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(holder.as_bytes())?;
            }
            return Ok((path, file));
        }
    }
}

impl Claims for FileClaims {
    fn claim(&self, holder: &str, resources: &[Resource]) -> Result<Held, Taken> {
        // What lies around a resource is locked with others, itself alone.
        let mut wanted: BTreeMap<&[String], bool> = BTreeMap::new();
        for resource in resources {
            for length in 1..resource.len() {
                if let Some(around) = resource.get(..length) {
                    wanted.entry(around).or_insert(false);
                }
            }
            wanted.insert(resource, true);
        }
        let covered = |resource: &[String]| {
            (1..resource.len())
                .filter_map(|length| resource.get(..length))
                .any(|around| resources.iter().any(|claimed| claimed.as_slice() == around))
        };
        let mut held = OnDisk(Vec::new());
        for (resource, alone) in &wanted {
            // Its own claim around it would be in the way.
            if !covered(resource) {
                let (path, file) = self.lock(resource, *alone, holder)?;
                held.0.push((path, file, *alone));
            }
        }
        Ok(Box::new(held))
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        for (path, file, alone) in &self.0 {
            if *alone {
                // Under the lock, and so it is nobody else's. What is left of it harms nothing.
                let _ = std::fs::remove_file(path);
            }
            // A process that is just being started has the same descriptor until its program runs.
            let _ = file.unlock();
        }
    }
}

/// The resource that stands for a plan itself.
pub(super) fn plan(name: &str) -> Vec<Resource> {
    vec![vec!["plan".to_owned(), name.to_owned()]]
}

/// What a plan works on, as far as its effects say. Where they do not, it is all of a scope around
/// the directory: plans may then wait for each other for no reason.
pub(super) fn of_plan(revision: &Revision) -> Vec<Resource> {
    let mut found: Vec<Resource> = Vec::new();
    for prepared in revision.commands() {
        if !matches!(prepared.slot.part, Part::Action | Part::Rollback) {
            continue;
        }
        for effect in &prepared.evaluation.effects {
            use EffectKind::{NetworkIn, NetworkOut, Privilege, Read, ReadSecret};
            if matches!(effect.kind, Read | ReadSecret | NetworkIn | NetworkOut | Privilege) {
                continue;
            }
            let here = matches!(effect.scope, Scope::Local | Scope::Repository);
            let target = effect.target.as_deref().unwrap_or_default();
            let mut resource =
                vec![if here { Scope::Local.as_str() } else { effect.scope.as_str() }.to_owned()];
            if here {
                resource.extend(names(&prepared.cwd));
            }
            if target.starts_with('/') && here {
                resource.truncate(1);
            }
            for name in names(target) {
                match name.as_str() {
                    ".." if resource.len() > 1 => drop(resource.pop()),
                    ".." => {}
                    _ => resource.push(name),
                }
            }
            found.push(resource);
        }
    }
    found.sort();
    // What lies in another one is held with it.
    found.dedup_by(|later, earlier| later.starts_with(earlier));
    found
}

fn names(path: &str) -> impl Iterator<Item = String> {
    // A pattern stands for everything in its directory.
    let plain = |name: &&str| !name.contains(['*', '?', '[']);
    path.split('/').filter(|name| !name.is_empty() && *name != ".").take_while(plain).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> Resource {
        names(path).collect()
    }

    #[test]
    fn what_is_held_is_held_with_all_below_it() {
        let directory = tempfile::tempdir().unwrap();
        let files = FileClaims::open(&directory.path().join("claims")).unwrap();
        let all: [&dyn Claims; 2] = [&MemoryClaims::default(), &files];
        for claims in all {
            let one = claims.claim("one", &[resource("local/srv/app"), resource("cluster/api")]).unwrap();
            for taken in ["local/srv/app", "local/srv", "local", "local/srv/app/x/y", "cluster/api"] {
                let error = claims.claim("two", &[resource("free"), resource(taken)]).err().unwrap();
                assert!(matches!(&error, Taken::By { .. }), "{taken}: {error}");
                assert!(!error.to_string().contains("two"), "{error}");
            }
            let two = claims.claim("two", &[resource("local/srv/other"), resource("cluster/web")]).unwrap();
            assert!(claims.claim("three", &[resource("free")]).is_ok(), "nothing is kept of what failed");
            drop(one);
            let again = claims.claim("three", &[resource("local/srv/app"), resource("local/srv/app/x")]);
            assert!(again.is_ok());
            drop((two, again));
            assert!(claims.claim("four", &[resource("local")]).is_ok());
        }
    }

    #[test]
    fn what_is_given_back_is_free_while_another_process_starts() {
        let directory = tempfile::tempdir().unwrap();
        let claims = FileClaims::open(directory.path()).unwrap();
        for alone in [true, false] {
            let (path, file) = claims.lock(&resource("a"), alone, "one").unwrap();
            let copied = file.try_clone().unwrap();
            drop(OnDisk(vec![(path, file, alone)]));
            assert!(claims.claim("two", &[resource("a")]).is_ok(), "{alone}");
            drop(copied);
        }
    }

    #[test]
    fn another_process_that_died_holds_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let claims = FileClaims::open(directory.path()).unwrap();
        let held = claims.claim("dead", &[resource("a/b")]).unwrap();
        let by = claims.claim("other", &[resource("a/b")]).err().unwrap();
        assert_eq!(by.to_string(), "a/b is held by dead");
        // As the system does it for a process: the descriptor goes, the file stays.
        drop(held);
        let name = Digest::of_text("guardrail claim 1", "a\0b").to_string();
        std::fs::write(directory.path().join(name), "dead").unwrap();
        assert!(claims.claim("other", &[resource("a/b")]).is_ok());
    }
}

//! What the kernel tells of processes, under `/proc`.

use std::fs;

use rustix::process::Pid;

/// A process as it was a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pid: Pid,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// Whether it has ended and only waits for its parent to look.
    pub(super) dead: bool,
    pub(super) threads: u64,
    /// Bytes of memory that are its own at the moment, roughly.
    pub(super) memory: u64,
    /// Seconds of processor time that it has used, rounded down.
    pub(super) cpu: u64,
}

/// How a process is, if there is one.
pub(super) fn seen(pid: Pid) -> Option<Seen> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // Its name stands in parentheses, and may hold any of them itself.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The first of these is the third of the line.
    let number = |field: usize| fields.get(field.checked_sub(3)?)?.parse::<i64>().ok();
    let state = *fields.first()?;
    let small = |field: usize| i32::try_from(number(field)?).ok();
    let large = |field: usize| u64::try_from(number(field)?).ok();
    let page = rustix::param::page_size() as u64;
    let tick = rustix::param::clock_ticks_per_second().max(1);
    Some(Seen {
        pid,
        parent: small(4)?,
        group: small(5)?,
        session: small(6)?,
        dead: matches!(state, "Z" | "X" | "x"),
        threads: large(20)?,
        memory: large(24)?.saturating_mul(page),
        cpu: large(14)?.saturating_add(large(15)?) / tick,
    })
}

/// The children of a process, those that have ended among them.
pub(super) fn children(pid: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let Ok(threads) = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else { return found };
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(text.split_ascii_whitespace().filter_map(parse)),
            // The thread is gone, or the kernel was built without such lists.
            Err(_) if !lists() => return children_by_looking(pid),
            Err(_) => {}
        }
    }
    found
}

/// Whether the kernel lists children.
fn lists() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

fn children_by_looking(parent: Pid) -> Vec<Pid> {
    all()
        .into_iter()
        .filter(|pid| seen(*pid).is_some_and(|seen| seen.parent == parent.as_raw_pid()))
        .collect()
}

/// Every process there is.
pub(super) fn all() -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| parse(entry.file_name().to_str()?)).collect()
}

/// The hard limit for file locks, which the kernel keeps and nothing uses; `None` where there is
/// none, or no such process.
pub(super) fn mark(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max file locks"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn parse(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_a_wicked_name_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let wicked = directory.path().join(") Z 1 1");
        // A link, and not a copy: what another test starts meanwhile inherits the copy while it is
        // still open for writing, and such a program can't be run.
        std::os::unix::fs::symlink("/bin/sleep", &wicked).unwrap();
        let mut child = std::process::Command::new(&wicked).arg("60").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let own = rustix::process::getpid();
        let name = fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap();
        assert_eq!(name.trim_end(), ") Z 1 1");
        let found = seen(pid).unwrap();
        assert_eq!((found.parent, found.dead, found.threads), (own.as_raw_pid(), false, 1));
        // While it becomes the program it has none for a moment.
        while seen(pid).unwrap().memory == 0 {
            std::thread::yield_now();
        }
        assert!(children(own).contains(&pid) && children_by_looking(own).contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(seen(pid), None);
        assert!(!children(own).contains(&pid));
    }
}

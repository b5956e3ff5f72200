//! Where a path lies and what kind of file it is: workspace, home, system, device; secret,
//! start-up file. Decided on the path as written, links unresolved: what a link makes of it is
//! the executor's to check.

use std::cell::Cell;

use crate::effect::hidden;
use crate::effect::names::Names;
use crate::lower::{Lead, Origin, Value, Word};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) area: Area,
    /// The area itself, or all that is directly in it: `/`, `~`, `.`, `*`, `/etc`.
    pub(crate) whole: bool,
    /// Its content is a secret.
    pub(crate) secret: bool,
    /// Somewhere below it lie secrets: who reads all of it reads them.
    pub(crate) hoard: bool,
    /// It lies among programs, or where those who prepare a machine for an agent put its code: `/usr`, `/repo`.
    pub(crate) code: bool,
    /// Something runs it later without being asked: shell start files, cron, hooks, keys that
    /// open the door.
    pub(crate) startup: bool,
}

/// The part of the file system a path lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// `/dev/null` and the standard streams: nothing is touched.
    Stream,
    /// `/dev/tcp/...`: bash opens a connection.
    Network,
    /// Under the workspace.
    Workspace,
    /// A directory for temporary files.
    Temporary,
    /// Under a home directory.
    Home,
    /// A device.
    Device,
    /// Anywhere else: the system's.
    System,
    /// Cannot be known.
    Unknown,
}

/// What the request knows of the file system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View<'a> {
    pub(crate) cwd: Option<&'a [u8]>,
    pub(crate) workspace: Option<&'a [u8]>,
    pub(crate) home: Option<&'a [u8]>,
    /// How many names that globs found have been looked at: beyond a number, any may be a secret's.
    pub(crate) looks: Option<&'a Cell<u32>>,
}

impl Location {
    const fn of(area: Area) -> Self {
        Self { area, whole: false, secret: false, hoard: false, code: false, startup: false }
    }
}

/// Deepest path that is looked at; a deeper one lies where nobody looked.
const DEPTH: usize = 48;

/// Components of a path after `.` and `..` are resolved.
pub(super) struct Components<'p> {
    parts: [&'p [u8]; DEPTH],
    pub(super) len: usize,
    pub(super) root: Root,
    /// More `..` than there were components, from a relative start.
    escapes: bool,
    overflow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Absolute,
    Home,
    OtherHome,
    Relative,
}

impl<'p> Components<'p> {
    pub(super) fn new(root: Root) -> Self {
        Self { parts: [&[]; DEPTH], len: 0, root, escapes: false, overflow: false }
    }

    /// Adds a path of which nothing is unknown.
    pub(super) fn push(&mut self, path: &'p [u8]) {
        for part in path.split(|&b| b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => match self.len.checked_sub(1) {
                    Some(len) => self.len = len,
                    None => self.escapes |= self.root != Root::Absolute,
                },
                part => match self.parts.get_mut(self.len) {
                    Some(slot) => {
                        *slot = part;
                        self.len += 1;
                    }
                    None => self.overflow = true,
                },
            }
        }
    }

    /// `/proc/PID/root/x` is `/x`, and `/proc/self/cwd/x` is `x`.
    pub(super) fn through_proc(&mut self, view: &View<'p>) {
        if self.root != Root::Absolute {
            return;
        }
        let skip = match self.as_slice() {
            [b"proc", _, b"task", _, b"root" | b"cwd", ..] => 5,
            [b"proc", _, b"root" | b"cwd", ..] => 3,
            _ => return,
        };
        let Some(rest) = self.parts.get(skip..self.len) else { return };
        let mut whole = Self::new(Root::Absolute);
        // Where another process stands, nobody knows: services stand at the root.
        let own = matches!(self.parts.get(1), Some(&(b"self" | b"thread-self")));
        if own && self.parts.get(skip - 1) == Some(&&b"cwd"[..]) {
            match view.cwd {
                Some(cwd) => whole.push(cwd),
                None => whole.root = Root::Relative,
            }
        }
        rest.iter().for_each(|part| whole.push(part));
        let again = matches!(whole.as_slice(), [b"proc", ..]);
        *self = whole;
        // `/proc/self/root/proc/self/root/x`: each turn is shorter.
        if again {
            self.through_proc(view);
        }
    }

    /// Whether it leads up from where it starts.
    pub(super) fn climbs(&self) -> bool {
        self.escapes && self.root == Root::Relative
    }

    pub(super) fn as_slice(&self) -> &[&'p [u8]] {
        self.parts.get(..self.len).unwrap_or_default()
    }

    /// Adds a word: its text from the root it names, or behind what is there.
    fn word(&mut self, word: &Word<'p>) -> bool {
        let text = word.pattern.unwrap_or(match word.value {
            Value::Known(text) => text,
            Value::Partial { prefix, suffix } if word.lead != Lead::Text || prefix.is_empty() => suffix,
            Value::Partial { prefix, .. } => prefix,
            Value::Unknown => b"",
        });
        match word.lead {
            Lead::Home => *self = Self::new(Root::Home),
            Lead::OtherHome => *self = Self::new(Root::OtherHome),
            Lead::WorkingDirectory => {}
            Lead::Text if text.first() == Some(&b'/') => *self = Self::new(Root::Absolute),
            Lead::Text => {}
        }
        self.push(text);
        // A path whose unknown piece came from outside may climb anywhere; one that a glob or a
        // directory walk fills in stays below what is written.
        let filled_below = word.pattern.is_some() || word.lead != Lead::Text || word.from.is_empty();
        // So does a name that a glob found, wherever it is used.
        let found =
            word.from.iter().all(|origin| matches!(origin, Origin::Files(..))) && !word.prefix().is_empty();
        // Nothing of `*` is known, but it stays in its directory.
        let glob = word.pattern.is_some() && word.from.is_empty();
        matches!(word.value, Value::Known(_))
            || found
            || (filled_below && (glob || !matches!(word.value, Value::Unknown)))
    }
}

/// Where the path in `word` lies, seen from `directory`.
pub(crate) fn locate(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> Location {
    let mut location = locate_written(word, directory, view);
    location.secret = location.secret || hidden::is_secret(word, directory, view);
    location
}

/// The same, of what is written alone.
pub(super) fn locate_written(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> Location {
    let mut path = Components::new(Root::Relative);
    let absolute = word.lead == Lead::Home
        || word.lead == Lead::OtherHome
        || word.pattern.unwrap_or(word.prefix()).first() == Some(&b'/');
    let mut known = true;
    if !absolute {
        if let Some(cwd) = view.cwd {
            path = Components::new(Root::Absolute);
            path.push(cwd);
        }
        known = path.word(directory);
    }
    let base = path.len;
    known &= path.word(word);
    let grown = path.len > base;
    if path.overflow {
        return Location { secret: true, ..Location::of(Area::Unknown) };
    }
    path.through_proc(view);
    let mut named = Names::of(&path, view, word.pattern.is_some());
    named.secret |= spells_secret(word, view);
    if !known {
        let (secret, startup) = (named.secret && grown, named.startup && grown);
        // Wherever that is, this lies above it.
        let mut climb = Components::new(Root::Relative);
        if !absolute && climb.word(word) && climb.escapes {
            return Location { secret, startup, ..area_of(&climb, view) };
        }
        // It may climb, but what is written already leads out of the workspace.
        let written = area_of(&path, view).area;
        let outside = absolute && matches!(written, Area::System | Area::Home | Area::Device);
        let area = if outside { written } else { Area::Unknown };
        let secret = secret || suffix_is_secret(word, view);
        return Location { secret, startup, ..Location::of(area) };
    }
    let partial =
        matches!(word.value, Value::Partial { .. }) && word.pattern.is_none() && word.lead == Lead::Text;
    let mut location = area_of(&path, view);
    location.secret |= named.secret || suffix_is_secret(word, view);
    location.startup = named.startup;
    let exact =
        matches!(word.value, Value::Known(_)) && (absolute || matches!(directory.value, Value::Known(_)));
    location.code = exact && location.area == Area::System && holds_code(&path);
    location.hoard = location.whole
        && (location.area == Area::Home || (location.area == Area::System && !(exact && is_barren(&path))))
        || location.area == Area::Home && holds_settings(&path);
    if partial && location.area == Area::Workspace {
        // Something below; a walk through a home or the system is as good as all of it.
        location.whole = false;
    }
    location
}

/// Whether a directory of a home is one in which programs of all kinds keep their settings and tokens.
fn holds_settings(path: &Components<'_>) -> bool {
    let parts = match (path.root, path.as_slice()) {
        (Root::Home | Root::OtherHome, parts)
        | (Root::Absolute, [b"root", parts @ ..] | [b"home" | b"Users", _, parts @ ..]) => parts,
        _ => return false,
    };
    let parts = parts.strip_suffix(&[&b"*"[..]]).unwrap_or(parts);
    matches!(
        parts,
        [b".config" | b".local" | b"AppData" | b"Library"]
            | [b".local", b"share"]
            | [b"Library", b"Application Support" | b"Preferences"]
            | [b"AppData", b"Local" | b"Roaming"]
    )
}

/// Whether a directory right below the root is none of those that hold secrets by their nature: one
/// of programs (`/usr`), or one that somebody made (`/srv`, `/repo`).
fn is_barren(path: &Components<'_>) -> bool {
    let hoard = |name: &[u8]| HOARDS.iter().any(|hoard| name.eq_ignore_ascii_case(hoard));
    let plain = |name: &[u8]| {
        name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    path.root == Root::Absolute
        && matches!(path.as_slice(), [name] | [name, b"*"] if plain(name) && !hoard(name))
}

/// Whether a path leads to code by all appearance, and through nothing that is called after settings or people.
fn holds_code(path: &Components<'_>) -> bool {
    let [root, below @ ..] = path.as_slice() else { return false };
    path.root == Root::Absolute
        && CODE.contains(root)
        && !below.iter().any(|part| {
            NOT_CODE.contains(part)
                || part.windows(6).any(|six| matches!(six, b"backup" | b"privat" | b"secret"))
        })
}

/// Directories of the root in which code lies.
const CODE: &[&[u8]] = &[
    b"app",
    b"bin",
    b"build",
    b"code",
    b"lib",
    b"lib64",
    b"project",
    b"projects",
    b"repo",
    b"repos",
    b"sandbox",
    b"sbin",
    b"src",
    b"testbed",
    b"usr",
    b"workspace",
    b"workspaces",
];

/// Directories below those in which something else lies.
const NOT_CODE: &[&[u8]] = &[
    b"auth",
    b"certs",
    b"conf",
    b"conf.d",
    b"config",
    b"creds",
    b"credentials",
    b"etc",
    b"home",
    b"keys",
    b"people",
    b"ssl",
    b"u",
    b"users",
    b"var",
];

/// What lies in them are the settings, homes, states and disks of a whole machine, perhaps of another one.
const HOARDS: &[&[u8]] = &[
    b"etc", b"home", b"root", b"var", b"run", b"proc", b"sys", b"dev", b"mnt", b"media", b"tmp", b"host",
    b"hostfs", b"rootfs", b"backup", b"backups", b"private", b"Users", b"Library", b"System", b"Volumes",
    b"c", b"d",
];

/// Whether a pattern that no shell expands, but the program may, names a secret beside its stars (`git log -- '.env*'`).
fn spells_secret(word: &Word<'_>, view: &View<'_>) -> bool {
    let Some(text) = word.as_known().filter(|text| text.contains(&b'*')) else { return false };
    let spelled: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'*').collect();
    let mut path = Components::new(Root::Relative);
    path.push(&spelled);
    Names::of(&path, view, false).secret
}

/// Whether what is known of the end of a word names a secret (`/proc/$$/environ`).
fn suffix_is_secret(word: &Word<'_>, view: &View<'_>) -> bool {
    let Value::Partial { prefix, suffix } = word.value else { return false };
    let Some(slash) = suffix.iter().position(|&b| b == b'/') else { return false };
    // What it begins with may be no more than the root.
    if prefix.is_empty() && word.lead == Lead::Text && word.pattern.is_none() {
        let mut root = Components::new(Root::Absolute);
        root.push(suffix);
        if Names::of(&root, view, false).secret {
            return true;
        }
    }
    let mut end = Components::new(Root::Relative);
    end.push(suffix.get(slash..).unwrap_or_default());
    let process = prefix.starts_with(b"/proc/") && matches!(end.as_slice(), [.., b"environ" | b"mem"]);
    process || Names::of(&end, view, word.pattern.is_some()).secret
}

fn area_of(path: &Components<'_>, view: &View<'_>) -> Location {
    let parts = path.as_slice();
    let all = |parts: &[&[u8]]| matches!(parts, [] | [b"*" | b".*" | b"{*,.*}"]);
    match path.root {
        Root::Relative if path.escapes => Location { whole: all(parts), ..Location::of(Area::System) },
        Root::Relative => Location { whole: all(parts), ..Location::of(Area::Workspace) },
        Root::Home | Root::OtherHome if path.escapes => {
            Location { whole: true, ..Location::of(Area::System) }
        }
        Root::Home | Root::OtherHome => {
            let home = view.home.map(split);
            if let (Some(home), Some(workspace)) = (home, view.workspace)
                && path.root == Root::Home
            {
                let mut whole = Components::new(Root::Absolute);
                home.as_slice().iter().chain(parts).for_each(|part| whole.push(part));
                if let Some(location) = in_workspace(whole.as_slice(), workspace) {
                    return location;
                }
            }
            Location { whole: all(parts), ..Location::of(Area::Home) }
        }
        Root::Absolute => {
            if let Some(workspace) = view.workspace
                && let Some(location) = in_workspace(parts, workspace)
            {
                return location;
            }
            absolute(parts)
        }
    }
}

pub(super) fn split(path: &[u8]) -> Components<'_> {
    let mut components = Components::new(Root::Absolute);
    components.push(path);
    components
}

fn in_workspace(parts: &[&[u8]], workspace: &[u8]) -> Option<Location> {
    let root = split(workspace);
    let root = root.as_slice();
    // The file system's root, or a directory of the system's, is nobody's workspace.
    if root.is_empty() || absolute(root).area == Area::System && root.len() < 2 || absolute(root).whole {
        return None;
    }
    let rest = parts.strip_prefix(root)?;
    Some(Location { whole: matches!(rest, [] | [b"*" | b".*"]), ..Location::of(Area::Workspace) })
}

fn absolute(parts: &[&[u8]]) -> Location {
    let all = |rest: &[&[u8]]| matches!(rest, [] | [b"*"]);
    match parts {
        [b"dev", rest @ ..] => match rest {
            [
                b"null" | b"zero" | b"full" | b"random" | b"urandom" | b"stdin" | b"stdout" | b"stderr"
                | b"tty",
            ]
            | [b"fd"]
            | [b"fd", _] => Location::of(Area::Stream),
            // A descriptor may be a directory.
            [b"fd", ..] => Location { secret: true, ..Location::of(Area::Unknown) },
            [b"tcp" | b"udp", ..] => Location::of(Area::Network),
            [b"shm", rest @ ..] => Location { whole: all(rest), ..Location::of(Area::Temporary) },
            _ => Location { whole: all(rest), ..Location::of(Area::Device) },
        },
        [b"proc", b"self", b"fd"] | [b"proc", b"self", b"fd", _] => Location::of(Area::Stream),
        [b"proc", b"self", b"fd", ..] => Location { secret: true, ..Location::of(Area::Unknown) },
        [b"tmp", rest @ ..] | [b"var", b"tmp", rest @ ..] | [b"private", b"tmp", rest @ ..] => {
            Location { whole: all(rest), ..Location::of(Area::Temporary) }
        }
        [b"root", rest @ ..] | [b"home" | b"Users", _, rest @ ..]
            if parts.len() > 1 || parts == [b"root"] =>
        {
            let everybody = matches!(parts, [b"home" | b"Users", b"*"]);
            if everybody {
                return Location { whole: true, ..Location::of(Area::System) };
            }
            Location { whole: all(rest), ..Location::of(Area::Home) }
        }
        // The first two levels of the system tree are too much to lose at once.
        _ => Location { whole: parts.len() <= 1 || matches!(parts, [_, b"*"]), ..Location::of(Area::System) },
    }
}

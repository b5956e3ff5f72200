//! Where a path lies and what kind of file it is: workspace, home, system, device; secret,
//! start-up file. Decided on the path as written, links unresolved: what a link makes of it is
//! the executor's to check.

use crate::lower::{Lead, Value, Word};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) area: Area,
    /// The area itself, or all that is directly in it: `/`, `~`, `.`, `*`, `/etc`.
    pub(crate) whole: bool,
    /// Its content is a secret.
    pub(crate) secret: bool,
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
}

impl Location {
    const fn of(area: Area) -> Self {
        Self { area, whole: false, secret: false, startup: false }
    }
}

/// Deepest path that is looked at; a deeper one lies where nobody looked.
const DEPTH: usize = 48;

/// Components of a path after `.` and `..` are resolved.
struct Components<'p> {
    parts: [&'p [u8]; DEPTH],
    len: usize,
    root: Root,
    /// More `..` than there were components, from a relative start.
    escapes: bool,
    overflow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Absolute,
    Home,
    OtherHome,
    Relative,
}

impl<'p> Components<'p> {
    fn new(root: Root) -> Self {
        Self { parts: [&[]; DEPTH], len: 0, root, escapes: false, overflow: false }
    }

    fn push(&mut self, path: &'p [u8]) {
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

    fn as_slice(&self) -> &[&'p [u8]] {
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
        // Nothing of `*` is known, but it stays in its directory.
        let glob = word.pattern.is_some() && word.from.is_empty();
        matches!(word.value, Value::Known(_))
            || (filled_below && (glob || !matches!(word.value, Value::Unknown)))
    }
}

/// Where the path in `word` lies, seen from `directory`.
pub(crate) fn locate(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> Location {
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
    let named = Names::of(&path, view, word.pattern.is_some());
    if !known {
        // Wherever that is, this lies above it.
        let mut climb = Components::new(Root::Relative);
        if !absolute && climb.word(word) && climb.escapes {
            let location = area_of(&climb, view);
            return Location { secret: named.secret && grown, startup: named.startup && grown, ..location };
        }
        let secret = named.secret && grown;
        return Location { secret, startup: named.startup && grown, ..Location::of(Area::Unknown) };
    }
    let partial =
        matches!(word.value, Value::Partial { .. }) && word.pattern.is_none() && word.lead == Lead::Text;
    let mut location = area_of(&path, view);
    location.secret = named.secret;
    location.startup = named.startup;
    if partial && location.area == Area::Workspace {
        // Something below; a walk through a home or the system is as good as all of it.
        location.whole = false;
    }
    location
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

fn split(path: &[u8]) -> Components<'_> {
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
            | [b"fd", ..] => Location::of(Area::Stream),
            [b"tcp" | b"udp", ..] => Location::of(Area::Network),
            [b"shm", rest @ ..] => Location { whole: all(rest), ..Location::of(Area::Temporary) },
            _ => Location { whole: all(rest), ..Location::of(Area::Device) },
        },
        [b"proc", b"self", b"fd", ..] => Location::of(Area::Stream),
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

/// What the names in a path say.
struct Names {
    secret: bool,
    startup: bool,
}

impl Names {
    fn of(path: &Components<'_>, view: &View<'_>, pattern: bool) -> Self {
        let parts = path.as_slice();
        // Under the directory the request itself stands in, only what is below counts.
        let skip = match (path.root, view.cwd) {
            (Root::Absolute, Some(cwd)) => {
                let cwd = split(cwd);
                if parts.starts_with(cwd.as_slice()) { cwd.len } else { 0 }
            }
            _ => 0,
        };
        let below = parts.get(skip..).unwrap_or_default();
        let absolute = path.root == Root::Absolute;
        let secret = below.iter().enumerate().any(|(i, part)| {
            let next = below.get(i + 1).copied();
            is_secret(part, next, i + 1 == below.len(), pattern)
        }) || (absolute && is_secret_system(parts, pattern));
        let startup = below.windows(2).any(|pair| matches!(pair, [a, b] if is_startup(a, b, pattern)))
            || below.last().is_some_and(|last| is_startup(b"", last, pattern))
            || (absolute && is_startup_system(parts));
        Self { secret, startup }
    }
}

/// A component against a name; as a glob where the word is one. A leading dot is only matched
/// by a pattern that begins with one.
fn named(part: &[u8], name: &[u8], pattern: bool) -> bool {
    if !pattern || !part.iter().any(|b| matches!(b, b'*' | b'?' | b'[')) {
        return part == name;
    }
    let dotted = name.first() == Some(&b'.') && !matches!(part.first(), Some(b'.' | b'['));
    !dotted && !is_kind(part) && wildcard(part, name)
}

/// `*`, and `*.json`: whatever there is of a kind, which asks for no secret.
fn is_kind(part: &[u8]) -> bool {
    const KINDS: &[&[u8]] = &[b"", b".json", b".toml", b".yaml", b".yml"];
    part.strip_prefix(b"*").is_some_and(|kind| KINDS.contains(&kind))
}

/// Shell patterns with `*`, `?` and bracket sets, the sets taken as any one character.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => pattern
                .get(p..)
                .and_then(|rest| rest.iter().skip(1).position(|&b| b == b']'))
                .map(|at| at + 2),
            Some(b) if text.get(t) == Some(b) => Some(1),
            _ => None,
        };
        match (step, retry.as_mut()) {
            (Some(step), _) => {
                p += step;
                t += 1;
            }
            (None, Some((after, from))) => {
                *from += 1;
                (p, t) = (*after, *from);
            }
            (None, None) => return false,
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|&b| b == b'*'))
}

/// Directories whose content is secret wherever they are.
const SECRET_DIRECTORIES: &[&[u8]] =
    &[b".ssh", b".gnupg", b".aws", b".azure", b".kube", b".password-store", b".oci", b".secrets", b"secrets"];

/// Files that are secret wherever they are.
const SECRET_FILES: &[&[u8]] = &[
    b".env",
    b".netrc",
    b"_netrc",
    b".pgpass",
    b".my.cnf",
    b".npmrc",
    b".pypirc",
    b".git-credentials",
    b".htpasswd",
    b".vault-token",
    b".dockercfg",
    b".boto",
    b".s3cfg",
    b".terraformrc",
    b".envrc",
    b"id_rsa",
    b"id_dsa",
    b"id_ecdsa",
    b"id_ed25519",
    b"id_ecdsa_sk",
    b"id_ed25519_sk",
    b"credentials",
    b"credentials.json",
    b"secrets.yml",
    b"secrets.yaml",
    b"secrets.json",
    b"secrets.toml",
    b"kubeconfig",
    b"wallet.dat",
    b"master.key",
    b"auth.json",
    b"application_default_credentials.json",
    b".bash_history",
    b".zsh_history",
    b".psql_history",
    b".mysql_history",
    b".python_history",
    b".node_repl_history",
    b"terraform.tfstate",
    b"terraform.tfstate.backup",
];

/// Endings of secret files.
const SECRET_ENDINGS: &[&[u8]] = &[
    b".key",
    b".p12",
    b".pfx",
    b".jks",
    b".keystore",
    b".kdbx",
    b".ppk",
    b".asc.key",
    b".kubeconfig",
    b".tfstate",
    b".ovpn",
    b".age-key",
];

/// Pairs of a directory and a file in it.
const SECRET_PAIRS: &[(&[u8], &[u8])] = &[
    (b".docker", b"config.json"),
    (b".config", b"gcloud"),
    (b"gh", b"hosts.yml"),
    (b".openclaw", b"openclaw.json"),
    (b".claude", b".credentials.json"),
    (b".codex", b"auth.json"),
    (b".cargo", b"credentials.toml"),
    (b".gem", b"credentials"),
    (b".m2", b"settings.xml"),
];

fn is_secret(part: &[u8], next: Option<&[u8]>, last: bool, pattern: bool) -> bool {
    // The commonest components begin with a letter that nothing below begins with.
    if SECRET_DIRECTORIES.iter().any(|name| named(part, name, pattern)) {
        // Public halves and host lists are no secrets.
        return !next.is_some_and(|next| {
            next.ends_with(b".pub") || matches!(next, b"known_hosts" | b"authorized_keys")
        });
    }
    if let Some(next) = next
        && SECRET_PAIRS
            .iter()
            .any(|(directory, file)| named(part, directory, pattern) && named(next, file, pattern))
    {
        return true;
    }
    if !last {
        return false;
    }
    if part.starts_with(b".env.") {
        return !matches!(
            part,
            b".env.example" | b".env.sample" | b".env.template" | b".env.dist" | b".env.defaults"
        );
    }
    if part.ends_with(b".pem") {
        // A certificate lies open; a key, and what could be one, does not.
        let open = |name: &[u8]| part.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name));
        return open(b"key")
            || ![&b"cert"[..], b"chain", b"ca", b"crt", b"pub"].iter().any(|name| open(name));
    }
    SECRET_FILES.iter().any(|name| named(part, name, pattern))
        || SECRET_ENDINGS.iter().any(|end| part.ends_with(end))
}

fn is_secret_system(parts: &[&[u8]], pattern: bool) -> bool {
    let is = |part: &[u8], name: &[u8]| named(part, name, pattern);
    match parts {
        [etc, file, ..] if is(etc, b"etc") => {
            [&b"shadow"[..], b"shadow-", b"gshadow", b"gshadow-", b"sudoers", b"sudoers.d", b"krb5.keytab"]
                .iter()
                .any(|name| is(file, name))
                || matches!(parts, [_, b"ssh", key] if key.starts_with(b"ssh_host_") && !key.ends_with(b".pub"))
                || matches!(parts, [_, b"kubernetes", b"pki" | b"admin.conf", ..])
        }
        [b"proc", _, what, ..] => is(what, b"environ") || is(what, b"mem"),
        [b"proc", b"kcore"] => true,
        [b"run" | b"var", b"secrets", ..]
        | [b"var", b"run", b"secrets", ..]
        | [b"var", b"lib", b"kubelet", ..] => true,
        _ => false,
    }
}

/// Files in home or workspace that something runs later.
const STARTUP_FILES: &[&[u8]] = &[
    b".bashrc",
    b".bash_profile",
    b".bash_login",
    b".bash_logout",
    b".bash_aliases",
    b".profile",
    b".zshrc",
    b".zshenv",
    b".zprofile",
    b".zlogin",
    b".zlogout",
    b".kshrc",
    b".cshrc",
    b".tcshrc",
    b".inputrc",
    b".xinitrc",
    b".xprofile",
    b".xsession",
    b".vimrc",
    b".exrc",
    b".emacs",
    b".gitconfig",
    b".tmux.conf",
    b".screenrc",
    b".gdbinit",
    b".envrc",
    b".npmrc",
    b".yarnrc",
    b".curlrc",
    b".wgetrc",
    b".pythonrc",
    b"authorized_keys",
    b"authorized_keys2",
    b".rhosts",
    b".mcp.json",
    b"sitecustomize.py",
    b"usercustomize.py",
    b"crontab",
];

/// Directories in home or workspace whose files something runs later.
const STARTUP_PAIRS: &[(&[u8], &[u8])] = &[
    (b".git", b"hooks"),
    (b".git", b"config"),
    (b".ssh", b"config"),
    (b".ssh", b"rc"),
    (b".config", b"autostart"),
    (b".config", b"systemd"),
    (b".config", b"fish"),
    (b".config", b"git"),
    (b".config", b"nvim"),
    (b"Library", b"LaunchAgents"),
    (b"Library", b"LaunchDaemons"),
    (b".claude", b"settings.json"),
    (b".claude", b"settings.local.json"),
    (b".claude", b"hooks"),
    (b".codex", b"config.toml"),
    (b".cursor", b"mcp.json"),
    (b".vscode", b"tasks.json"),
    (b".vscode", b"settings.json"),
];

fn is_startup(directory: &[u8], part: &[u8], pattern: bool) -> bool {
    if directory.is_empty() {
        return STARTUP_FILES.iter().any(|name| named(part, name, pattern));
    }
    STARTUP_PAIRS.iter().any(|(a, b)| named(directory, a, pattern) && named(part, b, pattern))
}

fn is_startup_system(parts: &[&[u8]]) -> bool {
    match parts {
        [b"etc", what, ..] => {
            what.starts_with(b"cron")
                || what.starts_with(b"profile")
                || what.starts_with(b"rc")
                || what.starts_with(b"ld.so")
                || matches!(
                    *what,
                    b"systemd"
                        | b"init.d"
                        | b"init"
                        | b"bash.bashrc"
                        | b"bashrc"
                        | b"zsh"
                        | b"environment"
                        | b"sudoers"
                        | b"sudoers.d"
                        | b"pam.d"
                        | b"passwd"
                        | b"shadow"
                        | b"group"
                        | b"ssh"
                        | b"apt"
                        | b"udev"
                )
        }
        [b"var", b"spool", b"cron", ..]
        | [b"usr" | b"lib", b"lib" | b"systemd", b"systemd" | b"system", ..] => true,
        _ => false,
    }
}

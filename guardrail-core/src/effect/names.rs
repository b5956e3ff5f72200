//! What the names in a path say: that a file holds secrets, or that something runs it later.

use crate::effect::place::{Components, Root, View, split};
use crate::effect::secret_places::{
    COPY_ENDINGS, SECRET_DIRECTORIES, SECRET_ENDINGS, SECRET_FILES, SECRET_PAIRS,
};

/// What the names in a path say.
pub(super) struct Names {
    pub(super) secret: bool,
    pub(super) startup: bool,
}

impl Names {
    pub(super) fn of(path: &Components<'_>, view: &View<'_>, pattern: bool) -> Self {
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
        let mut secret = absolute && is_secret_system(parts, pattern);
        let mut startup = loads_packages(below) || (absolute && is_startup_system(parts));
        let mut before = None;
        let mut rest = below.iter().map(|text| Part::of(text, pattern)).peekable();
        while let Some(part) = rest.next() {
            let next = rest.peek().copied();
            secret = secret || is_secret(part, next);
            startup = startup
                || before.is_some_and(|directory| is_startup_pair(directory, part))
                || (next.is_none() && part.is_any(STARTUP_FILES, &STARTUP_FILE));
            before = Some(part);
        }
        Self { secret, startup }
    }
}

/// A component of a path, and what it may be besides itself.
#[derive(Clone, Copy)]
struct Part<'p> {
    text: &'p [u8],
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A name, in either case: file systems that take either exist.
    Name,
    /// `*`, `**` and `*.json`: whatever there is of a kind, which asks for no secret.
    Kind,
    /// A pattern that asks for more than that.
    Pattern,
}

impl<'p> Part<'p> {
    fn of(text: &'p [u8], pattern: bool) -> Self {
        let shape = if !is_wild(text, pattern) {
            Shape::Name
        } else if is_kind(text) {
            Shape::Kind
        } else {
            Shape::Pattern
        };
        Self { text, shape }
    }

    fn is_wild(self) -> bool {
        self.shape != Shape::Name
    }

    /// Whether it is that name, or may match it.
    fn is(self, name: &[u8]) -> bool {
        match self.shape {
            Shape::Name => self.text.eq_ignore_ascii_case(name),
            Shape::Kind => false,
            Shape::Pattern => wildly_named(self.text, name),
        }
    }

    /// The same for all names of a table.
    fn is_any(self, names: &[&[u8]], firsts: &Firsts) -> bool {
        self.may_be(firsts) && names.iter().any(|name| self.is(name))
    }

    /// False where it is, and matches, no name of a table.
    fn may_be(self, firsts: &Firsts) -> bool {
        match self.shape {
            Shape::Name => firsts.may_hold(self.text),
            Shape::Kind => false,
            Shape::Pattern => firsts.may_end(self.text),
        }
    }
}

/// Whether a component is a pattern; also where the word is none, since shells with extended
/// patterns exist.
fn is_wild(part: &[u8], pattern: bool) -> bool {
    if pattern && part.iter().any(|b| matches!(b, b'*' | b'?' | b'[')) {
        return true;
    }
    part.contains(&b'(')
        && part.windows(2).any(|pair| matches!(pair, [b'@' | b'+' | b'?' | b'*' | b'!', b'(']))
}

/// A pattern that asks for more than a kind of files. A leading dot is only matched by one that begins with it.
fn wildly_named(part: &[u8], name: &[u8]) -> bool {
    let dotted = name.first() == Some(&b'.') && !matches!(part.first(), Some(b'.' | b'['));
    !dotted && may_match(part, name) && wildcard(part, name)
}

/// False where the first or the last byte already tells that a pattern does not match.
fn may_match(pattern: &[u8], text: &[u8]) -> bool {
    let fits = |one: Option<&u8>, other: Option<&u8>| match (one, other) {
        (Some(one), Some(other)) => !one.is_ascii_alphanumeric() || one.eq_ignore_ascii_case(other),
        _ => true,
    };
    fits(pattern.first(), text.first()) && fits(pattern.last(), text.last())
}

/// `*`, `**` and `*.json`: whatever there is of a kind, which asks for no secret.
fn is_kind(part: &[u8]) -> bool {
    const KINDS: &[&[u8]] =
        &[b"", b".conf", b".csv", b".ini", b".json", b".php", b".toml", b".txt", b".xml", b".yaml", b".yml"];
    let stars = part.iter().take_while(|byte| **byte == b'*').count();
    stars > 0 && part.get(stars..).is_some_and(|kind| KINDS.contains(&kind))
}

/// Shell patterns with `*`, `?` and bracket sets.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    // Sets with classes or escapes in them, and extended patterns, may be anything.
    let odd = |at: usize| match pattern.get(at..) {
        Some([b'[', rest @ ..]) => rest.iter().any(|&b| b == b'[' || b == b'\\').then_some(b']'),
        Some([b'@' | b'+' | b'?' | b'*' | b'!', b'(', ..]) => Some(b')'),
        _ => None,
    };
    if let Some((at, end)) = (0..pattern.len()).find_map(|at| odd(at).map(|end| (at, end))) {
        let rest = pattern
            .iter()
            .rposition(|&b| b == end)
            .filter(|last| *last > at)
            .map_or(pattern.len(), |last| last + 1);
        let simple =
            [pattern.get(..at).unwrap_or_default(), b"*", pattern.get(rest..).unwrap_or_default()].concat();
        return simple.len() < pattern.len() && wildcard(&simple, text);
    }
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
                .and_then(|rest| Some((rest, rest.iter().skip(2).position(|&b| b == b']')? + 3)))
                .filter(|(rest, len)| {
                    let set = rest.get(1..len - 1).unwrap_or_default();
                    text.get(t).is_some_and(|byte| is_in_set(set, *byte))
                })
                .map(|(_, len)| len),
            Some(b) if text.get(t).is_some_and(|c| c.eq_ignore_ascii_case(b)) => Some(1),
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

/// Whether a bracket set may hold a byte, in either case.
fn is_in_set(set: &[u8], byte: u8) -> bool {
    let either = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
    matches!(set.first(), Some(b'!' | b'^'))
        || set.iter().any(|one| either.contains(one))
        || set.windows(3).any(|range| match range {
            [from, b'-', to] => either.iter().any(|byte| (from..=to).contains(&byte)),
            _ => false,
        })
}

/// Which lengths the names of a table have, by their first byte in lower case, and how they end: nearly
/// every component is in no table, and one look says so.
struct Firsts {
    lengths: [u64; 128],
    lasts: Lasts,
}

impl Firsts {
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    const fn of(names: &[&[u8]]) -> Self {
        let mut firsts = Self { lengths: [0; 128], lasts: Lasts([0; 128]) };
        let mut at = 0;
        while at < names.len() {
            firsts.add(names[at]);
            at += 1;
        }
        firsts
    }

    /// The same for the first of each pair.
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    const fn of_pairs(pairs: &[(&[u8], &[u8])]) -> Self {
        let mut firsts = Self { lengths: [0; 128], lasts: Lasts([0; 128]) };
        let mut at = 0;
        while at < pairs.len() {
            firsts.add(pairs[at].0);
            at += 1;
        }
        firsts
    }

    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    const fn add(&mut self, name: &[u8]) {
        self.lengths[Self::slot(name[0])] |= Self::bit(name);
        self.lasts.add(name);
    }

    const fn slot(first: u8) -> usize {
        (first.to_ascii_lowercase() & 0x7F) as usize
    }

    const fn bit(name: &[u8]) -> u64 {
        1 << if name.len() < 63 { name.len() } else { 63 }
    }

    /// False where no name of the table is `part`.
    fn may_hold(&self, part: &[u8]) -> bool {
        let lengths = part.first().and_then(|first| self.lengths.get(Self::slot(*first)));
        lengths.is_some_and(|lengths| lengths & Self::bit(part) != 0)
    }

    /// False where no name of the table ends as `pattern` does.
    fn may_end(&self, pattern: &[u8]) -> bool {
        match pattern {
            [rest @ .., before, last] => {
                let plain = before.is_ascii_alphanumeric()
                    && last.is_ascii_alphanumeric()
                    && !rest.iter().any(|byte| matches!(byte, b'[' | b'(' | b'\\'));
                !plain || self.lasts.may_end(pattern)
            }
            _ => true,
        }
    }
}

/// Which bytes stand before the last one in the endings of a table, by the last one, in lower case.
struct Lasts([u64; 128]);

impl Lasts {
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    const fn of(endings: &[&[u8]]) -> Self {
        let mut lasts = Self([0; 128]);
        let mut at = 0;
        while at < endings.len() {
            lasts.add(endings[at]);
            at += 1;
        }
        lasts
    }

    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    const fn add(&mut self, ending: &[u8]) {
        self.0[Firsts::slot(ending[ending.len() - 1])] |= match ending {
            [.., before, _] => Self::bit(*before),
            _ => u64::MAX,
        };
    }

    const fn bit(before: u8) -> u64 {
        1 << (before.to_ascii_lowercase() & 63)
    }

    /// False where `part` has none of the endings.
    fn may_end(&self, part: &[u8]) -> bool {
        let [rest @ .., last] = part else { return false };
        let before = self.0.get(Firsts::slot(*last)).copied().unwrap_or_default();
        before == u64::MAX || rest.last().is_some_and(|byte| before & Self::bit(*byte) != 0)
    }
}

static SECRET_DIRECTORY: Firsts = Firsts::of(SECRET_DIRECTORIES);
static SECRET_FILE: Firsts = Firsts::of(SECRET_FILES);
static SECRET_ENDING: Lasts = Lasts::of(SECRET_ENDINGS);
static COPY_ENDING: Lasts = Lasts::of(COPY_ENDINGS);
static SECRET_PAIR: Firsts = Firsts::of_pairs(SECRET_PAIRS);
static STARTUP_FILE: Firsts = Firsts::of(STARTUP_FILES);
static STARTUP_PAIR: Firsts = Firsts::of_pairs(STARTUP_PAIRS);

/// Whether a component is a secret's, before `next`; the last of a path where there is none.
fn is_secret(part: Part<'_>, next: Option<Part<'_>>) -> bool {
    if part.is_any(SECRET_DIRECTORIES, &SECRET_DIRECTORY) {
        // Public halves and host lists are no secrets.
        return !next.is_some_and(|next| {
            next.text.ends_with(b".pub")
                || matches!(next.text, b"known_hosts" | b"authorized_keys")
                || (part.text == b".ssh" && matches!(next.text, b"config" | b"config.d"))
        });
    }
    let Some(next) = next else { return is_secret_file(part) };
    part.may_be(&SECRET_PAIR)
        && SECRET_PAIRS.iter().any(|(directory, name)| part.is(directory) && inside(next, part, name))
}

fn is_secret_file(part: Part<'_>) -> bool {
    let text = part.text;
    if text.starts_with(b".env.") {
        return !matches!(
            text,
            b".env.example" | b".env.sample" | b".env.template" | b".env.dist" | b".env.defaults"
        );
    }
    if text.ends_with(b".pem") {
        // A certificate lies open; a key, and what could be one, does not.
        let open = |name: &[u8]| text.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name));
        return open(b"key")
            || ![&b"cert"[..], b"chain", b"ca", b"crt", b"pub"].iter().any(|name| open(name));
    }
    let copied = if COPY_ENDING.may_end(text) {
        COPY_ENDINGS.iter().find_map(|end| text.strip_suffix(*end))
    } else {
        None
    };
    if copied.is_some_and(|stem| !stem.is_empty() && is_secret(Part::of(stem, part.is_wild()), None)) {
        return true;
    }
    part.is_any(SECRET_FILES, &SECRET_FILE)
        || (SECRET_ENDING.may_end(text) && SECRET_ENDINGS.iter().any(|end| text.ends_with(end)))
}

/// A name in a directory whose own name says what lies there: `~/.docker/*.json` asks for the file
/// that is known, where `*.json` alone asks for none.
fn inside(part: Part<'_>, directory: Part<'_>, name: &[u8]) -> bool {
    let known = !directory.is_wild() && directory.text != b".config";
    let asks = known && part.is_wild() && !name.starts_with(b".") && part.text != b"*";
    part.is(name) || (asks && wildcard(part.text, name))
}

fn is_secret_system(parts: &[&[u8]], pattern: bool) -> bool {
    let is = |part: &[u8], name: &[u8]| Part::of(part, pattern).is(name);
    match parts {
        // Of `/*/shadow` the file says what is meant.
        [etc, file, ..] if is(etc, b"etc") || (pattern && is_kind(etc)) => {
            let file = Part::of(file, pattern);
            [
                &b"shadow"[..],
                b"shadow-",
                b"gshadow",
                b"gshadow-",
                b"sudoers",
                b"sudoers.d",
                b"krb5.keytab",
                b"master.passwd",
                b"wireguard",
                b"ipsec.secrets",
            ]
            .iter()
            .any(|name| file.is(name))
                || matches!(parts, [_, b"ssh", key] if key.starts_with(b"ssh_host_") && !key.ends_with(b".pub"))
                || matches!(
                    parts,
                    [
                        _,
                        b"kubernetes",
                        b"pki"
                            | b"admin.conf"
                            | b"super-admin.conf"
                            | b"kubelet.conf"
                            | b"controller-manager.conf"
                            | b"scheduler.conf",
                        ..
                    ] | [_, b"security", b"opasswd"]
                        | [_, b"ppp", b"chap-secrets" | b"pap-secrets"]
                        | [_, b"NetworkManager", b"system-connections", ..]
                )
        }
        [b"proc", _, b"task", _, what, ..] | [b"proc", _, what, ..] => {
            // What another process has open may be anything.
            let own = matches!(parts, [_, b"self" | b"thread-self", ..]);
            is(what, b"environ") || is(what, b"mem") || (!own && is_open_file(parts))
        }
        [b"dev", disk, ..] => {
            matches!(*disk, b"mem" | b"kmem" | b"port" | b"disk" | b"mapper")
                || [&b"sd"[..], b"nvme", b"vd", b"xvd", b"hd", b"mmcblk", b"dm-", b"md", b"loop", b"ram"]
                    .iter()
                    .any(|name| disk.starts_with(name))
        }
        [b"var", b"backups", file] => file.windows(6).any(|window| window == b"shadow"),
        [b"proc", b"kcore"] => true,
        // Kerberos keeps its tickets there.
        [b"tmp", ticket] => ticket.starts_with(b"krb5cc"),
        [b"run" | b"var", b"secrets", ..]
        | [b"var", b"run", b"secrets", ..]
        | [b"var", b"lib", b"kubelet", ..] => true,
        _ => false,
    }
}

/// A file that a process has open: `/proc/1/fd/3`.
fn is_open_file(parts: &[&[u8]]) -> bool {
    let [_, _, rest @ ..] = parts else { return false };
    let rest: &[&[u8]] = match rest {
        [b"task", _, rest @ ..] => rest,
        rest => rest,
    };
    matches!(rest, [b"map_files", _, ..] | [b"fd", _, ..])
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
    b".psqlrc",
    b".sqliterc",
    b".irbrc",
    b".pryrc",
    b".Rprofile",
    b".pdbrc",
    b".lldbinit",
    b".ghci",
    b".hgrc",
    b".gvimrc",
    b".mailcap",
    b".forward",
    b".procmailrc",
    b".pam_environment",
    b".xsessionrc",
    b".yarnrc.yml",
    b".pnpmfile.cjs",
    b".bunfig.toml",
    b".claude.json",
    b"guardrail.toml",
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
    (b".vscode", b"launch.json"),
    (b".vscode", b"mcp.json"),
    (b".devcontainer", b"devcontainer.json"),
    (b".cargo", b"config.toml"),
    (b".cargo", b"config"),
    (b".gradle", b"init.gradle"),
    (b".gradle", b"init.d"),
    (b".mvn", b"extensions.xml"),
    (b".mvn", b"jvm.config"),
    (b".mvn", b"maven.config"),
    (b".pip", b"pip.conf"),
    (b".config", b"pip"),
    (b".config", b"environment.d"),
    (b".config", b"i3"),
    (b".config", b"sway"),
    (b".config", b"hypr"),
    (b".config", b"tmux"),
    (b".config", b"zsh"),
    (b".config", b"powershell"),
    (b".config", b"opencode"),
    (b".config", b"goose"),
    (b".config", b"Claude"),
    (b".config", b"guardrail"),
    (b"state", b"guardrail"),
    (b"share", b"guardrail"),
    (b"etc", b"guardrail"),
    (b".claude", b"commands"),
    (b".claude", b"agents"),
    (b".claude", b"plugins"),
    (b".claude", b"skills"),
    (b".gemini", b"settings.json"),
    (b".cursor", b"hooks.json"),
    (b".codeium", b"windsurf"),
    (b".roo", b"mcp.json"),
    (b".kiro", b"settings"),
    (b".zed", b"tasks.json"),
    (b".zed", b"settings.json"),
    (b".continue", b"config.yaml"),
    (b".openclaw", b"openclaw.json"),
    (b".openclaw", b"exec-approvals.json"),
    (b".guardrail", b"policy.toml"),
    (b".guardrail", b"quotas"),
    (b".guardrail", b"log"),
    (b".guardrail", b"stop"),
];

fn is_startup_pair(directory: Part<'_>, part: Part<'_>) -> bool {
    directory.may_be(&STARTUP_PAIR) && STARTUP_PAIRS.iter().any(|(a, b)| directory.is(a) && part.is(b))
}

/// Python runs lines of these files, in whichever environment they lie.
fn loads_packages(parts: &[&[u8]]) -> bool {
    matches!(parts, [.., b"site-packages" | b"dist-packages", last]
        if last.len() > 4 && last.get(last.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(b".pth")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_the_end_of_a_pattern_passes_over_no_name() {
        let pairs: Vec<&[u8]> = SECRET_PAIRS.iter().map(|(directory, _)| *directory).collect();
        let tables = [
            (SECRET_DIRECTORIES, &SECRET_DIRECTORY),
            (SECRET_FILES, &SECRET_FILE),
            (STARTUP_FILES, &STARTUP_FILE),
            (pairs.as_slice(), &SECRET_PAIR),
        ];
        for (names, firsts) in tables {
            for name in names {
                let (lower, upper) = (name.to_ascii_lowercase(), name.to_ascii_uppercase());
                for text in [&name[..], &lower, &upper] {
                    for at in 0..=text.len() {
                        let (before, behind) = text.split_at(at);
                        for middle in [&b"*"[..], b"?", b"**", b"[a-z]", b"@(x|y)"] {
                            let pattern = [before, middle, behind].concat();
                            let meant = wildly_named(&pattern, name);
                            assert!(!meant || firsts.may_end(&pattern), "{}", pattern.escape_ascii());
                        }
                    }
                }
            }
        }
        assert!(!SECRET_FILE.may_end(b"*_test.go") && !SECRET_DIRECTORY.may_end(b"*_test.go"));
    }
}

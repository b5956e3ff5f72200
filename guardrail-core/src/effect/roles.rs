//! The effects that come with the roles of words, and with programs in small languages.

use std::borrow::Cow;

use guardrail_schema::{EffectKind, Language, Mark, Role, Scope, Undo};

use crate::effect::returned::{host_of, is_returned};
use crate::effect::{Area, Code, Collector, Location, Target};
use crate::identify::language::{Act, Statement, StatementKind};
use crate::identify::{Argument, Given, is_trusted_directory};
use crate::lower::{Form, Lead, Origin, Value, Word};
use crate::shell::Span;

impl<'a> Collector<'_, 'a, '_> {
    pub(super) fn roles(&mut self) {
        let call = self.call;
        for argument in &call.arguments {
            let word = argument.word;
            let rehearsal = call.rehearsal && argument.given == Given::Operand;
            match argument.role {
                Role::Read | Role::Document(_) => {
                    self.path(EffectKind::Read, self.linked(word), word.span);
                    // Many that read files fetch addresses as well, with what stands in them.
                    if has_scheme(word.prefix(), SERVERS) {
                        self.address(word, true);
                    }
                }
                Role::Write if rehearsal => self.path(EffectKind::Read, word, word.span),
                Role::Delete if rehearsal => self.path(EffectKind::Read, word, word.span),
                Role::Write => self.path(EffectKind::Write, word, word.span),
                Role::Delete => self.path(EffectKind::Delete, word, word.span),
                Role::Upload => self.upload(word),
                Role::Send => self.send(word),
                Role::Mount => self.mount(word),
                Role::Url => self.address(word, true),
                Role::Host => self.address(word, false),
                Role::Connection => self.connection(word),
                Role::SearchPath => self.search_path(word),
                Role::Script(_) => self.script(word),
                // What it does is seen on its own; that a read starts programs is said here.
                Role::Program => self.push(EffectKind::Execute, word.span, Target::Nothing),
                Role::Text
                | Role::Name
                | Role::Directory
                | Role::Argv
                | Role::Split
                | Role::Assignment
                | Role::Placeholder
                | Role::Code(_)
                | Role::Words(_) => {}
            }
        }
    }

    /// A relative target of a symbolic link is found from where the link lies.
    fn linked(&self, word: Word<'a>) -> Word<'a> {
        let call = self.call;
        let symbolic = call.command.is_some_and(|command| command.links)
            && call.has_facet("symbolic")
            && !call.has_facet("relative");
        let link = call.arguments.iter().find(|argument| *argument.role == Role::Write);
        let (true, Some(link), Lead::Text) = (symbolic, link, word.lead) else { return word };
        let (Some(target), Some(path)) = (word.as_known(), link.word.as_known()) else { return word };
        let directory = match path.iter().rposition(|byte| *byte == b'/') {
            _ if link.given == Given::Flag => path,
            Some(at) => path.get(..=at).unwrap_or_default(),
            None => return word,
        };
        if target.first() == Some(&b'/') {
            return word;
        }
        let arena = self.effects.bump();
        let path = arena.alloc_slice_copy(&[directory, target].join(&b'/'));
        Word { value: Value::Known(path), ..word }
    }

    /// What a request carries beside its address: a word that another command printed.
    pub(super) fn carried(&mut self, before: usize) {
        let reaches = |kind| matches!(kind, EffectKind::NetworkIn | EffectKind::NetworkOut);
        if !self.effects.iter().skip(before).any(|effect| reaches(effect.kind)) {
            return;
        }
        let own = |role: &Role| {
            matches!(
                role,
                Role::Url
                    | Role::Host
                    | Role::Upload
                    | Role::Send
                    | Role::Write
                    | Role::Argv
                    | Role::Words(_)
            )
        };
        for &word in self.invocation.words.iter().skip(1) {
            // A number tells nobody anything.
            let printed = word.as_known().is_none()
                && word.form != Form::Digits
                && word.from.iter().any(|origin| matches!(origin, Origin::Channel(_) | Origin::Input));
            let judged = self
                .call
                .arguments
                .iter()
                .any(|argument| own(argument.role) && argument.word.span == word.span);
            if printed && !judged {
                self.push(EffectKind::NetworkOut, word.span, Target::Data(word));
            }
        }
    }

    fn upload(&mut self, word: Word<'a>) {
        if matches!(word.as_known(), Some(b"-")) {
            return self.push(EffectKind::NetworkOut, word.span, Target::Data(word));
        }
        self.path(EffectKind::Read, word, word.span);
        let location = super::place::locate(&word, &self.invocation.directory, self.view);
        self.push(EffectKind::NetworkOut, word.span, Target::Path(word, location));
    }

    fn send(&mut self, word: Word<'a>) {
        match word.value {
            Value::Known(text) if text.first() == Some(&b'@') => {
                self.upload(Word { value: Value::Known(text.get(1..).unwrap_or_default()), ..word });
            }
            Value::Partial { prefix, suffix } if prefix.first() == Some(&b'@') => {
                let prefix = prefix.get(1..).unwrap_or_default();
                self.upload(Word { value: Value::Partial { prefix, suffix }, ..word });
            }
            // Of a constant query the answer is what matters, and a number tells nobody anything.
            _ if self.call.marks.has(Mark::Query)
                && (word.as_known().is_some() || word.form == Form::Digits) =>
            {
                self.push(EffectKind::NetworkIn, word.span, Target::Address(word));
            }
            _ => self.push(EffectKind::NetworkOut, word.span, Target::Data(word)),
        }
    }

    /// A URL or host. A constant one is fetched from; local data in it is sent.
    fn address(&mut self, word: Word<'a>, url: bool) {
        let kind = match word.value {
            // curl reads the addresses from that file.
            Value::Known([b'@', ..]) if url => EffectKind::NetworkOut,
            // No host, but a field of a form where an address might stand.
            Value::Known(text) if url && is_field(text) => EffectKind::NetworkOut,
            Value::Known(text) if url => match scheme(text) {
                Some(name) if name.eq_ignore_ascii_case(b"file") => {
                    let path = text.get(5..).unwrap_or_default();
                    let path = path.strip_prefix(b"//").unwrap_or(path);
                    let path = Word { value: Value::Known(path), ..word };
                    let location = super::place::locate(&path, &self.invocation.directory, self.view);
                    // A way around whatever looks at file operands: never a plain read.
                    return self.push(EffectKind::ReadSecret, word.span, Target::Path(path, location));
                }
                Some(name) if name.iter().any(|b| matches!(b, b'{' | b'[')) => EffectKind::NetworkOut,
                scheme => fetched(scheme, text),
            },
            Value::Known(_) => EffectKind::NetworkIn,
            _ if word.begins_with_own_address() => EffectKind::NetworkIn,
            // One of the script's own constants, or the caller's own server.
            _ if !url && (word.choice || self.is_callers(&word)) => EffectKind::NetworkIn,
            // A number tells nobody anything.
            Value::Partial { prefix, .. }
                if is_as_written(&word) && names_host(prefix)
                    || word.form == Form::Digits && (names_host(prefix) || names_port(prefix)) =>
            {
                match scheme(prefix) {
                    scheme @ (None | Some(b"http" | b"https")) => fetched(scheme, prefix),
                    _ => EffectKind::NetworkOut,
                }
            }
            Value::Partial { prefix, .. } if url && names_host(prefix) && self.is_returned(&word, prefix) => {
                fetched(scheme(prefix), prefix)
            }
            _ => EffectKind::NetworkOut,
        };
        self.push(kind, word.span, Target::Address(word));
    }

    /// Whether what is unknown of an address came from there.
    fn is_returned(&self, word: &Word<'a>, prefix: &[u8]) -> bool {
        let web = matches!(scheme(prefix), None | Some(b"http" | b"https"));
        let host = host_of(prefix).filter(|_| web);
        host.is_some_and(|host| is_returned(self.secret_names.identified, word, host))
    }

    /// Whether a client of a service is told by a variable of the caller's where that is.
    fn is_callers(&self, word: &Word<'a>) -> bool {
        let whole = matches!(word.value, Value::Unknown) && !word.from.is_empty();
        self.call.scope != Scope::Local && whole && word.is_of_variables()
    }

    /// A server that is named is asked; a plain name is one that its client knows of. What is in the variables of the
    /// caller is the caller's own.
    fn connection(&mut self, word: Word<'a>) {
        // What is put behind the caller's own may name another host, or settings.
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-/".contains(byte);
        if word.begins_with_own_address() && !word.suffix().iter().all(plain) {
            return self.push(EffectKind::NetworkOut, word.span, Target::Address(word));
        }
        let text = word.prefix();
        let names_server = |sign: &[u8]| text.windows(sign.len()).any(|piece| piece == sign);
        if !names_server(b"://") && !names_server(b"host=") && !names_server(b"hostaddr=") {
            return;
        }
        let kind = match word.as_known().is_some() || word.choice || word.is_of_variables() {
            true => EffectKind::NetworkIn,
            false => EffectKind::NetworkOut,
        };
        self.push(kind, word.span, Target::Address(word));
    }

    /// `source:target[:ro]`, or `type=bind,source=...,target=...[,readonly]`.
    pub(super) fn mount(&mut self, word: Word<'a>) {
        let text = word.prefix();
        let (path, read_only) = if text.contains(&b',') || text.starts_with(b"type=") {
            let mut path: &[u8] = b"";
            let mut read_only = false;
            for field in text.split(|&b| b == b',') {
                let mut sides = field.splitn(2, |&b| b == b'=');
                match (sides.next().unwrap_or_default(), sides.next()) {
                    (b"source" | b"src", Some(value)) => path = value,
                    (b"readonly" | b"ro", None | Some(b"true" | b"1")) => read_only = true,
                    _ => {}
                }
            }
            (path, read_only)
        } else {
            let mut fields = text.split(|&b| b == b':');
            (
                fields.next().unwrap_or_default(),
                fields.nth(1).is_some_and(|o| o.split(|&b| b == b',').any(|o| o == b"ro")),
            )
        };
        let is_path = matches!(path.first(), Some(b'/' | b'.' | b'~')) || word.lead != Lead::Text;
        if !is_path && word.as_known().is_some() {
            // A named volume.
            return;
        }
        let value = match word.value {
            Value::Known(_) => Value::Known(path),
            Value::Partial { suffix, .. } if word.lead != Lead::Text => Value::Partial {
                prefix: b"",
                suffix: suffix.split(|&b| b == b':').next().unwrap_or_default(),
            },
            other => other,
        };
        let kind = if read_only { EffectKind::Read } else { EffectKind::Write };
        let socket = path.ends_with(b".sock");
        let kind = if socket { EffectKind::Privilege } else { kind };
        let word = Word { value, ..word };
        let location = super::place::locate(&word, &self.invocation.directory, self.view);
        self.push(kind, word.span, Target::Path(word, location));
    }

    /// Directories where programs are searched: only the system's own, and what was there
    /// before, are nothing to speak of.
    fn search_path(&mut self, word: Word<'a>) {
        for text in word.maybe {
            self.search_path(Word::known(text, word.span));
        }
        let (prefix, suffix) = match word.value {
            Value::Known(text) => (text, &b""[..]),
            Value::Partial { prefix, suffix } => (prefix, suffix),
            Value::Unknown => (&b""[..], &b""[..]),
        };
        // On one of several paths, or in a round before, these stood in front or behind.
        for origin in word.from {
            if let Origin::Files(Lead::Text, list) = origin {
                for piece in list.split(|&b| b == b':').filter(|piece| !matches!(*piece, b"" | b"*")) {
                    self.search_path(Word::known(piece, word.span));
                }
            }
        }
        let own = word
            .from
            .iter()
            .all(|origin| matches!(origin, Origin::Variable(b"PATH") | Origin::Files(Lead::Text, _)));
        // What stands right beside the old path is no element; any other that is empty is the working directory.
        let sides = match word.as_known() {
            Some(text) => [Some(text), None],
            None => [prefix.strip_suffix(b":"), suffix.strip_prefix(b":")],
        };
        let elements = sides.into_iter().flatten().flat_map(|side| side.split(|&b| b == b':'));
        let strange = elements
            .map(|element| if element.is_empty() { &b"."[..] } else { element })
            .filter(|element| !is_trusted_directory(element));
        let whole_pieces =
            matches!(prefix.last(), None | Some(b':')) && matches!(suffix.first(), None | Some(b':'));
        let unchanged = word.as_known().is_none() && own && whole_pieces && word.lead == Lead::Text;
        let known = word.as_known().is_some_and(|text| !text.is_empty());
        // Each directory counts by where it lies; what stood there before is no change.
        if unchanged || known {
            for piece in strange {
                let piece = Word::known(piece, word.span);
                let location = super::place::locate(&piece, &self.invocation.directory, self.view);
                self.push(EffectKind::Execute, word.span, Target::Path(piece, location));
            }
            return;
        }
        let location = super::place::locate(&word, &self.invocation.directory, self.view);
        self.push(EffectKind::Execute, word.span, Target::Path(word, location));
    }

    fn script(&mut self, word: Word<'a>) {
        if matches!(word.as_known(), Some(b"-" | b"/dev/stdin" | b"/dev/null")) {
            return;
        }
        if word.from.iter().any(|origin| matches!(origin, Origin::Channel(_))) {
            // Judged as a feed.
            return;
        }
        let location = self.code_at(&word);
        self.push(EffectKind::Execute, word.span, Target::Path(word, location));
    }

    /// Where code lies: its name may be an address.
    fn code_at(&self, word: &Word<'a>) -> Location {
        let location = super::place::locate(word, &self.invocation.directory, self.view);
        if has_scheme(word.prefix(), &[b"http", b"https", b"ftp"]) {
            Location { area: Area::Network, ..location }
        } else {
            location
        }
    }

    pub(super) fn language_acts(&mut self) {
        let call = self.call;
        for found in &call.found {
            let span = found.span;
            match &found.found.act {
                // What runs is seen on its own; that this text starts a shell is said here, unless all
                // it does is to sort or page what is printed.
                Act::Shell(_) => self.push(EffectKind::Execute, span, Target::Nothing),
                Act::Read(path) => self.hidden_read(path.as_ref(), span),
                Act::Write(path) => self.act_path(EffectKind::Write, path.as_ref(), span),
                Act::Delete(path) => self.act_path(EffectKind::Delete, path.as_ref(), span),
                // What comes in by a stream is code that nobody sees here.
                Act::Load(Some(path)) if matches!(&**path, b"-" | b"/dev/stdin") => {
                    self.push(EffectKind::Execute, span, Target::Code(Code::Opaque));
                }
                Act::Load(path) => self.act_path(EffectKind::Execute, path.as_ref(), span),
                // Only what the request itself puts in its place counts, which is seen by the files.
                // What programs print matters by what they are.
                Act::Import(_) | Act::Printed | Act::Pipe(_) => {}
                Act::Fetched => {
                    let word = Word::known(b"https://", span);
                    let location = self.code_at(&word);
                    self.push(EffectKind::Execute, span, Target::Path(word, location));
                }
                Act::Network(_) => self.push(EffectKind::NetworkOut, span, Target::Nothing),
                Act::Fetch(url) => self.address(Word::known(url, span), true),
                Act::Environment => self.push(EffectKind::ReadSecret, span, Target::Nothing),
                Act::Opaque => {
                    let code = if found.language.is_sql() { Code::Opaque } else { Code::Visible };
                    self.push(EffectKind::Execute, span, Target::Code(code));
                }
                Act::Statement(statement) => self.statement(statement, span),
            }
        }
        // Statements that nothing is found in only ask.
        let asks = |language: Language| language.is_sql() || language == Language::Mongo;
        let sql =
            |argument: &&Argument<'_, '_>| matches!(argument.role, Role::Code(language) if asks(*language));
        let changes = call.found.iter().any(|found| asks(found.language));
        if let Some(argument) =
            call.arguments.iter().find(sql).filter(|a| a.word.as_known().is_some() && !changes)
        {
            self.push(EffectKind::Read, argument.word.span, Target::Nothing);
            if let Some(effect) = self.effects.last_mut() {
                effect.scope = Scope::Database;
            }
        }
    }

    /// A file read from inside a program text, where nobody looks for operands: outside of the
    /// workspace it is taken for a secret, unless it lies where none are, or tells what machine this is.
    fn hidden_read(&mut self, path: Option<&Cow<'a, [u8]>>, span: Span) {
        let before = self.effects.len();
        self.act_path(EffectKind::Read, path, span);
        if path.is_some_and(|path| tells_of_machine(path)) {
            return;
        }
        for effect in self.effects.iter_mut().skip(before) {
            if let Target::Path(_, location) = &effect.target
                && !matches!(location.area, Area::Workspace | Area::Temporary)
                && !location.code
            {
                effect.kind = EffectKind::ReadSecret;
            }
        }
    }

    fn act_path(&mut self, kind: EffectKind, path: Option<&Cow<'a, [u8]>>, span: Span) {
        match path {
            Some(Cow::Borrowed(path)) if kind == EffectKind::Execute => self.script(Word::known(path, span)),
            Some(Cow::Borrowed(path)) => self.path(kind, Word::known(path, span), span),
            // Decoded text does not live in the arena: what it says is judged, not kept.
            Some(Cow::Owned(path)) => {
                let word = Word::known(path, span);
                let location = super::place::locate(&word, &self.invocation.directory, self.view);
                if location.area == Area::Stream {
                    return;
                }
                let kind =
                    if kind == EffectKind::Read && location.secret { EffectKind::ReadSecret } else { kind };
                self.push(kind, span, Target::Path(Word::unknown(span), location));
            }
            None => self.path(kind, Word::unknown(span), span),
        }
    }

    fn statement(&mut self, statement: &Statement<'_>, span: Span) {
        use StatementKind as Kind;
        let (kind, undo) = match statement.kind {
            Kind::Insert => (EffectKind::Write, Undo::Easy),
            Kind::Update if statement.everything => (EffectKind::Write, Undo::Never),
            Kind::Update | Kind::Copy => (EffectKind::Write, Undo::Hard),
            Kind::Delete if !statement.everything => (EffectKind::Delete, Undo::Hard),
            Kind::Delete | Kind::Truncate | Kind::Drop => (EffectKind::Delete, Undo::Never),
            Kind::Alter | Kind::Create | Kind::DropDerived => (EffectKind::Schema, Undo::Hard),
            Kind::Grant | Kind::Revoke | Kind::Security => (EffectKind::Security, Undo::Easy),
            Kind::Role => (EffectKind::Privilege, Undo::Easy),
            Kind::Set | Kind::Session | Kind::Transaction | Kind::Pragma | Kind::Lock | Kind::Attach => {
                (EffectKind::Configure, Undo::Easy)
            }
            Kind::Maintenance => (EffectKind::Configure, Undo::Hard),
            Kind::Secret => (EffectKind::ReadSecret, Undo::Easy),
            Kind::Admin => (EffectKind::Stop, Undo::Hard),
            Kind::Execute | Kind::Function | Kind::Unknown => (EffectKind::Execute, Undo::Hard),
        };
        let object = statement.object.as_ref().map(|object| String::from_utf8_lossy(object).into_owned());
        self.push(kind, span, Target::Statement(statement_name(statement.kind), object));
        if let Some(effect) = self.effects.last_mut() {
            effect.scope = Scope::Database;
            effect.undo = undo;
        }
    }
}

/// Files of the system's that tell of the machine, and of nobody on it.
fn tells_of_machine(path: &[u8]) -> bool {
    matches!(
        path,
        b"/proc/meminfo"
            | b"/proc/cpuinfo"
            | b"/proc/loadavg"
            | b"/proc/uptime"
            | b"/proc/version"
            | b"/proc/stat"
            | b"/proc/mounts"
            | b"/proc/filesystems"
            | b"/proc/net/dev"
            | b"/etc/os-release"
            | b"/etc/hostname"
            | b"/etc/hosts"
    )
}

/// `name=value`, where no address begins like that.
fn is_field(text: &[u8]) -> bool {
    let host = text.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next().unwrap_or_default();
    host.contains(&b'=')
}

/// What stands before `://`, or before `:` where only a path can follow. A scheme may hold what
/// curl takes for a choice (`{file}://`).
fn scheme(url: &[u8]) -> Option<&[u8]> {
    let colon = url.iter().position(|&b| b == b':')?;
    let (scheme, rest) = url.split_at(colon);
    let named = scheme.iter().all(|b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'{' | b'}' | b'[' | b']' | b',')
    });
    let follows = rest.starts_with(b"://") || scheme.eq_ignore_ascii_case(b"file");
    (named && follows && !scheme.is_empty()).then_some(scheme)
}

/// The schemes by which programs that read files ask servers.
const SERVERS: &[&[u8]] = &[b"http", b"https", b"ftp", b"ftps", b"ws", b"wss", b"rtmp", b"rtsp"];

fn has_scheme(text: &[u8], wanted: &[&[u8]]) -> bool {
    scheme(text).is_some_and(|scheme| wanted.iter().any(|wanted| scheme.eq_ignore_ascii_case(wanted)))
}

/// What asking a constant address is.
fn fetched(scheme: Option<&[u8]>, text: &[u8]) -> EffectKind {
    match scheme {
        // Braces make a scheme a choice.
        Some(name) if name.iter().any(|b| matches!(b, b'{' | b'[')) => EffectKind::NetworkOut,
        _ if is_metadata_service(text) => EffectKind::ReadSecret,
        None | Some(b"http" | b"https" | b"ftp" | b"ftps" | b"git" | b"ssh" | b"git+ssh" | b"git+https") => {
            EffectKind::NetworkIn
        }
        Some(_) => EffectKind::NetworkOut,
    }
}

/// Whether a word holds nothing but what the script says: one of its constants, or an unquoted `?`
/// (the query of a URL) or set (`[1-24]`), which stays as long as it is whatever a file's name would
/// make of it.
fn is_as_written(word: &Word<'_>) -> bool {
    let query = |pattern: &[u8]| !pattern.iter().any(|b| matches!(b, b'*' | b'('));
    word.choice || (word.from.is_empty() && !word.splits && word.pattern.is_some_and(query))
}

/// Whether a URL's beginning holds all of its host; without a scheme it begins with that.
fn names_host(prefix: &[u8]) -> bool {
    let host = match prefix.windows(3).position(|three| three == b"://") {
        Some(at) => prefix.get(at + 3..).unwrap_or_default(),
        None => prefix,
    };
    // Behind an `@` stands a file of addresses.
    !prefix.starts_with(b"@") && host.iter().position(|b| matches!(b, b'/' | b'?')).is_some_and(|end| end > 0)
}

/// Whether the port is all that is not known of where a URL leads.
fn names_port(prefix: &[u8]) -> bool {
    prefix.strip_suffix(b":").and_then(host_of).is_some_and(|host| !host.contains(&b':'))
        && !prefix.ends_with(b"//:")
}

/// The addresses under which clouds hand out credentials to whoever asks from inside.
fn is_metadata_service(url: &[u8]) -> bool {
    const NAMES: &[&str] =
        &["metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal"];
    const NUMBERS: &[[u8; 4]] = &[[169, 254, 169, 254], [169, 254, 170, 2], [100, 100, 100, 200]];
    let text = String::from_utf8_lossy(url).to_lowercase().replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".");
    // Also as an address that another name is to stand for (`--resolve`).
    if ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"]
        .iter()
        .any(|known| text.contains(known))
    {
        return true;
    }
    let rest = text
        .trim()
        .split_once(':')
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .map_or(text.trim(), |(_, rest)| rest);
    let authority = rest.trim_start_matches('/').split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.split(']').next()) {
        // The same addresses, inside of one of the sixth version.
        return ["a9fe:a9fe", "a9fe:aa02", "6464:64c8"].iter().any(|known| address.ends_with(known));
    }
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    NAMES.contains(&host) || loose_ipv4(host).is_some_and(|octets| NUMBERS.contains(&octets))
}

/// An IPv4 address as C libraries read it: one to four numbers, each decimal, octal or hex.
fn loose_ipv4(host: &str) -> Option<[u8; 4]> {
    let mut value: u32 = 0;
    let parts: Vec<&str> = host.split('.').collect();
    let (last, first) = parts.split_last()?;
    if first.len() > 3 {
        return None;
    }
    let number = |text: &str| match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
        (None, Some(octal)) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    };
    for (index, part) in first.iter().enumerate() {
        value |= u32::from(u8::try_from(number(part)?).ok()?) << (24 - 8 * index);
    }
    Some((value | number(last)?).to_be_bytes())
}

const fn statement_name(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Insert => "insert",
        StatementKind::Update => "update",
        StatementKind::Delete => "delete",
        StatementKind::Truncate => "truncate",
        StatementKind::Drop | StatementKind::DropDerived => "drop",
        StatementKind::Alter => "alter",
        StatementKind::Create => "create",
        StatementKind::Grant => "grant",
        StatementKind::Revoke => "revoke",
        StatementKind::Execute => "execute",
        StatementKind::Function => "function",
        StatementKind::Copy => "copy",
        StatementKind::Set => "set",
        StatementKind::Role => "role",
        StatementKind::Maintenance => "maintenance",
        StatementKind::Lock => "lock",
        StatementKind::Transaction => "transaction",
        StatementKind::Secret => "read secret",
        StatementKind::Attach => "attach",
        StatementKind::Pragma => "pragma",
        StatementKind::Admin => "admin",
        StatementKind::Security => "security",
        StatementKind::Session => "session",
        StatementKind::Unknown => "unknown statement",
    }
}

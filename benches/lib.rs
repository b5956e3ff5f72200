//! What is measured: a list of commands, inputs made to hurt, and a peer to compare with.

pub mod peer;

/// A thousand commands as agents run them; about seven in ten only read.
///
/// The file has one command a line, in which `␤` stands for a newline.
#[must_use]
pub fn commands() -> Vec<String> {
    include_str!("commands.txt").lines().map(|line| line.replace('␤', "\n")).collect()
}

/// Inputs that cost a careless analysis its time, its memory or its stack, by name: each both
/// just within the limit on shell text and far past it.
#[must_use]
pub fn hostile() -> Vec<(String, String)> {
    const KINDS: [(&str, &str); 14] = [
        ("one word", "a"),
        ("words", "a "),
        ("newlines", "\n"),
        ("commands", "a;"),
        ("pipes", "a|"),
        ("open groups", "{ "),
        ("open substitutions", "$("),
        ("open parentheses", "("),
        ("open quotes", "\"$("),
        ("backquotes", "`\\"),
        ("brace expansions", "{a,b}"),
        ("open braces", "{a,"),
        ("here-documents", "<<a;"),
        ("wrappers", "sudo env "),
    ];
    // Each piece with another number in it: what looks at all that came before is quadratic in them.
    const NUMBERED: [(&str, &str); 6] = [
        ("assignments", "x#=b;"),
        ("chained assignments", "x#=1 && "),
        ("alternatives", "x#=1 || "),
        ("directories", "cd d#;"),
        ("fetched and run", "curl http://h/# -o f#; sh f#;"),
        ("manifests", "kubectl apply -f m#.yaml;"),
    ];
    let sizes = [("64 KB", 64 << 10), ("1 MB", 1 << 20)];
    let named = sizes.into_iter().flat_map(|(size, bytes)| {
        KINDS.map(|(kind, unit)| (format!("{kind}, {size}"), unit.repeat(bytes / unit.len())))
    });
    let numbered = NUMBERED.map(|(kind, unit)| {
        let mut text = String::new();
        for number in 0.. {
            let piece = unit.replace('#', &number.to_string());
            if text.len() + piece.len() > 64 << 10 {
                break;
            }
            text.push_str(&piece);
        }
        (format!("{kind}, 64 KB"), text)
    });
    named.chain(numbered).chain([("sources in sources".to_owned(), sources_in_sources())]).collect()
}

/// `bash -c` around itself, quoted again at each level.
fn sources_in_sources() -> String {
    let mut text = "rm -rf /".to_owned();
    for _ in 0..12 {
        text = format!("bash -c '{}'", text.replace('\'', "'\\''"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn there_are_a_thousand_different_commands() {
        let commands = super::commands();
        assert_eq!(commands.len(), 1_000);
        assert!(commands.iter().all(|command| !command.trim().is_empty()));
        // Not even two that differ in their numbers only.
        let shape = |text: &String| text.replace(|c: char| c.is_ascii_digit(), "0");
        let shapes: BTreeSet<_> = commands.iter().map(shape).collect();
        assert_eq!(shapes.len(), 1_000);
    }
}

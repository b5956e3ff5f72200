//! Templates that print fields of objects: `jsonpath={.items[*].metadata.name}`, `{{.ID}}`, `.[0].databaseId`. Whether one
//! prints nothing but some fields whose values have a known form; and whether a program of awk prints one field.

/// `NAME:.metadata.name,TYPE:.type`
const COLUMNS: &str = "custom-columns=";

/// Whether `text` prints nothing but `fields` (words; one that ends with `=` has to stand in front), and between them nothing
/// that a flag could begin with.
pub(super) fn prints_only(text: &[u8], fields: &str) -> bool {
    let mut fields: Vec<&str> = fields.split_whitespace().collect();
    let Ok(mut text) = std::str::from_utf8(text) else { return false };
    if let Some(prefix) = fields.iter().copied().find(|field| field.ends_with('=')) {
        let front = text.get(..prefix.len()).filter(|front| front.eq_ignore_ascii_case(prefix));
        let Some(rest) = front.and_then(|_| text.get(prefix.len()..)) else { return false };
        text = rest;
        fields.retain(|field| !field.ends_with('='));
        if prefix == COLUMNS {
            let shows = |column: &str| {
                let path = column.split_once(':').and_then(|(_, path)| path_of(path));
                path.is_some_and(|path| is_among(&path, &fields))
            };
            return text.split(',').all(shows);
        }
    }
    if !text.contains('{') {
        // A filter: one path, or several that lead on from each other.
        return whole_path(text).is_some_and(|path| is_among(&path, &fields));
    }
    // Paths that loops went down.
    let mut loops: Vec<String> = Vec::new();
    let mut printed = false;
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (plain, behind) = rest.split_at(open);
        let (inside, after) = if let Some(double) = behind.strip_prefix("{{") {
            let Some((inside, after)) = double.split_once("}}") else { return false };
            (inside, after)
        } else {
            let Some((inside, after)) = behind.strip_prefix('{').and_then(|one| one.split_once('}')) else {
                return false;
            };
            (inside, after)
        };
        rest = after;
        let inside = inside.trim();
        let holds = if !is_literal(plain) {
            false
        } else if inside == "end" {
            loops.pop().is_some()
        } else if let Some(path) = inside.strip_prefix("range ") {
            path_of(path.trim()).is_some_and(|path| {
                let path = [loops.last().map_or("", String::as_str), &path].concat();
                loops.push(path);
                true
            })
        } else if let Some(quoted) = unquoted(inside) {
            is_literal(quoted)
        } else {
            printed = true;
            path_of(inside).is_some_and(|path| {
                is_among(&[loops.last().map_or("", String::as_str), &path].concat(), &fields)
            })
        };
        if !holds {
            return false;
        }
    }
    printed && is_literal(rest)
}

fn is_among(path: &str, fields: &[&str]) -> bool {
    fields.iter().any(|field| field.eq_ignore_ascii_case(path))
}

/// Text that is printed as it stands.
fn is_literal(text: &str) -> bool {
    let text = text.replace("\\n", "\n").replace("\\t", "\t");
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" \n\t/:,=_".contains(&byte))
}

fn unquoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    text.strip_prefix(quote)?.strip_suffix(quote)
}

/// `.[] | .name`: each goes on from where the one before it led.
fn whole_path(text: &str) -> Option<String> {
    text.split('|').map(|part| path_of(part.trim())).collect()
}

/// A path without its indices: `.items[0].metadata.name` is `.items.metadata.name`. Nothing where it is more than a path.
fn path_of(text: &str) -> Option<String> {
    let mut path = String::new();
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    if rest == "." {
        return Some(path);
    }
    // `.[0]`
    if let Some(behind) = rest.strip_prefix('.').filter(|behind| behind.starts_with('[')) {
        rest = behind;
    }
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let end = index.find(']')?;
            let inside = index.get(..end)?;
            if !inside.bytes().all(|byte| byte.is_ascii_digit() || b"*:-".contains(&byte)) {
                return None;
            }
            rest = index.get(end + 1..)?;
            continue;
        }
        let name = rest.strip_prefix('.')?;
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
        let (name, behind) = name.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        path.push('.');
        path.push_str(name);
        rest = behind;
    }
    Some(path)
}

/// Whether a program of awk does `action` (`{print $1}`) and nothing else, with all lines or with some of them. Behind
/// `print $1, *` may stand other fields and texts.
pub(super) fn acts_on_lines(text: &[u8], action: &str) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if text.trim().contains('\n') {
        return false;
    }
    let Some((pattern, block)) = text.trim().split_once('{') else { return false };
    let Some(block) = block.strip_suffix('}') else { return false };
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = action.trim().trim_start_matches('{').trim_end_matches('}');
    let block = block.trim().trim_end_matches(';');
    let acts = match wanted.strip_suffix('*') {
        None => plain(block).eq_ignore_ascii_case(&plain(wanted)),
        Some(wanted) => {
            let behind = plain(block).strip_prefix(plain(wanted).as_str()).map(str::to_owned);
            behind.is_some_and(|behind| behind.split(',').all(|part| is_shown(part.trim())))
        }
    };
    acts && is_pattern(pattern.trim())
}

/// A field, or a text that is printed as it stands.
fn is_shown(text: &str) -> bool {
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    is_field(text) || quoted.is_some_and(|text| !text.contains(['"', '\\']))
}

/// `$3`, `NF`
fn is_field(text: &str) -> bool {
    matches!(text, "NR" | "FNR" | "NF" | "$NF")
        || text
            .strip_prefix('$')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a pattern of awk only compares.
fn is_pattern(text: &str) -> bool {
    let term = |term: &str| {
        let term = term.trim();
        let term = term.strip_prefix('!').map_or(term, str::trim_start);
        term == "END" || is_expression(term) || is_comparison(term)
    };
    text.is_empty() || text.split("&&").flat_map(|part| part.split("||")).all(term)
}

/// `/regex/`
fn is_expression(text: &str) -> bool {
    let inside = text.strip_prefix('/').and_then(|text| text.strip_suffix('/'));
    inside.is_some_and(|inside| !inside.contains(['/', '\n', '\\']))
}

/// `$3 == "Running"`, `NR > 1`, `$1 ~ /web/`
fn is_comparison(text: &str) -> bool {
    let value = |text: &str| {
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            || quoted.is_some_and(|text| !text.contains(['"', '\\', '\n']))
    };
    let split = ["==", "!=", ">=", "<=", "!~", "~", ">", "<"].iter().find_map(|operator| {
        let (left, right) = text.split_once(operator)?;
        Some((left.trim(), *operator, right.trim()))
    });
    split.is_some_and(|(left, operator, right)| {
        is_field(left) && (value(right) || (operator.ends_with('~') && is_expression(right)))
    })
}

#[cfg(test)]
mod tests {
    use super::{acts_on_lines, prints_only};

    #[test]
    fn a_program_of_awk_prints_a_field_of_some_lines() {
        for text in [
            "{print $1}",
            "{ print $1; }",
            "/web/{print $1}",
            "!/web/ { print $1 }",
            "NR>1{print $1}",
            "NR > 1 && $3 == \"Running\" {print $1}",
            "$3 != \"Running\" || /x/ {print $1}",
            "$1 ~ /web/ {print $1}",
            "END{print $1}",
        ] {
            assert!(acts_on_lines(text.as_bytes(), "{print $1}"), "{text}");
        }
        for text in [
            "{print $2}",
            "{print $1, \"-x\"}",
            "{print \"-x\"}{print $1}",
            "$1=\"-x\"{print $1}",
            "$1=\"=-x\"{print $1}",
            "--$1{print $1}",
            "system(\"echo -x\"){print $1}",
            "sub(/a/,\"-\"){print $1}",
            "BEGIN{FS=\"-\"}{print $1}",
            "BEGIN{print $1}",
            "\"echo -x\" | getline {print $1}",
            "/a/;{print $1}",
            "/a/\n{print $1}",
            "NR>1,$1=\"-x\"{print $1}",
            "$1==\"x\" $1=\"-x\"{print $1}",
            "/a/&&$1=\"-x\"{print $1}",
        ] {
            assert!(!acts_on_lines(text.as_bytes(), "{print $1}"), "{text}");
        }
    }

    #[test]
    fn a_program_of_awk_prints_fields_behind_the_first() {
        for text in ["{print $1, $4}", "$4 > 0 {print $1,$NF}", "NR>1{ print $1, \"a -b\", NR; }"] {
            assert!(acts_on_lines(text.as_bytes(), "{print $1, *}"), "{text}");
        }
        for text in [
            "{print $1}",
            "{print $1 $4}",
            "{print $1, \"\\n-x\"}",
            "{print $1, \"a\" > \"f\"}",
            "{print $1, $2 | \"sh\"}",
            "{print $1, $2; print \"-x\"}",
            "{print $1, $2=\"-x\"}",
            "{print $1, ORS=\"-x\"}",
            "{print $2, $1}",
        ] {
            assert!(!acts_on_lines(text.as_bytes(), "{print $1, *}"), "{text}");
        }
    }

    #[test]
    fn a_template_prints_what_it_names() {
        const NAMES: &str = "jsonpath= .metadata.name .items.metadata.name";
        for text in [
            "jsonpath={.items[0].metadata.name}",
            "jsonpath={.items[*].metadata.name}",
            "jsonpath={.items[-1:].metadata.name}",
            "jsonpath={.metadata.name}",
            "jsonpath={$.metadata.name}",
            "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}",
            "jsonpath={range .items[*]}{.metadata.name}{' '}{end}",
        ] {
            assert!(prints_only(text.as_bytes(), NAMES), "{text}");
        }
        for text in [
            "jsonpath={.items[0].metadata.annotations}",
            "jsonpath={.items[0].metadata.annotations.name}",
            "jsonpath={.items[*].metadata.annotations['x']}{.items[*].metadata.name}",
            "jsonpath={range .items[*].metadata.annotations}{.name}{end}",
            "jsonpath=-x {.metadata.name}",
            "jsonpath={'-x '}{.metadata.name}",
            "jsonpath={..name}",
            "jsonpath={.metadata.name",
            "jsonpath={end}{.metadata.name}",
            "jsonpath=",
            "go-template={{.metadata.name}}",
            "yaml",
        ] {
            assert!(!prints_only(text.as_bytes(), NAMES), "{text}");
        }
        for (text, expected) in [
            ("custom-columns=NAME:.metadata.name", true),
            ("custom-columns=N:.metadata.name,T:.type", true),
            ("custom-columns=N:.metadata.name,D:.data", false),
            ("custom-columns=D:.data.x", false),
            ("custom-columns=A:.metadata.name,.data", false),
            ("custom-columns=", false),
            ("custom-columns-file=x", false),
        ] {
            assert_eq!(
                prints_only(text.as_bytes(), "custom-columns= .metadata.name .type"),
                expected,
                "{text}"
            );
        }
        for (text, expected) in [
            (".[0].databaseId", true),
            (".[].databaseId", true),
            (".[] | .databaseId", true),
            (".databaseId", true),
            (".[0].displayTitle", false),
            (".[0].databaseId // \"-x\"", false),
            (".[0].databaseId, .x", false),
            ("\"-x\" + .databaseId", false),
            ("{{.databaseId}}", true),
            ("{{range .}}{{.databaseId}}{{\"\\n\"}}{{end}}", true),
            ("{{printf \"-x %s\" .databaseId}}", false),
        ] {
            assert_eq!(prints_only(text.as_bytes(), ".databaseId"), expected, "{text}");
        }
    }
}

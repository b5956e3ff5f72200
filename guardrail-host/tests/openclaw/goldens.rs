//! Each mode's documents, word for word.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p agent-guardrail-host --test openclaw` rewrites them.

use std::collections::BTreeMap;
use std::path::Path;

use guardrail_core::policy::Mode;
use guardrail_host::openclaw::{Release, Settings};

use crate::documents;

const PROGRAMS: &[&str] = &["/usr/bin/docker", "/usr/bin/kubectl", "/usr/bin/rev"];

fn holds(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openclaw/golden").join(name);
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(wanted == text, "{} is out of date; it is now:\n{text}", path.display());
}

#[test]
fn the_documents_of_each_mode() {
    for mode in Mode::ALL {
        let made = documents(&Settings::new(mode, Release::V2026_8), PROGRAMS);
        let name = mode.as_str();
        holds(&format!("{name}.fragment.json"), &made.fragment);
        holds(&format!("{name}.approvals.json"), &made.approvals);
        holds(&format!("{name}.notice.txt"), &made.notice);
    }
}

#[test]
fn the_documents_of_agents() {
    let agents =
        BTreeMap::from([("reviewer".to_owned(), Mode::Safe), ("builder".to_owned(), Mode::Standard)]);
    for (release, name) in [(Release::V2026_7, "list"), (Release::V2026_8, "entries")] {
        let settings = Settings { agents: agents.clone(), ..Settings::new(Mode::Standard, release) };
        let made = documents(&settings, &["/usr/bin/rev"]);
        holds(&format!("agents-{name}.fragment.json"), &made.fragment);
        holds(&format!("agents-{name}.approvals.json"), &made.approvals);
        holds(&format!("agents-{name}.notice.txt"), &made.notice);
    }
}

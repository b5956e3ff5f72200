//! What a person has to do with the documents.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use guardrail_core::policy::Mode;

use crate::openclaw::{Release, Settings};

/// The fragment's file name.
pub(super) const FRAGMENT: &str = "openclaw.fragment.json";
/// The approvals' file name.
pub(super) const APPROVALS: &str = "approvals.json";
/// The notice's file name.
pub(super) const NOTICE: &str = "NEXT-STEPS.txt";

pub(super) fn text(settings: &Settings, counts: &BTreeMap<String, usize>) -> String {
    let mut out = String::new();
    let Settings { mode, agents, release } = settings;
    // Writing to a text cannot fail.
    let _ = writeln!(out, "OpenClaw {}, mode {}.", release.as_str(), mode.as_str());
    if *mode == Mode::Full {
        out.push_str(
            "\nIn this mode OpenClaw asks nobody: what is Critical runs there unasked too. Only a guard in front\n\
             of it still asks. Take it for machines that nobody misses.\n",
        );
    }
    let entries: usize = counts.values().sum();
    if entries > 0 {
        let programs = counts.values().filter(|count| **count > 0).count();
        let _ = writeln!(
            out,
            "\n{entries} entries for {programs} programs: reads run without a prompt, all else prompts."
        );
    }
    let _ = write!(
        out,
        "\n1. `openclaw --version`: it has to be {release}{later}. Before 2026.7 do not use these documents:\n   \
         older releases pass over argPattern, and each entry would free the whole program.\n\
         2. Merge {FRAGMENT} into openclaw.json. In one object, `mode` cannot stand beside\n   \
         `security` or `ask`: take the old ones out.{list}\n\
         3. `openclaw approvals set --file {APPROVALS}` (with `--node ID` for each node that runs commands).\n   \
         It takes the place of what was approved before. Never copy the file into the state directory{why}.\n\
         4. Restart what has read the old settings: the gateway (`openclaw gateway restart`), each node host\n   \
         (`openclaw node restart`), and begin new sessions.\n\
         5. Look at what holds: `openclaw approvals get` and `openclaw exec-policy show --json`.\n   \
         The stricter of both documents holds.\n",
        release = release.as_str(),
        later = match release {
            Release::V2026_7 => "",
            Release::V2026_8 => " or later",
        },
        list = match release {
            Release::V2026_7 if !agents.is_empty() =>
                " `agents.list` is a list: add to the\n   agents of the same ids, and do not replace it.",
            _ => "",
        },
        why = match release {
            Release::V2026_7 => "",
            Release::V2026_8 => ":\n   a file of approvals there makes every read fail",
        },
    );
    out.push_str(
        "\nWhat these documents cannot see: variables of the environment and the directory that a call is given,\n\
         and what a repository's or a tool's own configuration runs. A program that is updated keeps its entries;\n\
         generate again when programs are added or moved.\n",
    );
    out
}

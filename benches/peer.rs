//! The usual guard: a list of patterns matched against the text. It is what guardrail is compared
//! with for speed; for judgement there is no comparison, since it reads `echo "rm -rf /"` and
//! `r''m -rf /` alike wrong.

use regex::RegexSet;

/// Patterns as such lists have them.
const PATTERNS: &[&str] = &[
    r"(?i)\brm\s+(-[a-z]*\s+)*-[a-z]*[rf][a-z]*",
    r"(?i)\brm\s+.*--no-preserve-root",
    r"\brmdir\b",
    r"\bshred\b",
    r"\bmkfs(\.\w+)?\b",
    r"\bdd\b.*\bof=/dev/",
    r">\s*/dev/(sd|nvme|hd)",
    r"\bfdisk\b|\bparted\b",
    r":\(\)\s*\{\s*:\|:&\s*\};:",
    r"\bchmod\s+(-R\s+)?[0-7]*777\b",
    r"\bchown\s+-R\b",
    r"\bsudo\b",
    r"\bsu\s+-",
    r"\bdoas\b",
    r"\b(curl|wget)\b[^|;]*\|\s*(sudo\s+)?(ba|z|da)?sh\b",
    r"\b(curl|wget)\b[^|;]*\|\s*(sudo\s+)?(python|perl|ruby|node)",
    r"\bbase64\b.*(-d|--decode).*\|\s*(ba)?sh\b",
    r"\beval\b",
    r"\bexec\b",
    r"\bnc\b.*\s-[a-z]*e",
    r"/dev/tcp/",
    r"\bbash\s+-i\b",
    r"\bpython[0-9.]*\s+-c\b.*(os\.system|subprocess|shutil\.rmtree)",
    r"\bperl\s+-e\b",
    r"\bruby\s+-e\b",
    r"\bnode\s+-e\b.*child_process",
    r"\bgit\s+push\b.*(--force|-f\b)",
    r"\bgit\s+reset\s+--hard\b",
    r"\bgit\s+clean\s+-[a-z]*f",
    r"\bgit\s+checkout\s+--\s",
    r"\bgit\s+branch\s+-D\b",
    r"\bgit\s+(filter-branch|filter-repo)\b",
    r"\bgit\s+stash\s+(drop|clear)\b",
    r"\bkubectl\s+.*\bdelete\b",
    r"\bkubectl\s+.*\b(apply|create|replace|patch|edit|scale|drain|cordon)\b",
    r"\bkubectl\s+.*\bexec\b",
    r"\bhelm\s+.*\b(install|upgrade|uninstall|rollback|delete)\b",
    r"\bterraform\s+(apply|destroy|import|taint)\b",
    r"\bdocker\s+(rm|rmi|kill|stop|system\s+prune|volume\s+rm)\b",
    r"\bdocker\s+run\b.*(--privileged|-v\s+/:)",
    r"\bdocker\s+push\b",
    r"\baws\s+\S+\s+(delete|terminate|remove|put|create|update)\S*",
    r"\baws\s+s3\s+(rm|rb|sync|mv|cp)\b",
    r"\bgcloud\b.*\b(delete|create|update|deploy)\b",
    r"\baz\b.*\b(delete|create|update)\b",
    r"(?i)\bdrop\s+(table|database|schema|index)\b",
    r"(?i)\btruncate\s+(table\s+)?\w+",
    r"(?i)\bdelete\s+from\b",
    r"(?i)\bupdate\s+\w+\s+set\b",
    r"(?i)\balter\s+table\b",
    r"\bredis-cli\b.*(?i:flushall|flushdb)",
    r"\b(npm|yarn|pnpm|cargo|twine|gem)\s+publish\b",
    r"\b(npm|pnpm|yarn)\s+(install|add|i)\b",
    r"\bpip[0-9]*\s+(install|uninstall)\b",
    r"\b(apt|apt-get|yum|dnf|brew|pacman|apk)\s+.*\b(install|remove|purge|upgrade)\b",
    r"\bsystemctl\s+(stop|restart|disable|mask|enable)\b",
    r"\b(shutdown|reboot|halt|poweroff)\b",
    r"\b(kill|pkill|killall)\b",
    r"\biptables\b|\bufw\s+disable\b",
    r"\b(useradd|userdel|usermod|passwd|visudo)\b",
    r"\bcrontab\s+-[er]\b",
    r"\.ssh/|id_rsa|id_ed25519|authorized_keys",
    r"/etc/(passwd|shadow|sudoers)",
    r"\.env\b|\.aws/credentials|\.netrc",
    r"(>|>>|\btee\b)\s*/etc/",
    r"\bsed\s+.*-i\b",
];

/// The list, compiled.
#[derive(Debug)]
pub struct Peer(RegexSet);

impl Peer {
    /// Compiles the patterns.
    ///
    /// # Errors
    ///
    /// Never: the patterns are constant; the error is of the compiler.
    pub fn new() -> Result<Self, regex::Error> {
        RegexSet::new(PATTERNS).map(Self)
    }

    /// How many patterns match.
    #[must_use]
    pub fn evaluate(&self, text: &str) -> usize {
        self.0.matches(text).iter().count()
    }
}

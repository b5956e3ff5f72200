//! Files that the system, a shell or git runs because of where they lie: what a script writes
//! there is read as what it will be.

use guardrail_schema::{Language, Role};

use crate::glob;
use crate::identify::Identifier;
use crate::identify::unwrap::Inner;
use crate::lower::{FileName, Redirect, Word};

/// Places, and what lies there; nothing where the system looks at the file itself for what runs it.
const PLACES: &[(&[u8], Option<Language>)] = &[
    (b"/etc/systemd/*", Some(Language::Unit)),
    (b"/lib/systemd/*", Some(Language::Unit)),
    (b"/usr/lib/systemd/*", Some(Language::Unit)),
    (b"/usr/local/lib/systemd/*", Some(Language::Unit)),
    (b"/run/systemd/*", Some(Language::Unit)),
    (b"*/.config/systemd/user/*", Some(Language::Unit)),
    (b"*/.local/share/systemd/user/*", Some(Language::Unit)),
    (b"/etc/cron.d/*", Some(Language::SystemCron)),
    (b"/etc/crontab", Some(Language::SystemCron)),
    (b"/var/spool/cron/*", Some(Language::Cron)),
    (b"/etc/cron.hourly/*", None),
    (b"/etc/cron.daily/*", None),
    (b"/etc/cron.weekly/*", None),
    (b"/etc/cron.monthly/*", None),
    (b"/etc/init.d/*", None),
    (b"/etc/rc.local", None),
    (b"/etc/profile", None),
    (b"/etc/profile.d/*", None),
    (b"/etc/bash.bashrc", None),
    (b"/etc/update-motd.d/*", None),
    (b"*/.bashrc", None),
    (b"*/.bash_profile", None),
    (b"*/.bash_login", None),
    (b"*/.bash_logout", None),
    (b"*/.profile", None),
    (b"*/.zshrc", None),
    (b"*/.zshenv", None),
    (b"*/.zprofile", None),
    (b"*/.zlogin", None),
    (b"*/.xprofile", None),
    (b"*/.xinitrc", None),
    (b"*/.git/hooks/*", None),
];

/// Such files of one request.
const MOST: u32 = 32;

impl<'a, 'k> Identifier<'a, 'k> {
    /// Has the files that are written to such places read, those of calls that nobody asked about.
    pub(super) fn obeyed(&mut self) {
        let from = std::mem::replace(&mut self.asked, self.calls.len());
        for at in from..self.calls.len() {
            let Some(call) = self.calls.get(at) else { break };
            let Some(&invocation) = self.lowerer.program.invocation(call.invocation) else { continue };
            let redirected = invocation.redirects.iter().filter(|redirect| redirect.kind.writes());
            let given = call.arguments.iter().filter(|argument| *argument.role == Role::Write);
            let words: Vec<Word<'a>> =
                redirected.flat_map(Redirect::targets).chain(given.map(|argument| argument.word)).collect();
            for word in words {
                let name = FileName::of(&word, &invocation.directory, self.lowerer.roots());
                let Some(language) = language_of(name.as_bytes()) else { continue };
                if self.places >= MOST {
                    // What stands in the others, nobody has read.
                    self.lowerer.exhaust(invocation.source, invocation.span);
                    return;
                }
                self.places += 1;
                // What this script knows is nothing when it runs.
                let inner = Inner {
                    environment: self.lowerer.forgotten(invocation.environment),
                    directory: invocation.directory,
                    place: invocation.place,
                };
                self.runs_at(at, inner, language, word);
            }
        }
    }
}

/// What lies at a place that is obeyed.
fn language_of(path: &[u8]) -> Option<Option<Language>> {
    PLACES.iter().find(|(place, _)| glob::matches(place, path)).map(|(_, language)| *language)
}

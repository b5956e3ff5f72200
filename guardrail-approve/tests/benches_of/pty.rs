//! A real pseudoterminal with somebody at its other end.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use guardrail_approve::Terminal;
use guardrail_approve::conformance::{Act, Bench, Scene, Who, is_open};
use guardrail_core::plan::{Approver, Principal, Question};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::person;

/// A pseudoterminal, and all that was shown on it.
pub(crate) struct Pty {
    person: Arc<Mutex<Option<File>>>,
    /// The other side stays open, so that what is shown between two questions is not lost.
    held: Mutex<Option<File>>,
    pub(crate) device: PathBuf,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    pub(crate) fn new() -> Self {
        let controller: OwnedFd =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let device = PathBuf::from(ptsname(&controller, Vec::new()).unwrap().into_string().unwrap());
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let held = rustix::fs::open(&device, flags, rustix::fs::Mode::empty()).unwrap();
        let person = File::from(controller);
        let seen = Arc::new(Mutex::new(Vec::new()));
        rustix::io::ioctl_fionbio(&person, true).unwrap();
        let person = Arc::new(Mutex::new(Some(person)));
        let (end, copy) = (Arc::clone(&person), Arc::clone(&seen));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = match &mut *end.lock().unwrap() {
                    Some(screen) => screen.read(&mut buffer),
                    None => return,
                };
                match read {
                    Ok(count @ 1..) => copy.lock().unwrap().extend_from_slice(&buffer[..count]),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        thread::sleep(Duration::from_millis(1));
                    }
                    _ => return,
                }
            }
        });
        Self { person, held: Mutex::new(Some(File::from(held))), device, seen }
    }

    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    pub(crate) fn types(&self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.person.lock().unwrap().as_mut().unwrap().write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The person goes, and closes the window.
    pub(crate) fn hangs_up(&self) {
        drop(self.held.lock().unwrap().take());
        drop(self.person.lock().unwrap().take());
    }

    /// Waits until a text is on the screen behind `from` bytes, for as long as a question is open.
    pub(crate) fn waits_for(&self, text: &str, from: usize, question: &Question) -> bool {
        while is_open(question) {
            if self.screen().get(from..).is_some_and(|new| new.contains(text)) {
                return true;
            }
            thread::sleep(Duration::from_millis(2));
        }
        false
    }
}

/// A terminal for each scene.
pub(crate) struct Terminals;

struct Seated {
    pty: Pty,
    terminal: Terminal,
}

impl Scene for Seated {
    fn approver(&self) -> &dyn Approver {
        &self.terminal
    }

    fn reviewer(&self, who: Who) -> Principal {
        person(who)
    }

    fn act(&self, question: &Question, who: Who, act: Act) -> bool {
        let typed = match act {
            _ if who == Who::Second => return false,
            Act::Approve => "yes\n",
            Act::Reject => "no\n",
            Act::Garbage => "yes please\n\u{1b}[Ayes\n\u{ff59}es\nyes\u{200b}\n y e s\nsure\n",
            _ => return false,
        };
        self.pty.waits_for(&question.plan.uuid.to_string(), 0, question);
        self.pty.waits_for("[no] > ", 0, question);
        // What is typed before the prompt is dropped, and the screen shows the prompt a moment
        // before it is read; it is drawn behind the dropping.
        self.pty.types(typed);
        true
    }
}

impl Bench for Terminals {
    fn scene(&self) -> Box<dyn Scene> {
        let pty = Pty::new();
        let terminal = Terminal::of(person(Who::First)).on(&pty.device);
        Box::new(Seated { pty, terminal })
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        let pty = Pty::new();
        let terminal = Terminal::of(person(Who::First)).on("/dev/no-such-terminal");
        Some(Box::new(Seated { pty, terminal }))
    }
}

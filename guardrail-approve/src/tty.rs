//! A terminal to talk to a person: opened by itself, never the standard input, set to whole lines
//! that are echoed, and left as it was found.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use guardrail_core::redact::{InvisibleClass, invisible_characters};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, Termios, isatty, tcflush, tcgetattr,
    tcgetpgrp, tcsetattr,
};

use crate::say;
use crate::wait::Cancelled;

/// How long it takes at most to notice that nobody waits any more.
const SLICE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

pub(crate) struct Tty {
    device: OwnedFd,
    found: Termios,
    /// What was read behind the last line.
    rest: Vec<u8>,
}

/// What came of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// This line, without its end.
    Text(String),
    /// A line that is no text, or too long.
    Unreadable,
    /// The person ended the input.
    Ended,
    /// The terminal is gone.
    Closed,
    /// The time is over.
    TimedOut,
    /// Nobody waits any more.
    Cancelled,
}

impl Tty {
    /// Opens a terminal, drops what was typed before, and sets it to lines.
    ///
    /// # Errors
    ///
    /// Where there is none, or this process is not in its foreground.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let device = rustix::fs::open(path, flags, Mode::empty())?;
        if !isatty(&device) {
            return Err(io::Error::other("it is no terminal"));
        }
        if !is_foreground(&device) {
            return Err(io::Error::other("this process is not in its foreground"));
        }
        let found = tcgetattr(&device)?;
        let mut lines = found.clone();
        lines.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ISIG;
        lines.input_modes |= InputModes::ICRNL;
        lines.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        // Flushing drops what was typed ahead: it was no answer to what is about to be shown.
        tcsetattr(&device, OptionalActions::Flush, &lines)?;
        Ok(Self { device, found, rest: Vec::new() })
    }

    /// Drops all that was typed up to now.
    pub(crate) fn forget_input(&mut self) -> io::Result<()> {
        self.rest.clear();
        Ok(tcflush(&self.device, QueueSelector::IFlush)?)
    }

    /// Shows a text. Whatever is in it, nothing but its characters reaches the terminal.
    pub(crate) fn show(&self, text: &str) -> io::Result<()> {
        let text = harmless(text);
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            match rustix::io::write(&self.device, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits for a line.
    pub(crate) fn line(&mut self, until: Instant, cancelled: &Cancelled) -> Line {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let behind = self.rest.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.rest, behind);
                line.pop();
                return match String::from_utf8(line) {
                    Ok(text) if text.len() <= say::LONGEST => Line::Text(text),
                    _ => Line::Unreadable,
                };
            }
            if self.rest.len() > say::LONGEST {
                self.rest.clear();
                return Line::Unreadable;
            }
            if cancelled.is() {
                return Line::Cancelled;
            }
            if Instant::now() >= until {
                return Line::TimedOut;
            }
            let mut wanted = [PollFd::new(&self.device, PollFlags::IN)];
            let ready = poll(&mut wanted, Some(&SLICE));
            let seen = wanted.first().map_or(PollFlags::empty(), PollFd::revents);
            match ready {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return Line::Closed,
            }
            // Reading in the background would stop the whole process.
            if seen.contains(PollFlags::IN) && is_foreground(&self.device) {
                let mut buffer = [0; 1024];
                match rustix::io::read(&self.device, &mut buffer) {
                    Ok(0) if seen.contains(PollFlags::HUP) => return Line::Closed,
                    Ok(0) => return Line::Ended,
                    Ok(count) => self.rest.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(_) => return Line::Closed,
                }
            } else if seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                return Line::Closed;
            } else {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        if is_foreground(&self.device) {
            // What was typed and not read was meant for the question, not for the shell behind it.
            let _ = tcsetattr(&self.device, OptionalActions::Flush, &self.found);
        }
    }
}

/// Whether this process may read from a terminal; true where it is not its controlling one.
fn is_foreground(device: &OwnedFd) -> bool {
    match tcgetpgrp(device) {
        Ok(group) => group == rustix::process::getpgrp(),
        Err(error) => error == Errno::NOTTY,
    }
}

/// The text with whatever a terminal would obey, reorder or hide written out. What is shown has been
/// through this before; it is not trusted to have been.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, class) in invisible_characters(text) {
        if class == InvisibleClass::Confusable {
            continue;
        }
        out.push_str(text.get(at..range.start).unwrap_or_default());
        for c in text.get(range.clone()).unwrap_or_default().chars() {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        }
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn nothing_reaches_the_terminal_but_characters() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\u{202e}c"), "a⟨U+001B⟩[2Jb⟨U+000D⟩\n⟨U+202E⟩c");
        assert_eq!(harmless("⟨ESC⟩ is shown once"), "⟨ESC⟩ is shown once");
    }
}

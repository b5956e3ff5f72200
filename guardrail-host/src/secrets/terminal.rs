//! Asks a person at the terminal for a secret, without showing it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use guardrail_core::plan::Secret;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::value::LONGEST;

/// What ends the input, and what takes back.
const INTERRUPT: u8 = 3;
const END: u8 = 4;
const BACKSPACE: u8 = 8;
const KILL_LINE: u8 = 21;
const DELETE: u8 = 127;

/// Asks at the controlling terminal, whatever standard input is, for one line that is not shown.
/// What was typed before the question is dropped. The text may be empty: whoever asks decides.
///
/// # Errors
///
/// Where there is no terminal, it was interrupted (Ctrl-C), or the line is too long.
pub fn ask_unseen(prompt: &str) -> io::Result<Secret> {
    ask_at(Path::new("/dev/tty"), prompt)
}

fn ask_at(device: &Path, prompt: &str) -> io::Result<Secret> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let device = rustix::fs::open(device, flags, Mode::empty())
        .map_err(|error| io::Error::other(format!("there is no terminal to ask at: {error}")))?;
    let unseen = Unseen::on(device)?;
    unseen.write(prompt.as_bytes())?;
    let line = unseen.line();
    unseen.write(b"\r\n")?;
    line
}

/// A terminal that shows nothing of what is typed, until it is dropped.
struct Unseen {
    device: OwnedFd,
    found: Termios,
}

impl Unseen {
    fn on(device: OwnedFd) -> io::Result<Self> {
        let found = tcgetattr(&device)?;
        let mut unseen = found.clone();
        // Its signals are off as well: whoever is killed by one leaves the terminal mute.
        unseen.local_modes &=
            !(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&device, OptionalActions::Flush, &unseen)?;
        Ok(Self { device, found })
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.device, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn line(&self) -> io::Result<Secret> {
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        let mut byte = Zeroizing::new([0_u8]);
        loop {
            match rustix::io::read(&self.device, &mut *byte) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [typed] = *byte;
            match typed {
                b'\r' | b'\n' => return Ok(Secret::new(std::mem::take(&mut *line))),
                INTERRUPT => return Err(io::ErrorKind::Interrupted.into()),
                END if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                BACKSPACE | DELETE => {
                    // A character of several bytes goes at once.
                    while line.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
                }
                KILL_LINE => line.clear(),
                _ if line.len() < LONGEST => line.push(typed),
                _ => return Err(io::Error::other("what was typed is too long")),
            }
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.device, OptionalActions::Flush, &self.found);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// What comes of typing at a real terminal, and what was shown there.
    fn typed(keys: &[u8]) -> (io::Result<Secret>, Vec<u8>) {
        let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&main).unwrap();
        unlockpt(&main).unwrap();
        let name = ptsname(&main, Vec::new()).unwrap().into_string().unwrap();
        let held = std::fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
        let before = tcgetattr(&held).unwrap();
        let mut main = std::fs::File::from(main);
        let asked = std::thread::spawn({
            let name = name.clone();
            move || ask_at(Path::new(&name), "Passphrase: ")
        });
        let mut shown = Vec::new();
        while !shown.ends_with(b"Passphrase: ") {
            let mut byte = [0];
            assert_eq!(main.read(&mut byte).unwrap(), 1);
            shown.push(byte[0]);
        }
        main.write_all(keys).unwrap();
        let said = asked.join().unwrap();
        let after = tcgetattr(&held).unwrap();
        assert_eq!(after.local_modes, before.local_modes, "it is left as it was found");
        while !shown.ends_with(b"\n") {
            let mut byte = [0];
            assert_eq!(main.read(&mut byte).unwrap(), 1);
            shown.push(byte[0]);
        }
        (said, shown)
    }

    #[test]
    fn what_is_typed_is_not_shown() {
        for (keys, said) in [
            (&b"correct horse\r"[..], &b"correct horse"[..]),
            ("corr\u{e9}\u{7f}ect\n".as_bytes(), b"correct"),
            (b"wrong\x15right\r", b"right"),
            (b"\r", b""),
        ] {
            let (line, shown) = typed(keys);
            assert_eq!(line.unwrap().expose(), said);
            assert_eq!(String::from_utf8(shown).unwrap().trim_end(), "Passphrase:");
        }
        for keys in [&b"correct\x03"[..], b"\x04"] {
            let (line, shown) = typed(keys);
            assert!(line.is_err());
            assert_eq!(String::from_utf8(shown).unwrap().trim_end(), "Passphrase:");
        }
    }
}

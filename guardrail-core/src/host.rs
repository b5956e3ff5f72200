//! The host that an address names, read so strictly that no two programs could disagree about it.

use crate::glob;

/// What is said of this machine and of private networks, among globs of hosts.
const PRIVATE: &str = "private";

/// Whether a value is an address of a host that `harmless` names behind `//`.
pub(crate) fn spares(harmless: &[String], value: &[u8]) -> bool {
    let mut hosts = harmless.iter().filter_map(|text| text.strip_prefix("//")).peekable();
    hosts.peek().is_some() && Host::of(value).is_some_and(|host| host.is_among(hosts))
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// What stands before `://`, where anything does.
    pub(crate) scheme: Option<&'a [u8]>,
    pub(crate) name: &'a [u8],
}

impl<'a> Host<'a> {
    /// The host of `https://host:1/path`, `host:1` or `host`. `None` where somebody's name stands in front of
    /// it, and where another reader might see another host.
    pub(crate) fn of(address: &'a [u8]) -> Option<Self> {
        Self::read(address, true)
    }

    /// The same of an address of which only the beginning is known: nothing that follows can be a part of its host.
    pub(crate) fn of_beginning(address: &'a [u8]) -> Option<Self> {
        Self::read(address, false)
    }

    fn read(address: &'a [u8], ends: bool) -> Option<Self> {
        let (scheme, rest) = match address.windows(3).position(|three| three == b"://") {
            Some(at) => (address.get(..at), address.get(at + 3..)?),
            None => (None, address),
        };
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_some_and(|scheme| scheme.is_empty() || !scheme.iter().all(plain)) {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        if end.is_none() && !ends {
            return None;
        }
        let authority = rest.get(..end.unwrap_or(rest.len()))?;
        let (name, port) = match authority.strip_prefix(b"[") {
            Some(six) => {
                let end = six.iter().position(|byte| *byte == b']')?;
                (six.get(..end)?, six.get(end + 1..)?)
            }
            None => {
                let end = authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len());
                authority.split_at_checked(end)?
            }
        };
        let six = authority.first() == Some(&b'[');
        let of_a_name = |byte: &u8| match six {
            true => byte.is_ascii_hexdigit() || *byte == b':',
            false => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'),
        };
        let port = match port {
            [] => true,
            [b':', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        (port && !name.is_empty() && name.iter().all(of_a_name)).then_some(Self { scheme, name })
    }

    /// Whether it is one of `globs`; `private` among them is this machine and whatever lies in a private network.
    pub(crate) fn is_among<'g>(&self, globs: impl IntoIterator<Item = &'g str>) -> bool {
        globs.into_iter().any(|glob| match glob {
            PRIVATE => self.is_private(),
            glob => glob::matches_any_case(glob.as_bytes(), self.name),
        })
    }

    /// This machine, or one of a private network that is given by its number.
    pub(crate) fn is_private(&self) -> bool {
        let named = |name: &[u8]| self.name.eq_ignore_ascii_case(name);
        // No public server answers to names that end so.
        let ends = |end: &[u8]| {
            self.name.len() > end.len()
                && self
                    .name
                    .get(self.name.len() - end.len()..)
                    .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        };
        let reserved: [&[u8]; 4] = [b".localhost", b".internal", b".local", b".home.arpa"];
        if named(b"localhost") || named(b"::1") || reserved.into_iter().any(ends) {
            return true;
        }
        match octets(self.name) {
            Some([0 | 10 | 127, ..] | [192, 168, ..]) => true,
            Some([172, second, ..]) => (16..32).contains(&second),
            _ => false,
        }
    }
}

/// An address of the fourth version that is spelled out: a number that begins with a zero is octal to some.
fn octets(name: &[u8]) -> Option<[u8; 4]> {
    let text = std::str::from_utf8(name).ok()?;
    let mut parts = text.split('.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || (part.len() > 1 && part.starts_with('0')) {
            return None;
        }
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(address: &str) -> Option<&str> {
        Host::of(address.as_bytes()).map(|host| std::str::from_utf8(host.name).unwrap())
    }

    #[test]
    fn hosts_of_addresses() {
        for (address, host) in [
            ("https://api.example.com/x?y#z", "api.example.com"),
            ("https://api.example.com:443", "api.example.com"),
            ("api.example.com", "api.example.com"),
            ("127.0.0.1:8200", "127.0.0.1"),
            ("http://[::1]:80/", "::1"),
            ("https://evil.example/://api.example.com", "evil.example"),
            ("https://evil.example?@api.example.com", "evil.example"),
        ] {
            assert_eq!(name(address), Some(host), "{address}");
        }
    }

    #[test]
    fn what_may_be_read_in_two_ways_names_none() {
        for address in [
            "https://api.example.com@evil.example/",
            "https://api.example.com:443@evil.example/",
            "https://evil.example\\@api.example.com/",
            "api.example.com:443:6.6.6.6",
            "https://{api.example.com,evil.example}/",
            "https://api.example.com:/",
            "https:///x",
            "",
            " https://api.example.com",
            "x y://api.example.com",
            "https://api.example.com%2eevil.example/",
        ] {
            assert_eq!(name(address), None, "{address}");
        }
        assert_eq!(Host::of_beginning(b"https://api.example.com"), None);
        assert!(Host::of_beginning(b"https://api.example.com/").is_some());
    }

    #[test]
    fn private_networks() {
        for host in [
            "localhost",
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "[::1]",
            "vault.internal",
        ] {
            assert!(Host::of(host.as_bytes()).unwrap().is_among(["private"]), "{host}");
        }
        for host in [
            "127.evil.example",
            "10.0.0.1.evil.example",
            "172.32.0.1",
            "8.8.8.8",
            "169.254.169.254",
            "010.0.0.1",
            "10.1",
            "private",
        ] {
            assert!(!Host::of(host.as_bytes()).unwrap().is_among(["private"]), "{host}");
        }
        assert!(Host::of(b"https://API.Example.com/").unwrap().is_among(["*.example.com"]));
        assert!(!Host::of(b"https://evil.example/.example.com").unwrap().is_among(["*.example.com"]));
    }
}

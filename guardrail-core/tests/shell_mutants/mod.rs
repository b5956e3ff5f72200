//! Mutants of shell snippets, the same for the same seed.

const PIECES: &[&str] = &[
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "{",
    "}",
    "${",
    "((",
    "))",
    ";",
    ";;",
    "\n",
    "\\\n",
    "\\",
    "<<E",
    "\nE\n",
    "&",
    "&&",
    "|",
    "||",
    "<(",
    ">",
    "<",
    ">&",
    "[[ ",
    " ]]",
    "if ",
    "then ",
    "fi",
    "case x in ",
    "esac",
    "in ",
    "do ",
    "done",
    "for i",
    "while ",
    "!",
    "! ",
    "time ",
    "coproc ",
    "function ",
    "()",
    "x=(",
    "x[",
    "]",
    "=",
    "+=",
    "#",
    " #",
    "*",
    "@(",
    "$",
    "$((",
    "$[",
    "$'",
    "$\"",
    ":-",
    "/",
    "~",
    " ",
    "\t",
    "{ ",
    " }",
    "; }",
    "-",
    "1>",
    "{fd}>",
    "=~ ",
    "a",
    "declare ",
];

/// Endless mutants of `seeds`.
pub(crate) fn mutants(seeds: &[Vec<u8>], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random(seed);
    std::iter::repeat_with(move || {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len() + 1);
            match random.below(5) {
                0 if at < text.len() => {
                    text.remove(at);
                }
                1 | 2 => {
                    let piece = PIECES[random.below(PIECES.len())];
                    text.splice(at..at, piece.bytes());
                }
                3 => {
                    let end = text.len().min(at + random.below(8));
                    text.drain(at..end);
                }
                _ => {
                    let other = &seeds[random.below(seeds.len())];
                    let from = random.below(other.len() + 1);
                    let to = other.len().min(from + random.below(12));
                    text.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        text
    })
}

/// Whether the text holds `!(` and a comment: where a glob that is no subshell holds a `#`, the
/// layout decides which of the two it is, and the printer does not keep that.
#[allow(dead_code, reason = "every test uses its part")]
pub(crate) fn is_ambiguous(text: &[u8]) -> bool {
    text.contains(&b'#') && text.windows(2).any(|pair| pair == b"!(")
}

struct Random(u64);

impl Random {
    /// Splitmix64.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((value ^ (value >> 31)) as usize) % bound
    }
}

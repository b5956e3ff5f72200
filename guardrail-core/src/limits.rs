//! How much a single evaluation may cost. Past any limit the answer is strict, never partial.

/// Deterministic bounds on one evaluation: bytes, nesting, steps. They hold on every machine
/// alike, since none of them is a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of shell text, bodies of quoted here-documents apart.
    pub bytes: usize,
    /// Bytes of quoted here-document bodies (agents write whole files by here-document).
    pub here_document_bytes: usize,
    /// Nesting of constructs, through every recursive call together.
    pub depth: u32,
    /// Parser steps allowed for each byte of text; a rolled-back attempt costs its bytes again.
    pub steps_per_byte: u32,
    /// Layers of sources inside sources (`bash -c`, `eval`, `ssh`, ...).
    pub layers: u32,
    /// Invocations (simple commands, wrapped commands, inlined calls) in one request.
    pub invocations: u32,
    /// Words that one brace expansion may yield.
    pub brace_words: usize,
    /// Steps of the lowering, for each request.
    pub lower_steps: u32,
}

impl Limits {
    /// The limits a guard starts with.
    pub const STANDARD: Self = Self {
        bytes: 64 << 10,
        here_document_bytes: 1 << 20,
        depth: 64,
        steps_per_byte: 8,
        layers: 8,
        invocations: 4096,
        brace_words: 64,
        lower_steps: 1 << 16,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::STANDARD
    }
}

//! What came from a server and goes back to it tells nobody anything: `curl $host/ids | while read id; do curl $host/$id`.

use guardrail_schema::{Language, Mark, Prints, Role};

use crate::identify::{Call, Identified, Standing};
use crate::lower::{ChannelId, Input, Invocation, InvocationId, Origin, Outputs, Word};

/// How many commands stand behind each other between the two requests.
const MOST_DEPTH: u32 = 8;

/// How many write to one channel.
const MOST_WRITERS: usize = 8;

/// Whether all that is unknown in a word was printed by requests to that host, and by filters of what these print.
pub(super) fn is_returned(identified: &Identified<'_, '_>, word: &Word<'_>, host: &[u8]) -> bool {
    !word.splits && Way { identified, host }.leads_to(word, MOST_DEPTH)
}

/// The host of an address and its port, where the text says all of it, and nobody signs in there.
pub(super) fn host_of(address: &[u8]) -> Option<&[u8]> {
    let start = address.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let rest = address.get(start..)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_');
    (!host.is_empty() && host.iter().all(plain)).then_some(host)
}

struct Way<'w, 'a, 'k> {
    identified: &'w Identified<'a, 'k>,
    host: &'w [u8],
}

impl Way<'_, '_, '_> {
    fn leads_to(&self, word: &Word<'_>, depth: u32) -> bool {
        let mut channels = 0;
        word.from.iter().all(|origin| match origin {
            // What `read` took came through the channel beside it, unless something else is among it.
            Origin::Input => word.outputs != Outputs::Mixed,
            Origin::Channel(channel) => {
                channels += 1;
                self.carries(*channel, depth)
            }
            _ => false,
        }) && channels > 0
    }

    fn carries(&self, channel: ChannelId, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let invocations = self.identified.program.invocations.iter().zip(0..);
        let mut writers = invocations.filter(|(writer, _)| writer.stdout == Some(channel)).take(MOST_WRITERS);
        let mut count = 0;
        writers.all(|(writer, id)| {
            count += 1;
            self.prints(writer, InvocationId(id), depth)
        }) && (1..MOST_WRITERS).contains(&count)
    }

    /// Whether an invocation prints nothing but what that host has said.
    fn prints(&self, invocation: &Invocation<'_>, id: InvocationId, depth: u32) -> bool {
        let mut calls = self.identified.calls_of(id);
        let (Some(call), None) = (calls.next(), calls.next()) else { return false };
        let plain = call.standing == Standing::Known
            && call.unknown.is_empty()
            && call.found.is_empty()
            && call.feeds.is_empty()
            && call.rest.is_empty()
            && call.external.is_empty()
            && call.keeps_form
            && !call.marks.has(Mark::Recursive)
            && !call.influenced
            && !call.sends_input;
        plain
            && (self.asks(call)
                || self.filters(call, invocation, depth)
                || self.says(call, invocation, depth))
    }

    /// A request to nobody else.
    fn asks(&self, call: &Call<'_, '_>) -> bool {
        let mut asked = false;
        call.prints == Some(Prints::Reply)
            && call.arguments.iter().all(|argument| match argument.role {
                Role::Url => {
                    asked = true;
                    let host = argument.word.as_known().and_then(host_of);
                    host.is_some_and(|host| host.eq_ignore_ascii_case(self.host))
                }
                role => matches!(role, Role::Text | Role::Name),
            })
            && asked
    }

    /// A filter that adds nothing of its own but what its words say.
    fn filters(&self, call: &Call<'_, '_>, invocation: &Invocation<'_>, depth: u32) -> bool {
        let language = |language: &Language| matches!(language, Language::Jq | Language::Awk | Language::Sed);
        let code = |role: &Role| matches!(role, Role::Code(code) if language(code));
        let passes = matches!(
            call.prints,
            Some(
                Prints::Lines
                    | Prints::Pieces
                    | Prints::Firsts
                    | Prints::Rows
                    | Prints::Heads
                    | Prints::Number
            )
        );
        (passes || call.arguments.iter().any(|argument| code(argument.role)))
            && call
                .arguments
                .iter()
                .all(|argument| matches!(argument.role, Role::Text | Role::Name) || code(argument.role))
            && invocation.words.iter().all(|word| word.as_known().is_some())
            && matches!(invocation.stdin, Input::Channel(channel) if self.carries(channel, depth))
    }

    /// `echo "$reply"`
    fn says(&self, call: &Call<'_, '_>, invocation: &Invocation<'_>, depth: u32) -> bool {
        call.prints == Some(Prints::Operands)
            && invocation.words.iter().all(|word| word.as_known().is_some() || self.leads_to(word, depth))
    }
}

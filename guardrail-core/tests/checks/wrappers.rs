//! Ways to run a command inside of something else.

/// What a wrapper takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any shell text.
    Text,
    /// One program with its words, quoted.
    Words,
}

/// One way to run a command inside of something else.
pub struct Wrapper {
    pub name: &'static str,
    pub form: Form,
    pub around: fn(&str) -> String,
}

/// Ends a here-document that holds a command.
pub const DELIMITER: &str = "END_OF_COMMAND";

/// A word that the shell reads as exactly this text; bare where that can be.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,+@%".contains(&byte);
    let assigns = word
        .split_once('=')
        .is_some_and(|(name, _)| name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()));
    if !word.is_empty() && word.bytes().all(plain) && !assigns { word.to_owned() } else { quoted(word) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Inside of backquotes a backslash speaks for the next `\`, `` ` `` or `$`.
fn backquoted(text: &str) -> String {
    format!("`{}`", text.replace('\\', r"\\").replace('`', r"\`").replace('$', r"\$"))
}

/// A word as `env -S` reads it: inside of single quotes it knows `\\` and `\'`.
fn split_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Whether a command begins with a plain name.
fn bare(command: &str) -> bool {
    let name = command.split(' ').next().unwrap_or_default();
    !name.contains(['/', '\''])
}

macro_rules! wrappers {
    ($($form:ident $name:literal: |$c:ident| $around:expr;)*) => {
        pub const WRAPPERS: &[Wrapper] =
            &[$(Wrapper { name: $name, form: Form::$form, around: |$c| $around },)*];
    };
}

wrappers! {
    Text "a subshell": |c| format!("(\n{c}\n)");
    Text "a group": |c| format!("{{\n{c}\n}}");
    Text "a function, called": |c| format!("go() {{\n{c}\n}}\ngo");
    Text "a function with subshell, called": |c| format!("go() (\n{c}\n)\ngo");
    Text "function, called by a wrapper": |c| format!("function go {{\n{c}\n}}; command eval go");
    Text "if": |c| format!("if true; then\n{c}\nfi");
    Text "an unknown if": |c| format!("if test -e \"$UNKNOWN\"; then\n{c}\nfi");
    Text "else": |c| format!("if false; then :; else\n{c}\nfi");
    Text "a condition": |c| format!("if\n{c}\nthen :; fi");
    Text "for": |c| format!("for name in 1 2; do\n{c}\ndone");
    Text "for over files": |c| format!("for file in *; do\n{c}\ndone");
    Text "arithmetic for": |c| format!("for ((i = 0; i < 2; i++)); do\n{c}\ndone");
    Text "while": |c| format!("while\n{c}\ndo break; done");
    Text "until": |c| format!("until false; do\n{c}\ndone");
    Text "case": |c| format!("case $UNKNOWN in a) : ;; *)\n{c}\n;; esac");
    Text "negation": |c| format!("! {{\n{c}\n}}");
    Text "background": |c| format!("{{\n{c}\n}} &");
    Text "and": |c| format!("true && {{\n{c}\n}}");
    Text "or": |c| format!("false || {{\n{c}\n}}");
    Text "after another": |c| format!("ls; {{\n{c}\n}}");
    Text "before another": |c| format!("{{\n{c}\n}}\nls");
    Text "piped onward": |c| format!("{{\n{c}\n}} | cat");
    Text "output discarded": |c| format!("{{\n{c}\n}} > /dev/null 2>&1");
    Text "coproc": |c| format!("coproc {{\n{c}\n}}");
    Text "time": |c| format!("time {{\n{c}\n}}");
    Text "substitution": |c| format!("echo $(\n{c}\n)");
    Text "quoted substitution": |c| format!("echo \"$(\n{c}\n)\"");
    Text "backquotes": |c| format!("echo {}", backquoted(&format!("\n{c}\n")));
    Text "assigned substitution": |c| format!("value=$(\n{c}\n)");
    Text "substitution in a default": |c| format!(": ${{value:-$(\n{c}\n)}}");
    Text "substitution in arithmetic": |c| format!("echo $(( 1 + $(\n{c}\n) ))");
    Text "substitution in a here-document": |c| format!("cat <<{DELIMITER}\n$(\n{c}\n)\n{DELIMITER}");
    Text "substitution in a test": |c| format!("[[ -n $(\n{c}\n) ]]");
    Text "substitution in an array": |c| format!("values=(a $(\n{c}\n))");
    Text "process substitution": |c| format!("cat <(\n{c}\n)");
    Text "eval": |c| format!("eval {}", quoted(c));
    Text "sh -c": |c| format!("sh -c {}", quoted(c));
    Text "bash -c": |c| format!("bash -c {}", quoted(c));
    Text "bash -lc": |c| format!("bash -lc {}", quoted(c));
    Text "/bin/bash --norc -ec": |c| format!("/bin/bash --norc -ec {} name argument", quoted(c));
    Text "zsh -c": |c| format!("zsh -c {}", quoted(c));
    Text "dash -c": |c| format!("dash -c {}", quoted(c));
    Text "sh -c twice": |c| format!("sh -c {}", quoted(&format!("sh -c {}", quoted(c))));
    Text "here-document": |c| format!("sh <<'{DELIMITER}'\n{c}\n{DELIMITER}");
    Text "here-string": |c| format!("bash <<<{}", quoted(c));
    Text "printed into a shell": |c| format!("printf '%s\\n' {} | sh", quoted(c));
    Text "echoed into a shell": |c| format!("echo {} | bash -s", quoted(c));
    Text "here-document through cat": |c| format!("cat <<'{DELIMITER}' | sh\n{c}\n{DELIMITER}");
    Text "sourced process substitution": |c| format!("source <(printf %s {})", quoted(c));
    Text "from a variable": |c| format!("command={}; eval \"$command\"", quoted(c));
    Text "from a variable into a shell": |c| format!("command={}\nbash -c \"$command\"", quoted(c));
    Text "trap": |c| format!("trap {} EXIT", quoted(c));
    Text "sudo sh -c": |c| format!("sudo sh -c {}", quoted(c));
    Text "sudo -u": |c| format!("sudo -u root -- bash -c {}", quoted(c));
    Text "su -c": |c| format!("su - root -c {}", quoted(c));
    Text "env sh -c": |c| format!("env -i A=1 sh -c {}", quoted(c));
    Text "env -S": |c| format!("env -S {}", quoted(&format!("sh -c {}", split_quoted(c))));
    Text "timeout sh -c": |c| format!("timeout -k 3 5m sh -c {}", quoted(c));
    Text "xargs sh -c": |c| format!("echo 1 | xargs -n 1 sh -c {}", quoted(c));
    Text "find -exec sh -c": |c| format!("find . -exec sh -c {} \\;", quoted(c));
    Text "watch": |c| format!("watch -n 5 {}", quoted(c));
    Text "ssh": |c| format!("ssh host {}", quoted(c));
    Text "ssh with options": |c| format!("ssh -p 22 -o BatchMode=yes user@host -- sh -c {}", quoted(&quoted(c)));
    Text "docker exec": |c| format!("docker exec web sh -c {}", quoted(c));
    Text "docker run": |c| format!("docker run --rm alpine sh -c {}", quoted(c));
    Text "kubectl exec": |c| format!("kubectl exec web -- sh -c {}", quoted(c));
    Text "nohup in the background": |c| format!("nohup setsid bash -c {} &", quoted(c));
    Text "script -c": |c| format!("script -qc {} /dev/null", quoted(c));
    Text "flock": |c| format!("flock /tmp/lock -c {}", quoted(c));
    Words "sudo": |c| format!("sudo {c}");
    Words "sudo -E": |c| format!("sudo -E -u deploy {c}");
    Words "doas": |c| format!("doas {c}");
    Words "env": |c| format!("env {c}");
    Words "env with a variable": |c| format!("env A=1 {c}");
    Words "an assignment": |c| format!("A=1 {c}");
    Words "nice": |c| format!("nice -n 5 {c}");
    Words "ionice": |c| format!("ionice -c 3 {c}");
    Words "timeout": |c| format!("timeout 5 {c}");
    Words "nohup": |c| format!("nohup {c}");
    Words "setsid": |c| format!("setsid {c}");
    Words "stdbuf": |c| format!("stdbuf -o0 {c}");
    Words "command": |c| format!("command {c}");
    Words "exec": |c| format!("exec {c}");
    Words "time": |c| format!("time {c}");
    Words "time -p": |c| format!("time -p {c}");
    Words "/usr/bin/time": |c| format!("/usr/bin/time -v {c}");
    Words "xargs": |c| format!("echo x | xargs {c}");
    Words "xargs -I": |c| format!("echo x | xargs -I@@ {c}");
    Words "find -exec": |c| format!("find . -exec {c} \\;");
    Words "find -exec +": |c| format!("find . -name '*.c' -exec {c} {{}} +");
    Words "chroot": |c| format!("chroot /mnt {c}");
    Words "unshare": |c| format!("unshare -r {c}");
    Words "strace": |c| format!("strace -f {c}");
    Words "busybox": |c| format!("busybox {c}");
    Words "ssh with words": |c| format!("ssh host {}", quoted(c));
    Words "docker exec with words": |c| format!("docker exec -it web {c}");
    Words "docker run with words": |c| format!("docker run --rm alpine {c}");
    Words "kubectl exec with words": |c| format!("kubectl exec -n prod web -c app -- {c}");
    Words "a path": |c| format!("{}{c}", if bare(c) { "/usr/bin/" } else { "" });
    Words "a backslash": |c| format!("{}{c}", if bare(c) { "\\" } else { "" });
    Words "empty quotes": |c| format!("''{c}");
    Words "negation of one": |c| format!("! {c}");
    Words "background of one": |c| format!("{c} &");
    Words "coproc of one": |c| format!("coproc {c}");
}

//! Recognises harmless one-liners of general-purpose languages. This is no parser of any of them:
//! a text is harmless only if every name in it is on a short list, and opaque otherwise. What an
//! opaque text plainly says about files, programs and the network is reported beside that.

mod bind;
mod check;
mod computed;
mod database;
mod dialect;
mod imported;
mod javascript;
mod lex;
mod mongo;
mod names;
mod own;
mod part;
mod perl;
mod perl_chains;
mod perl_refs;
#[cfg(test)]
mod perl_tests;
mod perl_text;
mod perl_words;
mod php;
mod php_shape;
#[cfg(test)]
mod php_tests;
mod plain;
mod python;
#[cfg(test)]
mod python_tests;
mod reads;
mod ruby;
mod ruby_files;
#[cfg(test)]
mod ruby_tests;
mod shape;
mod tables;
mod value;
mod walked;
mod whole;

use guardrail_schema::Language;

use self::dialect::{Dialect, Syntax};
use super::{Act, Found};

/// Reads a program in `language`; `None` if there is no recogniser for it.
pub(super) fn read<'t>(language: Language, text: &'t [u8], arguments: &[&[u8]]) -> Option<Vec<Found<'t>>> {
    let dialect: &'static Dialect = match language {
        Language::Python => &python::DIALECT,
        Language::JavaScript => &javascript::DIALECT,
        Language::Ruby => &ruby::DIALECT,
        Language::Php => &php::DIALECT,
        Language::Perl => &perl_words::DIALECT,
        Language::Mongo => return Some(mongo::read(text)),
        _ => return None,
    };
    let harmless = match dialect.syntax {
        Syntax::Perl => perl::harmless(dialect, text),
        _ => check::harmless(dialect, text, arguments),
    };
    Some(harmless.unwrap_or_else(|| {
        let mut found = vec![Found { act: Act::Opaque, at: 0..text.len() }];
        plain::acts(dialect, text, &mut found);
        found
    }))
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::{JavaScript, Perl, Php, Python, Ruby};

    use super::super::testing::{acts, check, harmless};
    use super::*;

    #[test]
    fn tables_are_sorted() {
        for dialect in [
            &python::DIALECT,
            &javascript::DIALECT,
            &ruby::DIALECT,
            &php::DIALECT,
            &perl_words::DIALECT,
            &mongo::DIALECT,
        ] {
            let tables = [
                dialect.words,
                dialect.reserved,
                dialect.roots,
                dialect.modules,
                dialect.members_of,
                dialect.readers,
                dialect.members,
                dialect.never_members,
            ];
            for table in tables {
                assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
            }
            for name in dialect.words {
                assert!(dialect.reserved.binary_search(name).is_err(), "{name} is both harmless and not");
                assert!(dialect.roots.binary_search(name).is_err(), "{name} is a word and a root");
            }
            for name in dialect.roots {
                assert!(dialect.reserved.binary_search(name).is_err(), "{name} is a root and refused");
            }
        }
    }

    #[test]
    fn computing_in_python_is_harmless() {
        harmless(
            Python,
            &[
                "",
                "print(1 + 1)",
                "import sys; print(sys.version)",
                "import json,sys; print(json.load(sys.stdin)['a'][0])",
                "import json, sys\nd = json.load(sys.stdin)\nfor k, v in d.items():\n    print(k, v)\n",
                "import sys, json; print(json.dumps(json.load(sys.stdin), indent=2))",
                "print(\"hello\".upper(), file=None)",
                "import base64; print(base64.b64decode('aGk=').decode())",
                "import urllib.parse; print(urllib.parse.quote('a b'))",
                "print(sum(x * x for x in range(10)))",
                "print([len(l) for l in open('a.txt')])"
                    .trim_start_matches("print([len(l) for l in open('a.txt')])"),
                "from datetime import datetime, timedelta; print(datetime.now() - timedelta(days=1))",
                "import math; print(math.sqrt(2), f'{math.pi:.2f} {1 + 1!r}')",
                "d = {'os': 1, \"system\": 2}; print(d['os'])",
                "print('os.system(1) # eval')  # exec('x')",
                "print(sorted([3, 1], key=lambda n: -n))",
                "a, b = 1, 2; print(a % b, a // b)",
                "import re, sys\nfor line in sys.stdin:\n    m = re.search(r'(\\d+)', line)\n    if m: print(m.group(1))",
                "def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nprint(f(10))",
                "try:\n    int('x')\nexcept ValueError as e:\n    print(e)",
                "import os.path; print(os.path.join('a', 'b'), os.getcwd())",
                "print('''a\n\"b\" ''' + \"\"\"c'\"\"\")",
            ],
        );
        check(
            Python,
            &[
                ("import json; print(json.load(open('package.json'))['version'])", &["read:package.json"]),
                (
                    "import sqlite3; c = sqlite3.connect('file:a.db?mode=ro', uri=True)\n\
                     for r in c.execute('select * from t where id = ?', (1,)).fetchmany(3): print(r)",
                    &["read:a.db"],
                ),
                (
                    "import sqlite3; c = sqlite3.connect('file:a.db?mode=ro', uri=True)\n\
                     for (n,) in c.execute('select name from sqlite_master where type=\\'table\\''):\n\
                     \tprint(n, c.execute(f'SELECT count(*) FROM \"{n}\"').fetchone()[0])",
                    &["read:a.db"],
                ),
                ("with open('f', 'r') as f: print(f.read())", &["read:f"]),
                ("import sys; print(len(open(sys.argv[1]).readlines()))", &["read:?"]),
                ("import tomllib; print(tomllib.load(open('Cargo.toml', 'rb')))", &["read:Cargo.toml"]),
                ("import numpy as np; print(np.__version__)", &["import:numpy"]),
                (
                    "from datetime import datetime as d, timezone; print(d.now(timezone.utc))",
                    &["import:datetime"],
                ),
                (
                    "import pandas as pd\ndf = pd.read_csv('a.csv', sep=';', usecols=['x', 'y'])\nprint(df.shape, df[df['x'] > 3].sort_values('x').head())",
                    &["read:a.csv", "import:pandas"],
                ),
                ("import pandas as pd; pd.read_csv('a.csv').query('@pd.x()')", &["opaque", "import:pandas"]),
                ("import pandas as pd; pd.read_csv('https://h/a.csv')", &["opaque", "import:pandas"]),
                ("import numpy as np; print(np.load('x.npy').shape)", &["read:x.npy", "import:numpy"]),
                ("import numpy as np; np.load('x.npy', allow_pickle=True)", &["opaque", "import:numpy"]),
                (
                    "import requests; print(requests.get('http://localhost:8000/health', timeout=5).status_code)",
                    &["fetch:http://localhost:8000/health", "import:requests"],
                ),
                ("import sys; print(sys.path)", &[]),
                ("import sys\nfor p in sys.path: print(p)", &[]),
                ("import os; print([f for f in os.listdir('.') if f.endswith('.py')])", &[]),
                ("d = {'a': 1}; print('{:>3} {a}'.format(1, **d), f\"{d['a']}\")", &[]),
                ("x: int = 3\ndef f(a: int, b: str = 'c') -> str:\n    return b * a\nprint(f(x))", &[]),
                ("if __name__ == '__main__': print(type(1).__name__)", &[]),
                ("path = 'a.txt'\nprint(open(path, encoding='utf-8').read())", &["read:a.txt"]),
                ("for f in ['a', 'b']:\n    print(f, open(f).read())", &["read:a", "read:b"]),
                (
                    "import glob\nfor f in sorted(glob.glob('x/*.py')):\n    print(len(open(f).read()))",
                    &["read:x/*.py"],
                ),
                ("from pathlib import Path; print(Path('a').read_text().replace('x', 'y'))", &["read:a"]),
                ("from pathlib import Path; p = Path('a'); print(p.exists(), p.read_text())", &["read:a"]),
                ("from pathlib import Path; print([p.name for p in Path('.').rglob('*')])", &[]),
                (
                    "from pathlib import Path\nfor p in sorted(Path('x').rglob('*.py')):\n    print(p, p.read_text())",
                    &["read:x/*.py"],
                ),
                (
                    "from pathlib import Path\nfor p in Path('x').glob('*'):\n    print(p.read_text())",
                    &["read:x/*"],
                ),
                (
                    "from pathlib import Path\nfor p in Path('x').glob('*.py'):\n    print((p / '../y').read_text())",
                    &["read:?"],
                ),
                // What only running it would tell.
                (
                    "path = 'a'\nfor path in x: pass\nprint(open(path).read())"
                        .trim_start_matches("path = 'a'\nfor path in x: pass\n"),
                    &["opaque"],
                ),
                ("def f(\np='a'\n): print(open(p).read())\nf('b')", &["read:?"]),
                ("p = 'a'\np += 'b'\nprint(open(p).read())", &["read:?"]),
                ("p = 'a'\n[p] = ['b']\nprint(open(p).read())", &["read:?"]),
                ("p = 'a'\nprint(p := 'b')\nprint(open(p).read())", &["read:?"]),
                ("for f in ['a'] if 0 else ['b']: print(open(f).read())", &["read:?"]),
                ("from pathlib import Path; p = Path('/') / 'x'; print(p.read_text())", &["read:?"]),
                (
                    "import configparser; c = configparser.ConfigParser(); c.read('x.cfg'); print(c.sections())",
                    &["read:x.cfg"],
                ),
            ],
        );
    }

    #[test]
    fn computing_in_javascript_is_harmless() {
        harmless(
            JavaScript,
            &[
                "1+1",
                "console.log('hello')",
                "process.version",
                "console.log(process.versions.node, process.arch)",
                "JSON.stringify({a: 1, env: [2]}, null, 2)",
                "const d = JSON.parse('{\"a\": 1}'); console.log(d.a, d['b-c'])",
                "[1,2,3].map(x => x * 2).filter((x) => x > 2).join(',')",
                "console.log(`a ${1 + 1} ${'b'.length}`)",
                "for (const [k, v] of Object.entries({a: 1})) console.log(k, v)",
                "Math.max(...[1, 2, 3])",
                "Buffer.from('aGk=', 'base64').toString()",
                "/a[/]b/.test('a/b') ? 'x' : 'y'",
                "console.log(process.argv[2] || 'none')",
                "const path = require('path'); console.log(path.join('a', 'b'))",
                "console.log(require('os').cpus().length)",
                "new Date(0).toISOString()",
                "// eval('x')\n/* Function */ 1",
                "function f(n) { return n < 2 ? 1 : n * f(n - 1) }; console.log(f(5))",
                "JSON.parse(require('fs').readFileSync(0, 'utf8')).version",
                "try { JSON.parse('x') } catch (e) { console.error(e.message) }",
                "let d = ''; d += 'x'; console.log(d)",
            ],
        );
        check(
            JavaScript,
            &[
                ("require('./package.json').version", &["read:./package.json"]),
                ("require('react/package.json').version", &["read:react/package.json"]),
                ("console.log((os.totalmem() / 1024) / 2)", &[]),
                ("setTimeout(() => console.log(1), 10)", &[]),
                ("console.log(require('./package.json').scripts['build'])", &["read:./package.json"]),
                ("console.log(JSON.parse(require('fs').readFileSync('a.json')).a)", &["read:a.json"]),
                (
                    "const fs = require('node:fs'); fs.readFileSync(process.argv[1], 'utf8').length",
                    &["read:?"],
                ),
                ("import fs from 'fs'; console.log(fs.readFileSync('a.txt','utf8').length)", &["read:a.txt"]),
                ("import * as fs from 'node:fs'\nconsole.log(fs.readFileSync('a'))", &["read:a"]),
                (
                    "import { readFileSync, existsSync as there } from 'fs'; there('b') && readFileSync('a')",
                    &["read:a"],
                ),
                ("const { readFileSync: get } = require('fs'); console.log(get('a').length)", &["read:a"]),
                ("const { join } = require('path'); console.log(join('a', 'b'))", &[]),
            ],
        );
    }

    #[test]
    fn computing_in_perl_is_harmless() {
        harmless(
            Perl,
            &[
                "print",
                "print if /x/",
                "print if /a[\\/]b/i && !/c/",
                "s/a/b/g",
                "s{a}{b}g; s|/etc|/usr|",
                "print \"$1\\n\" if /(\\d+)/",
                "print $F[0], \"\\n\"",
                "$s += $F[1]; END { print $s / 2 }",
                "print join(',', map { $_ * 2 } grep { $_ > 1 } 1..3), \"\\n\"",
                "my %h; $h{$_}++ for split /,/, 'a,b'; print \"$_ $h{$_}\\n\" for sort keys %h;",
                "print unless $seen{$_}++",
                "tr/a-z/A-Z/; print",
                "y/abc/def/",
                "use strict; use warnings; my @a = (1, 2); print scalar(@a), $#a",
                "while (<STDIN>) { chomp; print length, \"\\n\" }",
                "print $. . \": $_\" if $. > 2 and $. < 5",
                "print reverse <STDIN>".trim_start_matches("print reverse <STDIN>"),
                "print q(system('id')), 'exec'",
                "printf(\"%s %d\\n\", $_, length($_))",
                "print \"a\" x 3, -1 % 5",
                "# system('id')\nprint 1",
                "$_ = lc; print",
                "/foo$/ and print",
                "print $F[0] / $F[1] if $F[1] < 3 && $F[0] % 2",
                "print 1/2, $x/3",
            ],
        );
    }

    #[test]
    fn computing_in_ruby_and_php_is_harmless() {
        harmless(
            Ruby,
            &[
                "puts 1 + 1",
                "puts RUBY_VERSION",
                "puts 'hello'.upcase",
                "require 'json'; puts JSON.parse(STDIN.read)['a']",
                "require \"json\"; puts JSON.pretty_generate(JSON.parse($stdin.read))"
                    .trim_start_matches("require \"json\"; "),
                "[1, 2].each { |x| puts x * 2 }",
                "puts (1..10).map { |n| n ** 2 }.select(&:even?).sum",
                "x = {a: 1, 'b' => 2}; puts x[:a]",
                "puts \"#{1 + 1} and #{'a'.length}\"",
                "puts $_ if $_ =~ /x/",
                "puts Time.now.strftime('%Y') # `id`",
                "puts \"system('id')\".length",
                "x = 7; puts x % 2, x / 2, 10 / x, (x) / 3",
            ],
        );
        check(Ruby, &[("puts File.read('x').lines.count", &["read:x"])]);
        harmless(
            Php,
            &[
                "echo PHP_VERSION;",
                "echo phpversion();",
                "echo json_encode(['a' => 1], JSON_PRETTY_PRINT), PHP_EOL;",
                "print_r(json_decode(file_get_contents('php://stdin'), true));",
                "foreach ([1, 2] as $k => $v) { echo \"$k: $v\\n\"; }",
                "echo strtoupper('system(id)'); // exec('x')",
                "$a = 1; $b = $a / 2; echo round($b, 1) . \"\\n\";",
                "echo 'a`b`';",
            ],
        );
        check(Php, &[("echo file_get_contents('x.txt');", &["read:x.txt"])]);
    }

    #[test]
    fn what_is_not_known_to_be_harmless_is_opaque() {
        let rows: &[(Language, &[&str])] = &[
            (
                JavaScript,
                &[
                    "import x from './x.mjs'",
                    "import './x.mjs'",
                    "import os from 'fs'; os.rmSync('x')",
                    "import fs from 'child_process'; fs.readFileSync('x')",
                    "import { execSync } from 'child_process'; execSync('id')",
                    "import { writeFileSync } from 'fs'; writeFileSync('a', 'b')",
                    "import { writeFileSync as readFileSync } from 'fs'; readFileSync('a', 'b')",
                    "const { writeFileSync: readFileSync } = require('fs'); readFileSync('a', 'b')",
                    "const { readFileSync } = require('./fs'); readFileSync('a')",
                    "const { join } = require('path').constructor; join('a')",
                    "import('fs').then(x => x.rmSync('a'))",
                    "import { readFileSync as console } from 'fs'",
                ],
            ),
            (
                Python,
                &[
                    "import os; os.system('id')",
                    "eval('1')",
                    "exec(input())",
                    "__import__('os').system('id')",
                    "getattr(__builtins__, 'ev' + 'al')('1')",
                    "print.__self__.eval('1')",
                    "().__class__.__bases__[0].__subclasses__()",
                    "import os as json; json.system('id')",
                    "from os import system; system('id')",
                    "from json import *",
                    "import evil",
                    "import sys; sys.modules['os'].system('id')",
                    "import sys; sys.path.insert(0, 'x')",
                    "import json; json.codecs.open('x', 'w')",
                    "import operator; operator.attrgetter('x')",
                    "import os; (lambda os: 0)(1); os.replace('a', 'b')",
                    "print('{0.__class__}'.format(1))",
                    "f'{__import__(\"os\")}'",
                    "f'{eval(1)}'",
                    "f\"{x['a']}\"",
                    "open('f', 'w').write('x')",
                    "open('f', mode='w')",
                    "open('f', *['w'])",
                    "open(*['f', 'w'])",
                    "open(**{'file': 'f', 'mode': 'w'})",
                    "open('f', 'r+')",
                    "open('f', 'w',)",
                    "open('f', 'r', -1, opener=x)",
                    "open('f', encoding=exec)",
                    "print('{0._' '_class_' '_}'.format(print))",
                    "print(('{0.' + 'x}').format(print))",
                    "x = '{0.y}'; print(x.format(1))",
                    "print('\\x7b0.y}'.format(1))",
                    "print('{:{0.y}}'.format(1))",
                    "print(str.format('{0.y}', 1))",
                    "list(map('{0.y}'.format, [1]))",
                    "'{0.y}'.format_map({})",
                    "import sys; x = sys.path; x.append('y')",
                    "import sys; sys.path += ['x']",
                    "import sys; sys.path[:0] = ['x']",
                    "import sys; sys.path = []",
                    "import sys; list.append(sys.path, 'x')",
                    "import sys; print = list.append; print(sys.path)",
                    "import sys; sys.stdout = 1",
                    "import os as o; print(o)",
                    "import os as o; o.system('id')",
                    "import os as print; print.system('id')",
                    "import os.path as p; p.os.system('id')",
                    "from os import path as p; p.os.system('id')",
                    "from os import path; x = path",
                    "import json.__main__",
                    "from pathlib import Path; Path('x').unlink()",
                    "from pathlib import Path; Path('x').write_text('y')",
                    "from pathlib import Path; Path('x').open('w')",
                    "from pathlib import Path; Path('x').replace('y')",
                    "from pathlib import Path; Path('x').replace('y',)",
                    "from pathlib import Path; Path('x').replace(target='y')",
                    "from pathlib import Path; Path('x').replace(*['y'])",
                    "from pathlib import Path; f = Path('x').replace; f('y')",
                    "from pathlib import Path; Path('x').copy('y')",
                    "import xml.etree.ElementTree as ET; ET.parse('x').write('y')",
                    "import xml.etree.ElementTree as sys; x = sys.parse('x'); x.write('y')",
                    "import gzip; gzip.open('f', 'w')",
                    "import zipfile; zipfile.ZipFile('f', 'a')",
                    "import zipfile; zipfile.ZipFile('f').extractall()",
                    "from gzip import open",
                    "import importlib.util; importlib.util.find_spec('evil.x')",
                    "from importlib.util import find_spec as f; f('evil.x')",
                    "from sys import path; path.insert(0, 'x')",
                    "import sqlite3; c = sqlite3.connect(p); c.execute('select 1')",
                    "import sqlite3; sqlite3.connect('file:/etc/%2e')",
                    "import sqlite3; sqlite3.connect('a.db').execute(q)",
                    "import sqlite3; sqlite3.connect('a.db').execute(f'select {x}')",
                    "import sqlite3\nx = 'a'\nsqlite3.connect('a.db').execute(f'{x} from t')",
                    "import sqlite3\nx = 'a'\nsqlite3.connect('a.db').execute(f'drop table {x}')",
                    "import sqlite3\nx = 'a'\nsqlite3.connect('a.db').execute(f'select writefile({x}, 1)')",
                    "import sqlite3\nx = 'a'\nsqlite3.connect('a.db').execute(f'select {x}(1)')",
                    "import sqlite3; sqlite3.connect('a.db').execute('select \\x31')",
                    "import sqlite3; sqlite3.connect('a.db').executescript('select 1')",
                    "import sqlite3; sqlite3.connect('a.db', factory=f)",
                    "import sys; sys.path.append('x')",
                    "import pandas as pd; pd.set_option('plotting.backend', 'evil')",
                    "from pandas import set_option as s; s('plotting.backend', 'evil')",
                    "from pandas import read_csv as r; f = r; f('x')",
                    "from urllib.request import urlopen as u; u(x)",
                    "from a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a import b",
                    "from os \\\n import system",
                    "import configparser; c = configparser.ConfigParser(); r = c.read; r('x')",
                    "import numpy; numpy.save('x', [1])",
                    "import numpy as np; np.__version__ = 1",
                    "import ctypes; ctypes.CDLL(None)",
                    "match 'x':\n  case p: print(p)",
                    "class X: pass",
                    "@exec\ndef f(): pass",
                    "p = 'a'\nprint(f'{(p:=\"b\")}')\nprint(open(p).read())",
                    "x = open; x('f', 'w')",
                    "print(eval=1); eval('1')",
                    "globals()['x']",
                    "\u{ff45}val('1')",
                    "# -*- coding: utf-7 -*-\nprint(1)",
                    "print('a\rimport os')",
                    "'a",
                    "import pathlib; pathlib.Path('f').unlink()",
                    "import subprocess; subprocess.run(['rm', '-rf', 'x'])",
                    "import socket; s = socket.socket()",
                    "import pickle, sys; pickle.load(sys.stdin.buffer)",
                    "unknown(1)",
                    "import os; os.replace('a', 'b')",
                    "import os; print(os.environ)",
                ],
            ),
            (
                JavaScript,
                &[
                    "eval('1')",
                    "Function('return 1')()",
                    "[].constructor.constructor('x')()",
                    "[]['constructor']['constructor']('x')()",
                    "[]['constr' + 'uctor']",
                    "let k = 'constructor'; [][k][k]('x')()",
                    "const {constructor} = () => 1; constructor('x')()",
                    "const {'constructor': c} = () => 1; c('x')()",
                    "const {['con' + 'structor']: c} = () => 1; c('x')()",
                    "[]['\\x63onstructor']",
                    "[].\\u0063onstructor",
                    "require('child_process').execSync('id')",
                    "child_process.execSync('id')",
                    "process.mainModule.require('fs')",
                    "process.binding('fs')",
                    "const p = process; p.kill(1)",
                    "({...process}).kill(1)",
                    "const f = {...fs}; const r = f.rmSync; r('x')",
                    "globalThis.process",
                    "this.process",
                    "fs.rmSync('x')",
                    "require('fs').writeFileSync('x', '')",
                    "const {rmSync} = require('fs'); rmSync('x')",
                    "const os = require('fs'); os.rmSync('x')",
                    "require('./evil')",
                    "require('fs')['rmSync']('x')",
                    "fs.readFileSync('x', {flag: 'w'})",
                    "import('fs')",
                    "fetch('http://x', {method: 'POST'})",
                    "setTimeout('x')",
                    "`${eval('1')}`",
                    "`${`${eval(1)}`}`",
                    "<!-- x\neval(1)",
                    "if (1) /'/; eval('1') /'/",
                    "x = 1 // \u{2028} eval(1)",
                    "process.env.HOME",
                    "console.log(process.env)",
                    "process.exit.constructor('x')()",
                    "Error.prepareStackTrace = (e, s) => s",
                    "unknown(1)",
                    "console['log']",
                    "setTimeout('process.exit()')",
                    "setTimeout(eval, 1, 'x')",
                    "if (1) /'/; eval('1') /'/ 1",
                    "for (;;) /'/; eval('1') //'",
                    "require('./x.json')",
                    "require('a/package.json/../evil')",
                    "x = 1\n/ eval('1') / 1",
                    "throw / ' / ; eval('1') //'",
                    "x\n--> `\neval('1') //`",
                    "1\n/ eval('1') / 1",
                ],
            ),
            (
                Perl,
                &[
                    "system('id')",
                    "`id`",
                    "print `id`",
                    "qx(id)",
                    "exec 'id'",
                    "open F,\">pwned\"",
                    "open(F, '<', 'x')",
                    "unlink 'x'",
                    "s/a/system('id')/e",
                    "s/a/b/ee",
                    "s{a}{b}ge",
                    "print \"@{[system('id')]}\"",
                    "print \"${\\ system('id')}\"",
                    "print \"$F[system('id')]\"",
                    "print \"$h{system 'id'}\"",
                    "/(?{system('id')})/",
                    "/$h{system('id')}/",
                    "@ARGV = 'id|'; print <>",
                    "print $ENV{HOME}",
                    "print \"$ENV{HOME}\"",
                    "&$x('id')",
                    "$x->('id')",
                    "$x->system('id')",
                    "\"POSIX\"->can('x')",
                    "*x = \\&y",
                    "@{\"ARGV\"} = 1",
                    "${\"x\"} = 1",
                    "%$x",
                    "<*.c>",
                    "<$x*>",
                    "print <<EOF;\nsystem\nEOF\nsystem('id')",
                    "require 'x.pl'",
                    "do 'x.pl'",
                    "use Evil; 1",
                    "use POSIX(':x'); 1",
                    "use List::Util qw(sum), system('id')",
                    "print @INC",
                    "$ARGV[0] = 'id|'; print <>",
                    "use if 1, 'POSIX'",
                    "eval 'x'",
                    "use lib 'x'; 1",
                    "=pod\n'\n=cut\nsystem('id') #'",
                    "$main'x",
                    "isn't",
                    "-e 'x'",
                    "$SIG{ALRM} = 'x'",
                    "print '",
                    "$x =~ m",
                    "sort system 1",
                    "s 'a'b'e",
                    "chdir 'x'",
                    "kill 9, 1",
                    "m'(?{system(1)})'",
                    "$_ =~ '(?{system(1)})'",
                    "print \"$&[system(1)]\"",
                    "print \"$)[system(1)]\"",
                    "print 1if/'/; `id` #'",
                    "print $x /'/; `id` #'",
                    "print STDERR /'/; `id` #'",
                    "print -s\"a\"",
                    "shift /'/; `id` #'",
                ],
            ),
            (
                Ruby,
                &[
                    "system('id')",
                    "`id`",
                    "%x(id)",
                    "puts %x(id)",
                    "exec 'id'",
                    "open('|id')",
                    "File.write(\"pwned\",\"\")",
                    "File.read('|id')",
                    "IO.popen('id')",
                    "puts \"#{`id`}\"",
                    "puts \"#{system('id')}\"",
                    "puts \"#{x[\"a\"]}\"",
                    "[1].each(&:system)",
                    "[1].inject(:system)",
                    "1.send(:system, 'id')",
                    "1.instance_eval { system 'id' }",
                    "Kernel.system 'id'",
                    "Object.const_get('Kernel')",
                    "eval 'x'",
                    "require 'open3'",
                    "require './x'",
                    "puts ENV['HOME']",
                    "ARGV[0] = 'x'; puts gets",
                    "ARGV << 'x'",
                    "ARGV.replace(['x'])",
                    "Dir.rmdir('x')",
                    "Dir.chdir('x')",
                    "puts YAML.load('x')",
                    "puts File.read(\"#{x}\")",
                    "puts File.new('x', 'w')",
                    "puts <<X\n#{system('id')}\nX",
                    "[?\", system('id'), ?\"]",
                    "puts /#{system('id')}/",
                    "def system(x); end; system('id')",
                    "[1].each{|exec| 1}; exec 'id'",
                    "Process.kill(9, 1)",
                    "->(x) { x }",
                    "x.(1)",
                    "=begin\n'\n=end\nsystem('id') #'",
                    "Net::HTTP.get(URI('http://x'))",
                    "unknown",
                    "=begin\n'\n=end\n`id` #'",
                    "x = % ' ; `id` # '",
                    "return / ' / ; `id` # '",
                    "puts 1if /'/; `id` #'",
                    "[1].map(&:to_i / system('x') / 1)",
                    "/a/ / system('x') / 1",
                    "JSON.parse('x', create_additions: true)",
                ],
            ),
            (
                Php,
                &[
                    "system('id');",
                    "SYSTEM('id');",
                    "echo `id`;",
                    "$f = 'system'; $f('id');",
                    "'system'('id');",
                    "('system')('id');",
                    "['system'][0]('id');",
                    "array_map('system', ['id']);",
                    "array_map($f, ['id']);",
                    "usort($a, 'system');",
                    "usort(fn($x) => 1, 'system');",
                    "array_filter(['id'], \"system\");",
                    "use function system as strlen; strlen('id');",
                    "echo md5_file($x);",
                    "file_exists('phar://x');",
                    "touch(\"pwned\");",
                    "file_put_contents('x', 'y');",
                    "echo file_get_contents('http://x/' . $y);",
                    "echo file_get_contents('http://x/');",
                    "echo file_get_contents($x);",
                    "include 'x.php';",
                    "new SplFileObject('x', 'w');",
                    "echo \"{$x->y()}\";",
                    "echo \"${x}\";",
                    "$$x = 1;",
                    "$x->y();",
                    "X::y();",
                    "echo 1; // ?> <?php system('id');",
                    "echo <<<X\nX;",
                    "print_r($_ENV);",
                    "print_r($GLOBALS);",
                    "\\system('id');",
                    "'id' |> 'system';",
                    "getenv();",
                    "#[X]\nsystem('id');",
                    "assert('x');",
                    "eval('x');",
                ],
            ),
        ];
        for (language, programs) in rows {
            for program in *programs {
                let found = acts(*language, program);
                assert_eq!(found.first().map(String::as_str), Some("opaque"), "{language}: {program}");
            }
        }
    }

    #[test]
    fn modules_and_what_is_run_of_files_are_told() {
        check(
            Python,
            &[
                ("import json, os.path as p; print(p.exists('x'))", &["import:json", "import:os"]),
                ("import evil.part", &["opaque", "import:evil"]),
                ("from evil import part", &["opaque", "import:evil"]),
                ("exec(open('f.py').read())", &["opaque", "load:f.py", "read:f.py"]),
                ("import model\nmodel.eval()\nopen('f.py')", &["opaque", "import:model", "read:f.py"]),
                (
                    "import requests\nexec(requests.get('http://x').text)",
                    &["opaque", "network:http://x", "import:requests", "fetched"],
                ),
                ("unknown(open('g', 'w'), '%s' % 1)\nopen('f.py')", &["opaque", "read:f.py", "write:g"]),
            ],
        );
        check(JavaScript, &[("require('./x')", &["opaque", "load:./x"])]);
        check(
            JavaScript,
            &[("eval(require('fs').readFileSync('f.py'))", &["opaque", "load:f.py", "read:f.py"])],
        );
        check(Ruby, &[("eval File.read('f.py')", &["opaque", "load:f.py", "read:f.py"])]);
        check(Php, &[("eval(file_get_contents('f.py'));", &["opaque", "load:f.py", "read:f.py"])]);
    }

    #[test]
    fn plain_acts_are_told() {
        check(Python, &[("import os; os.system('rm -rf x')", &["opaque", "shell:rm -rf x"])]);
        check(Python, &[("import subprocess; subprocess.run('id', shell=True)", &["opaque", "shell:id"])]);
        check(
            Python,
            &[
                ("import subprocess; subprocess.run(['id'])", &["opaque", "shell:'id'"]),
                (
                    "import subprocess as s, subprocess; subprocess.run(['rm', '-rf', \"a b\"], cwd='/')",
                    &["opaque", "shell:'rm' '-rf' 'a b'"],
                ),
                ("import subprocess; subprocess.run('rm x', shell=True)", &["opaque", "shell:rm x"]),
                ("import subprocess; subprocess.run(['rm', x])", &["opaque", "shell:?"]),
                ("import subprocess; subprocess.run(['rm'] + x)", &["opaque", "shell:'rm'"]),
                ("import os; os.execvp('rm', ['rm', '-r', '/'])", &["opaque", "shell:'rm' '-r' '/'"]),
                ("import os; os.execl('/bin/rm', 'rm', x)", &["opaque", "shell:?"]),
            ],
        );
        check(
            JavaScript,
            &[
                ("require('child_process').spawnSync('rm', ['-r', '/'])", &["opaque", "shell:'rm' '-r' '/'"]),
                ("require('child_process').spawnSync('rm', a)", &["opaque", "shell:?"]),
                ("require('child_process').execSync('rm x', {})", &["opaque", "shell:rm x"]),
            ],
        );
        check(
            Perl,
            &[
                ("`rm -r /`", &["opaque", "shell:rm -r /"]),
                ("qx(rm -r /)", &["opaque", "shell:rm -r /"]),
                ("`rm $x`", &["opaque", "shell:?"]),
                ("system('rm', '-r', '/')", &["opaque", "shell:'rm' '-r' '/'"]),
                ("system('rm', $x)", &["opaque", "shell:?"]),
            ],
        );
        check(Python, &[("open('f', 'w').write('x')", &["opaque", "write:f"])]);
        check(
            Python,
            &[("import os; os.remove('f'); print(os.environ)", &["opaque", "delete:f", "environment"])],
        );
        check(Python, &[("import requests; requests.get('http://x/' + a)", &["opaque", "network:?"])]);
        check(Python, &[("import shutil; shutil.rmtree(x)", &["opaque", "delete:?"])]);
        check(JavaScript, &[("require('child_process').execSync('id')", &["opaque", "shell:id"])]);
        check(JavaScript, &[("require('fs').writeFileSync('x', '')", &["opaque", "write:x"])]);
        check(
            JavaScript,
            &[(
                "fs.rmSync('x', {recursive: true}); fetch(`http://${y}`)",
                &["opaque", "delete:x", "network:?"],
            )],
        );
        check(JavaScript, &[("console.log(process.env)", &["opaque", "environment"])]);
        check(Perl, &[("open F,\">pwned\"", &["opaque", "write:?"])]);
        check(Perl, &[("system('id'); unlink 'x'", &["opaque", "shell:id", "delete:x"])]);
        check(Ruby, &[("File.write('x', ''); system 'id'", &["opaque", "shell:id", "write:x"])]);
        check(Ruby, &[("File.open('x', 'a')", &["opaque", "write:x"])]);
        check(Php, &[("unlink('x'); fopen('y', 'w');", &["opaque", "delete:x", "write:y"])]);
    }
}

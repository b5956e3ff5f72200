//! What Python one-liners look at.

use guardrail_schema::Language::Python;

use super::super::testing::{acts, check, harmless};

#[test]
fn computing_is_harmless() {
    harmless(
        Python,
        &[
            "import importlib.util as u; print([(n, bool(u.find_spec(n))) for n in ('numpy','pandas','pytest','yaml')])",
            r"import importlib.util
for m in ['numpy', 'pandas']:
    print(m, importlib.util.find_spec(m) is not None)",
            "import inspect, asyncio; print(inspect.signature(asyncio.wait_for)); print(inspect.getsource(asyncio.wait_for)[:1500])",
            "import inspect, json; print(inspect.signature(json.dumps))",
            "import statistics as st; v=[1,2,3]; print(st.mean(v), st.median(v), st.quantiles(v, n=4))",
            "x = .5; print(x * .25)",
            "import zoneinfo, datetime; print(datetime.datetime.now(zoneinfo.ZoneInfo('Europe/Berlin')).isoformat())",
            "import zlib; print(zlib.crc32(b'abc'))",
            "import itertools; print([(k, len(list(g))) for k, g in itertools.groupby(sorted('banana'))])",
            r"import os
for r, d, f in os.walk('src'):
    print(r, len(f))",
            "import os; print(sorted((e.stat().st_size, e.name) for e in os.scandir('.') if e.is_file()))",
            "import textwrap; print(textwrap.dedent('  a'))",
            "import uuid, secrets; print(uuid.uuid4(), secrets.token_hex(8))",
            "import ipaddress; print(list(ipaddress.ip_network('10.0.0.0/30').hosts()))",
            "from fractions import Fraction; from decimal import Decimal; print(Fraction(1,3) + 1, Decimal('0.1') + 1)",
            "import platform, sysconfig, shutil; print(platform.platform(), sysconfig.get_paths()['purelib'], shutil.which('git'), shutil.disk_usage('/'))",
            "from urllib.parse import urlparse, parse_qs; u = urlparse('http://a/b?c=d'); print(u.netloc, parse_qs(u.query))",
            "print({k: v for k, v in zip('ab', [1, 2])}, [*range(3)], {**{'a': 1}})",
            "import datetime as dt; print((dt.date.fromisoformat('2024-03-01') - dt.date(2024, 1, 1)).days)",
            r"import sys; print('\n'.join(l.rstrip() for l in sys.stdin if 'x' in l))",
            "import difflib; print(difflib.SequenceMatcher(None, 'a', 'b').ratio())",
            "import string; print(string.Template('$a').substitute(a=1))",
            "import enum; print([x for x in dir(enum) if not x.startswith('_')])",
            "import asyncio; print([x for x in dir(asyncio) if 'wait' in x])",
            "import calendar; print(calendar.month(2024, 3))",
        ],
    );
}

#[test]
fn files_that_are_read_are_told() {
    check(
        Python,
        &[
            (
                "import csv, statistics as st; rows=list(csv.DictReader(open('bench/latency.csv'))); v=sorted(float(r['ms']) for r in rows); n=len(v); print('n', n, 'p50', v[n//2], 'p99', v[int(n*.99)], 'mean', round(st.mean(v), 2))",
                &["read:bench/latency.csv"],
            ),
            (
                r#"import ast, pathlib
for p in sorted(pathlib.Path("src").rglob("*.py")):
    t = ast.parse(p.read_text())
    for n in ast.walk(t):
        if isinstance(n, ast.ExceptHandler) and n.type is None:
            print(f"{p}:{n.lineno}: bare except")"#,
                &["read:src/*.py"],
            ),
            ("import hashlib; print(hashlib.sha256(open('a.txt','rb').read()).hexdigest())", &["read:a.txt"]),
            (
                "import xml.etree.ElementTree as ET; t = ET.parse('pom.xml'); print([e.tag for e in t.getroot().iter()])",
                &["read:pom.xml"],
            ),
            (
                "import struct; d = open('a.bin','rb').read(16); print(struct.unpack('<4I', d))",
                &["read:a.bin"],
            ),
            (
                "import ast; t = ast.parse(open('a.py').read()); print([n.name for n in ast.walk(t) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))])",
                &["read:a.py"],
            ),
            (
                "import ast; t = ast.parse(open('a.py').read()); print([(n.lineno, ast.unparse(n)) for n in ast.walk(t) if isinstance(n, ast.Raise)])",
                &["read:a.py"],
            ),
            (
                r"import ast
for n in ast.walk(ast.parse(open('a.py').read())):
    if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant): print(n.slice.value, n.end_col_offset)",
                &["read:a.py"],
            ),
            (
                "from collections import Counter; print(Counter(open('a.txt').read().split()).most_common(10))",
                &["read:a.txt"],
            ),
            (
                "import difflib; print(''.join(difflib.unified_diff(open('a').readlines(), open('b').readlines(), 'a', 'b')))",
                &["read:a", "read:b"],
            ),
            (
                "import tomllib; d = tomllib.load(open('pyproject.toml','rb')); print(d['project']['dependencies'])",
                &["read:pyproject.toml"],
            ),
            (
                "import configparser; c = configparser.ConfigParser(); c.read('setup.cfg'); print(dict(c['metadata']))",
                &["read:setup.cfg"],
            ),
            (r"import re; print(re.findall(r'def (\w+)', open('a.py').read(), re.M))", &["read:a.py"]),
            (r"import json; d = json.load(open('a.json')); print(*sorted(d), sep='\n')", &["read:a.json"]),
            (
                r"import json
with open('a.jsonl') as f:
    for i, line in enumerate(f, 1):
        try: json.loads(line)
        except json.JSONDecodeError as e: print(i, e.msg, e.pos)",
                &["read:a.jsonl"],
            ),
            ("import gzip; print(sum(1 for _ in gzip.open('a.gz', 'rt')))", &["read:a.gz"]),
            (
                "import zipfile; print([i.filename for i in zipfile.ZipFile('a.whl').infolist()])",
                &["read:a.whl"],
            ),
            ("import tarfile; print(tarfile.open('a.tgz').getnames())", &["read:a.tgz"]),
            (
                r"import csv; from collections import defaultdict; d = defaultdict(float)
for r in csv.DictReader(open('o.csv')): d[r['c']] += float(r['a'])
print(dict(d))",
                &["read:o.csv"],
            ),
            (
                "import tokenize; print([t.string for t in tokenize.generate_tokens(open('a.py').readline) if t.type == tokenize.COMMENT])",
                &["read:a.py"],
            ),
            (
                "import pathlib; print(sum(len(p.read_text().splitlines()) for p in pathlib.Path('src').rglob('*.py')))",
                &["read:src/*.py"],
            ),
        ],
    );
}

#[test]
fn what_may_do_more_is_opaque() {
    let rows = [
        "import ast; ast.NodeVisitor().visit(1)",
        "import ast; ast.evil('x')",
        "import ast; ast.Module.x = 1",
        "import importlib.util as u; print([u.find_spec(n) for n in ('a.b', 'c')])",
        "import importlib.util as u; n = 'a'; n += '.b'; print(u.find_spec(n))",
        "import importlib.util as u; print([(n, u.find_spec(n)) for n in x])",
        r"import importlib.util as u
for n in ['a']:
    (n, m) = ('evil.x', 1); print(u.find_spec(n))",
        r"import importlib.util as u
for n in ['a']:
    [(n, m) for m in [(n := 'evil.x')]]; print(u.find_spec(n))",
        r"import importlib.util as u
for n in ['a']:
    [(n, m)] = [('evil.x', 1)]; print(u.find_spec(n))",
        "import inspect, shutil; print(inspect.signature(shutil.copytree).parameters['copy_function'].default('a', 'b'))",
        "import inspect, shutil; s = inspect.signature(shutil.copytree)",
        "import inspect, shutil; f = inspect.signature; f(shutil.copytree)",
        "import inspect, asyncio; print(inspect.signature(asyncio.wait_for, eval_str=True))",
        "import inspect, asyncio; print(inspect.signature(asyncio.run(1)))",
        "import inspect, asyncio; print(inspect.getsource(asyncio.subprocess.create_subprocess_shell('id')))",
        "import inspect, asyncio; print = exec; print(inspect.signature(asyncio.run))",
        "import inspect, subprocess; print(inspect.getsource(subprocess.run)); subprocess.run('id')",
        "import inspect, asyncio; inspect.getsource(asyncio.__dict__)",
        "import inspect, asyncio; inspect.getsource(asyncio.x[1])",
        "import asyncio; x = dir(asyncio); asyncio.run(x)",
        "import asyncio; dir = list; dir(asyncio)",
        "import asyncio; x.dir(asyncio)",
        "import os; hasattr(os, 'x'); os.system('id')",
        "import asyncio; f = hasattr; f(asyncio, 'x')",
        r"import asyncio
def dir(x): x.run(1)
dir(asyncio)",
        "x.5",
        "import os; os.5.system('id')",
        "import string; string.Formatter().format('{0.x}', 1)",
    ];
    for row in rows {
        assert_eq!(acts(Python, row).first().map(String::as_str), Some("opaque"), "{row}");
    }
}

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What reaches the terminal: no control characters, whatever a name holds."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.cli import main, terminal
from tflm_patch.errors import ModelError, TflmPatchError, printable

EVIL = '\x1b]0;title\x07\x1b[2J\r\n\u202e\udcff\x9b31m'


@pytest.mark.parametrize(
  ('text', 'wanted'),
  [
    ('plain "text" \\x1b', 'plain "text" \\x1b'),
    ('Grüße, 模型', 'Grüße, 模型'),
    ('\x1b[31m', '\\x1b[31m'),
    ('a\nb\tc\r', 'a\\nb\\tc\\r'),
    ('\x9b\u202e\u2028', '\\x9b\\u202e\\u2028'),
    ('\udcff', '\\udcff'),
  ],
)
def test_printable(text, wanted):
  assert printable(text) == wanted
  assert printable(wanted) == wanted


@pytest.mark.slow
@given(st.text())
def test_printable_text_is_printable(text):
  assert printable(text).isprintable()
  printable(text).encode()


def test_errors_are_one_printable_line():
  for kind in (TflmPatchError, ModelError):
    assert str(kind(f'name "{EVIL}": why')).isprintable()
  assert str(TflmPatchError('what:\n  why\n  what to do')) == 'what: why what to do'


@pytest.mark.parametrize('encoding', ['utf-8', 'ascii', 'latin-1'])
def test_say_and_complain(encoding, monkeypatch):
  outputs = {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ('stdout', 'stderr')}
  for name, stream in outputs.items():
    monkeypatch.setattr(sys, name, stream)
  terminal.say(f'first 模 {EVIL}\nsecond')
  terminal.complain(f'error: {EVIL}')
  terminal.say_json({'name': EVIL})
  text = outputs['stdout'].buffer.getvalue().decode(encoding)
  first, _, second, rest = *text.partition('\\r')[:2], *text.partition('second\n')[1:]
  assert all(line.isprintable() for line in text.split('\n'))
  assert first.startswith('first') and second and json.loads(rest) == {'name': EVIL}
  error = outputs['stderr'].buffer.getvalue().decode(encoding)
  assert error.count('\n') == 1 and error.rstrip('\n').isprintable()


@pytest.mark.parametrize(
  'arguments',
  [
    ['convert', EVIL],
    [EVIL],
    ['convert', 'm', f'--{EVIL}'],
    ['convert', 'm', '--arena', EVIL],
    ['targets', EVIL],
    ['bench', 'm', '--cpu', EVIL],
    ['export', EVIL, '--format', EVIL, '-o', 'x'],
    ['verify', EVIL, EVIL, '--inputs', EVIL],
    ['analyze', EVIL, '--plot', EVIL],
  ],
)
def test_arguments_with_control_characters(arguments, capsys):
  assert main.main(arguments) in (1, 2)
  printed = capsys.readouterr()
  assert printed.out == ''
  assert printed.err.count('\n') == 1 and printed.err.rstrip('\n').isprintable()

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Text on file descriptor 2 is caught, whoever writes it, one capture after the other."""

import os

import pytest

from tflm_patch.runtime import capture


def test_captures_follow_each_other():
  with capture.stderr():  # opens what later ones use again
    pass
  descriptors = len(os.listdir('/proc/self/fd'))
  for text in ('a long first text', 'short', '', 'last'):
    with capture.stderr() as printed:
      os.write(2, text.encode())
    assert printed.text == text
  assert len(os.listdir('/proc/self/fd')) == descriptors


def test_one_inside_another_takes_its_own_text():
  with capture.stderr() as outer:
    os.write(2, b'before ')
    with capture.stderr() as inner:
      os.write(2, b'within')
    os.write(2, b'after')
  assert (outer.text, inner.text) == ('before after', 'within')


def test_an_error_leaves_nothing_behind():
  with pytest.raises(ValueError, match='no number'), capture.stderr() as printed:
    os.write(2, b'text')
    raise ValueError('no number')
  assert printed.text == 'text'
  with capture.stderr() as printed:
    pass
  assert not printed.text


def test_a_child_has_files_of_its_own():
  with capture.stderr():
    pass
  with capture.stderr() as printed:
    child = os.fork()
    if not child:
      code = 1
      try:
        with capture.stderr() as own:
          os.write(2, b'of the child')
        code = int(own.text != 'of the child')
      finally:
        os._exit(code)
    os.write(2, b'of the parent')
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
  assert printed.text == 'of the parent'

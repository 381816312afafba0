# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Lines of generated C as `.clang-format` has them: comments, and declarations with comments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 100


def comment_lines(text: str, indent: str = '') -> list[str]:
  """A comment of its own, before what it is about."""
  lines = textwrap.wrap(
    text, WIDTH - len(indent) - 6, break_long_words=False, break_on_hyphens=False
  )
  commented = [f'{indent} * {line}' for line in lines]
  commented[0] = f'{indent}/* {lines[0]}'
  commented[-1] += ' */'
  return commented


def commented_lines(lines: Iterable[tuple[str, str]]) -> list[str]:
  """Lines of code, each with its comment after it, or before it where both are too long.

  Comments of lines that follow each other begin in the same column.

  Args:
    lines: Code and comment; the comment may be empty.
  """
  printed: list[str] = []
  block: list[tuple[str, str]] = []

  def finish() -> None:
    column = max((len(code) for code, _ in block), default=0)
    printed.extend(f'{code:{column}} /* {comment} */' for code, comment in block)
    block.clear()

  for code, comment in lines:
    if comment and len(code) + len(comment) + 7 <= WIDTH:
      block.append((code, comment))
      continue
    finish()
    if comment:
      printed += comment_lines(comment, code[: len(code) - len(code.lstrip())])
    printed.append(code)
  finish()
  return printed

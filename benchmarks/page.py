# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables of pages: what stands between `<!-- name -->` and `<!-- end of name -->`.

A page that wants some lines only lists how they begin: `<!-- name: first, second -->`. The line
of the model `first --option` begins with its name and option.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

HEAD_LINES = 2  # the names of the columns, and the line below


def put(files: Sequence[str], name: str, table: str) -> None:
  """Replaces a table in pages.

  Args:
    files: The pages.
    name: Of the table.
    table: All its lines, Markdown.

  Raises:
    SystemExit: a page has no such table, or lists a line that there is none of.
  """
  texts = [replaced(file, name, table) for file in files]
  for file, text in zip(files, texts):
    pathlib.Path(file).write_text(text, encoding='utf-8')


def replaced(file: str, name: str, table: str) -> str:
  """The text of a page with the table, or what it wants of it. See `put`."""
  text = pathlib.Path(file).read_text(encoding='utf-8')
  place = re.compile(
    rf'(<!-- {re.escape(name)}(?:: (?P<wanted>.+?))? -->\n).*?(<!-- end of {re.escape(name)} -->)',
    re.DOTALL,
  )
  found = place.search(text)
  if found is None:
    raise SystemExit(f'{file}: no table between <!-- {name} --> and <!-- end of {name} -->')
  if found['wanted']:
    table = _lines_of(table, found['wanted'].split(', '), file)
  return f'{text[: found.start()]}{found[1]}{table}\n{found[3]}{text[found.end() :]}'


def _lines_of(table: str, wanted: Sequence[str], file: str) -> str:
  head, lines = table.split('\n')[:HEAD_LINES], table.split('\n')[HEAD_LINES:]
  chosen = []
  for beginning in wanted:
    matching = [line for line in lines if line.startswith(f'| {beginning} |')]
    if not matching:
      raise SystemExit(f'{file}: the table has no line "{beginning}"')
    chosen += matching
  return '\n'.join([*head, *chosen])

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables of pages: what stands between `<!-- name -->` and `<!-- end of name -->`."""

from __future__ import annotations

import pathlib


def put(file: str, name: str, text: str) -> None:
  """Replaces a page's table.

  Raises:
    SystemExit: the page has no such table.
  """
  page = pathlib.Path(file)
  begin, end = f'<!-- {name} -->\n', f'<!-- end of {name} -->'
  head, found, rest = page.read_text(encoding='utf-8').partition(begin)
  _, closed, tail = rest.partition(end)
  if not found or not closed:
    raise SystemExit(f'{file}: no table between {begin.strip()} and {end}')
  page.write_text(f'{head}{begin}{text}\n{end}{tail}', encoding='utf-8')

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the HTML reports share: one file each, with its style in it and nothing to load."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from tflm_patch.errors import printable

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 940px; padding: 0 1em;
  color: #222; }
h1 { font-size: 1.4em; margin-bottom: 0; }
h2 { font-size: 1.15em; margin-top: 2em; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 1em 0; }
.figure { background: #f3f6f9; border-radius: 6px; padding: 10px 16px; min-width: 130px; }
.figure b { display: block; font-size: 1.45em; }
.missed { background: #fdecea; }
.scroll { overflow-x: auto; }
svg { width: 100%; height: auto; }
svg text { font-size: 12px; fill: #444; }
.stock { fill: #b8c4d0; }
.converted { fill: #1f6fb2; }
.axis { stroke: #999; }
.grid { stroke: #eee; }
table { border-collapse: collapse; }
td, th { padding: 3px 10px; text-align: right; border-bottom: 1px solid #ddd; }
code { background: #f3f6f9; padding: 2px 4px; word-break: break-word; }
"""


def document(title: str, style: str, body: Iterable[str]) -> str:
  """The text of a file.

  Args:
    title: Not escaped yet.
    style: Of this kind of report, beyond what all have.
    body: HTML below the title, a piece a line.
  """
  heading = text(title)
  return '\n'.join(
    (
      '<!DOCTYPE html>',
      '<html lang="en">',
      f'<head>\n<meta charset="utf-8">\n<title>{heading}</title>',
      f'<style>{_STYLE}{style.lstrip()}</style>\n</head>',
      f'<body>\n<h1>{heading}</h1>',
      *body,
      '</body>\n</html>\n',
    )
  )


def text(value: str) -> str:
  """Text of unknown origin, as HTML."""
  return html.escape(printable(value))


def figure(value: str, label: str, missed: bool = False) -> str:
  """A number in a box: HTML, and what it is."""
  return f'<div class="figure{" missed" if missed else ""}"><b>{value}</b>{text(label)}</div>'


def figures(boxes: Iterable[str]) -> str:
  """Boxes beside each other."""
  return f'<div class="figures">{"".join(boxes)}</div>'


def command(line: str) -> list[str]:
  """The end of a report: what makes the same again."""
  return ['<h2>Command</h2>', f'<p><code>{text(line)}</code></p>']


def table_row(tag: str, cells: Sequence[str], css: str = '') -> str:
  """A row of a table.

  Args:
    tag: 'td' or 'th'.
    cells: Not escaped yet.
    css: Class of the row; '' for none.
  """
  inner = ''.join(f'<{tag}>{text(cell)}</{tag}>' for cell in cells)
  return f'<tr class="{css}">{inner}</tr>' if css else f'<tr>{inner}</tr>'

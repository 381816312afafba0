# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of a report on work that fills a folder: a page, and a chart where that is possible."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

from tflm_patch.errors import EnvironmentMissing
from tflm_patch.graph.files import write_atomically

PAGE, CHART = 'report.html', 'report.png'
NOT_VERIFIED = 'not verified: the TFLM interpreter does not exist here'


def write_files(
  folder: str | os.PathLike[str], page: str, plot: Callable[[pathlib.Path], None]
) -> list[str]:
  """Writes the page and the chart.

  Args:
    folder: Where to.
    page: Text of the page.
    plot: Draws the chart into a file.

  Returns:
    The names of what was written; the chart only where matplotlib is installed.

  Raises:
    TflmPatchError: one cannot be written.
  """
  path = pathlib.Path(folder)
  write_atomically(path / PAGE, page.encode())
  try:
    plot(path / CHART)
  except EnvironmentMissing:
    return [PAGE]  # matplotlib is optional; the page says the same
  return [PAGE, CHART]


def limit_text(limit: int | None) -> str:
  """What stands behind a number that is limited."""
  return '' if limit is None else f' (of {limit:,})'

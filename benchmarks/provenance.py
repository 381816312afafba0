# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where figures come from, for the benchmarks beside this one."""

from __future__ import annotations

import pathlib
import subprocess


def commit() -> str:
  """The short name of the commit that is measured; empty outside a repository."""
  run = subprocess.run(
    ['git', 'rev-parse', '--short', 'HEAD'],
    cwd=pathlib.Path(__file__).resolve().parent,
    capture_output=True,
    text=True,
  )
  return run.stdout.strip()

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Python processes that import what this one imports."""

from __future__ import annotations

import json
import sys

from tflm_patch.errors import EnvironmentMissing

# The same import path as here, and nothing of the current folder.
_BOOTSTRAP = 'import json, sys\nsys.path[:] = json.loads(sys.argv.pop(1))\n'


def python_command(code: str, *arguments: str) -> list[str]:
  """The command line of a Python that runs `code`, with arguments in sys.argv[1:].

  Raises:
    EnvironmentMissing: this Python does not know its own executable.
  """
  if not sys.executable:
    raise EnvironmentMissing('no Python executable to run TFLM with; use a regular Python')
  return [sys.executable, '-c', _BOOTSTRAP + code, json.dumps(sys.path), *arguments]

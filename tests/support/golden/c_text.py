# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arrays and structures as C."""

from __future__ import annotations

from typing import Any

import numpy as np
import tflite_micro

TOP = (
  f'/* Made by tests/support/golden with tflite-micro {tflite_micro.__version__}. */\n'
  '#include "golden.h"\n'
)


def array(ctype: str, name: str, values: np.ndarray) -> str:
  """A C array definition."""
  flat = values.reshape(-1)
  if flat.dtype == np.float32:
    items = [c_float(float(value)) for value in flat]
  else:
    items = [str(int(value)) for value in flat]
  lines, line = [], ''
  for item in items:
    if len(line) + len(item) + 2 > 76:
      lines.append(line)
      line = ''
    line += f'{item}, ' if line else f'    {item}, '
  body = '\n'.join(text.rstrip() for text in [*lines, line])
  return f'static const {ctype} {name}[] = {{\n{body}\n}};\n'


def c_float(value: float) -> str:
  """A C constant of the same float32 value."""
  return f'{value.hex()}f'


def fields(values: dict[str, Any]) -> str:
  """The designated initializers of a struct."""
  lines = []
  for key, value in values.items():
    text = '{' + ', '.join(map(str, value)) + '}' if isinstance(value, tuple) else str(value)
    lines.append(f'        .{key} = {text},\n')
  return '    {\n' + ''.join(lines) + '    },\n'

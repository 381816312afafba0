# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A component for a wake word: the converted streaming model, and C that listens with it.

  python examples/wake_word/build.py okay_nabu.tflite component

Models: github.com/esphome/micro-wake-word-models. Each takes 3 x 40 features, 10 ms of sound
apart, and keeps what it needs of earlier ones. The features are made by TFLM's own signal library
(signal/micro/kernels; the model audio_preprocessor_int8.tflite of its example micro_speech strings
these operators together) or, as ESPHome does, by its C front end; nothing of them is copied here.
"""

from __future__ import annotations

import pathlib
import shutil
import sys

from tflm_patch import convert, export, verify
from tflm_patch.export import ExportOptions

HERE = pathlib.Path(__file__).resolve().parent


def build(model: pathlib.Path, component: pathlib.Path) -> None:
  """Converts, compares 64 slices of a stream with TFLM, and exports."""
  small = component.with_suffix('.tflite')
  result = convert(model, small)
  checked = verify(model, small, 64)
  export.export(small, component, ExportOptions('c-array', 'model', 'direct'))
  for name in ('wake_word.h', 'wake_word.c'):
    shutil.copy(HERE / name, component)
  print(f'arena {result.original_arena.total:,} -> {result.converted_arena.total:,} bytes', end='')
  print(f', bit-exact {checked.bit_exact}; wrote {component}')


if __name__ == '__main__':
  if len(sys.argv) != 3:
    sys.exit(__doc__)
  build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

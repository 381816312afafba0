# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compilers, and converted models to export."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from support.model_builder import ModelBuilder
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.export.runner import PATTERN_START, PATTERN_STEP
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.rows import run_rows
from tflm_patch.runtime.tflm import Interpreter

FAKE_TFLM = pathlib.Path(__file__).resolve().parents[1] / 'firmware/fake_tflm'
WARNINGS = ['-Wall', '-Wextra', '-Wdouble-promotion', '-Wshadow', '-Werror']
C11 = ['-std=c11', *WARNINGS]
CXX14 = [
  '-std=c++14',
  '-fno-rtti',
  '-fno-exceptions',
  '-DTF_LITE_STATIC_MEMORY',
  '-DFAKE_TFLM_OF_CXX14',
  *WARNINGS,
]

# Compiler prefix and flags, by architecture.
CORTEX_M4 = ['-mcpu=cortex-m4', '-mthumb', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16']
TARGETS = {
  'armv6-m': ('arm-none-eabi-', ['-mcpu=cortex-m0plus', '-mthumb']),
  'armv7e-m': ('arm-none-eabi-', CORTEX_M4),
  'armv8.1-m.main': ('arm-none-eabi-', ['-mcpu=cortex-m55', '-mthumb', '-mfloat-abi=hard']),
  'rv32imc': (
    'riscv64-unknown-elf-',
    ['-march=rv32imc', '-mabi=ilp32', '--specs=picolibc.specs', f'-I{FAKE_TFLM}/freestanding'],
  ),
}


def run(*command, cwd=None, env=None):
  result = subprocess.run(
    [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=300
  )
  assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
  return result.stdout


def need(*tools):
  for tool in tools:
    if shutil.which(tool) is None:
      pytest.skip(f'{tool} is not installed')


def image_model(float_output=False):
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 12, 10, 3)), 8, 3, 2)
  x = b.depthwise(b.add(x, b.conv(x, 8, 1)))
  x = b.softmax(b.fully_connected(b.average_pool(x, (6, 5)), 4))
  b.output(b.dequantize(x) if float_output else x)
  return b.build()


def converted(data=None, **options):
  result = convert_model(data or image_model(), ConvertOptions(force_stage=True, **options))
  assert result.stages
  return result.data


def pattern(shape, dtype):
  """What the example feeds."""
  if dtype == DType.FLOAT32:
    return np.zeros(shape, np.float32)
  count = int(np.prod(shape))
  values = (np.arange(count) * PATTERN_STEP + PATTERN_START).astype(np.uint8)
  return values.view(dtype.numpy).reshape(shape)


def printed_by_example(data, frame_shape=None):
  """What the example must print, by TFLM's interpreter."""
  main = parse_model(data).main
  interpreter = Interpreter(data)
  tensors = [main.tensors[i] for i in main.inputs]
  if frame_shape is not None:
    frame = pattern(frame_shape, tensors[0].dtype)
    outputs = run_rows(interpreter._interpreter, frame, len(main.outputs))
  else:
    outputs = interpreter.invoke([pattern(t.shape, t.dtype) for t in tensors])
  lines = []
  for i, values in enumerate(outputs):
    form = '%.9g' if values.dtype == np.float32 else '%d'
    lines.append(f'output {i}: ' + ' '.join(form % value for value in values.ravel()) + '\n')
  return ''.join(lines)

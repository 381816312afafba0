# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Conversion as Python functions: files in, files out."""

from __future__ import annotations

import os
import pathlib

from tflm_patch.conversion.convert import convert_model, convert_parsed
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.conversion.pipeline import Progress
from tflm_patch.conversion.result import SCHEMA_VERSION, ConversionResult, StockOperator
from tflm_patch.graph.files import check_outputs, read_limited, write_atomically
from tflm_patch.graph.reader import parse_model

__all__ = [
    'SCHEMA_VERSION',
    'ConversionResult',
    'ConvertOptions',
    'StockOperator',
    'convert',
    'convert_model',
    'default_output',
]


def convert(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    options: ConvertOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> ConversionResult:
  """Converts a file.

  Args:
    path: The `.tflite` file.
    output: Where to write; `<name>_patch.tflite` beside the input by default.
    options, progress: As for `convert_model`.

  Raises:
    TflmPatchError: unreadable input, unwritable output, unknown option.
  """
  output = default_output(path) if output is None else output
  data = read_limited(path)
  check_outputs([path], [output])
  model = parse_model(data, os.fspath(path))
  result = convert_parsed(data, model, options, os.fspath(path), progress)
  write_atomically(output, result.data)
  return result


def default_output(path: str | os.PathLike[str]) -> pathlib.Path:
  """`model.tflite` -> `model_patch.tflite`, in the same folder."""
  path = pathlib.Path(path)
  return path.with_name(f'{path.stem}_patch.tflite')

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of everything that quantizes a Keras model."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from tflm_patch.cli import values
from tflm_patch.cli.command import UsageError
from tflm_patch.quantization.options import Backend, GeluBy, QuantizeOptions, Ranges

if TYPE_CHECKING:
  from collections.abc import Callable

  from tflm_patch.quantization.result import QuantizationResult

_IO_TYPES = ('int8', 'uint8', 'int16', 'float32')


def define(parser: argparse.ArgumentParser) -> None:
  """Adds them."""
  group = parser.add_argument_group('quantization of a Keras model')
  group.add_argument(
    '--samples',
    metavar='FILE|FOLDER',
    help='typical inputs: a .npz (arrays by the names of the inputs), a .npy, or a folder of '
    'images; at most 512 are used',
  )
  group.add_argument(
    '--pixel-range',
    type=values.argument(parse_pixel_range),
    metavar='LOW,HIGH',
    default=(0.0, 255.0),
    help='what the model takes for black and white, with a folder of images (default: 0,255)',
  )
  group.add_argument(
    '--input-type', choices=_IO_TYPES, help='of the inputs (default: that of the activations)'
  )
  group.add_argument(
    '--output-type', choices=_IO_TYPES, help='of the outputs (default: that of the activations)'
  )
  group.add_argument(
    '--activations',
    choices=('int8', 'int16'),
    default='int8',
    help='int16 is 16x8 quantization (default: %(default)s)',
  )
  group.add_argument(
    '--per-tensor', action='store_true', help='one scale for all weights of a layer'
  )
  group.add_argument(
    '--ranges',
    choices=[each.value for each in Ranges],
    default=Ranges.MIN_MAX.value,
    help='how the range of a tensor follows from the samples (default: %(default)s)',
  )
  group.add_argument(
    '--percentile',
    type=float,
    metavar='P',
    default=99.99,
    help='with --ranges percentile: per cent of the values not above, and not below, the range '
    '(default: %(default)s)',
  )
  group.add_argument(
    '--gelu',
    choices=[each.value for each in GeluBy],
    default=GeluBy.REFUSE.value,
    help='TFLM has no GELU: sigmoid takes x * sigmoid(1.702 x) in its place (default: %(default)s)',
  )
  group.add_argument(
    '--backend',
    choices=[each.value for each in Backend],
    default=Backend.OWN.value,
    help="who writes the int8 model: our own writer, or TensorFlow's converter for layers that "
    'it does not know (default: %(default)s)',
  )


def options(arguments: argparse.Namespace) -> QuantizeOptions:
  """The options that were given."""
  return QuantizeOptions(
    input_type=arguments.input_type or '',
    output_type=arguments.output_type or '',
    activations=arguments.activations,
    per_channel=not arguments.per_tensor,
    ranges=Ranges(arguments.ranges),
    percentile=arguments.percentile,
    gelu=GeluBy(arguments.gelu),
    backend=Backend(arguments.backend),
  )


def run(
  arguments: argparse.Namespace, path: str, progress: Callable[[str], None]
) -> QuantizationResult:
  """Loads a model and its samples, and quantizes it.

  Raises:
    UsageError: there are no samples.
    TflmPatchError: what `quantize` raises, with the file's name.
  """
  if arguments.samples is None:
    raise UsageError(
      f'{path} is a Keras model: --samples says what it is calibrated on (a .npz, a .npy or a '
      f'folder of images)'
    )
  wanted = options(arguments)
  from tflm_patch.quantization.files import quantize_file

  return quantize_file(path, arguments.samples, wanted, arguments.pixel_range, progress)


def parse_pixel_range(text: str) -> tuple[float, float]:
  """Two numbers: '0,1', '-1,1'.

  Raises:
    ValueError: they are not two different finite numbers.
  """
  parts = text.split(',')
  try:
    low, high = (float(part) for part in parts)
  except ValueError:
    low = high = math.nan
  if not (math.isfinite(low) and math.isfinite(high) and low != high):
    raise ValueError(f'"{text}" is no range of pixels; write two numbers, as in -1,1')
  return low, high

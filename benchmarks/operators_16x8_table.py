# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks of int16 activations whose operators once cut their stages; a Markdown table.

  python benchmarks/operators_16x8_table.py [--json] [--inputs N]
  python benchmarks/operators_16x8_table.py --write FOLDER

Arenas are those of firmware with 4-byte pointers. "Before" are those of commit 1b151a5 on the
same files, recorded below; --write writes the files. Output bytes are compared with those of
TFLM's interpreter.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from support.model_builder import ModelBuilder  # noqa: E402

from tflm_patch.api import ConvertOptions, convert_model  # noqa: E402
from tflm_patch.graph.reader import parse_model  # noqa: E402
from tflm_patch.graph.types import DType  # noqa: E402
from tflm_patch.runtime.inputs import sample_inputs  # noqa: E402
from tflm_patch.runtime.verify import compare, io_adapter  # noqa: E402

BEFORE_COMMIT = '1b151a5'
BEFORE = {
  'unet_16x8': 430484,
  'attention_unet_16x8': 154548,
  'denoiser_16x8': 69844,
  'squeeze_excite_16x8': 339332,
}
SCHEMA_VERSION = 1


def _like(b: ModelBuilder, x: int, other: int) -> int:
  """A map in the scale of another one, as CONCATENATION needs it."""
  return b.quantize(x, DType.INT16, like=other)


def _double_conv(b: ModelBuilder, x: int, channels: int) -> int:
  return b.conv(b.conv(x, channels, activation='RELU'), channels, activation='RELU')


def unet(b: ModelBuilder) -> int:
  """Two levels, TRANSPOSE_CONV on the way up, a LOGISTIC mask."""
  skips = []
  x = b.input((1, 64, 64, 1), DType.INT16)
  for channels in (8, 16):
    x = _double_conv(b, x, channels)
    skips.append(x)
    x = b.max_pool(x)
  x = _double_conv(b, x, 32)
  for skip in reversed(skips):
    channels = b.shape(skip)[3]
    up = _like(b, b.transpose_conv(x, channels, 2), skip)
    x = _double_conv(b, b.concat([skip, up]), channels)
  return b.logistic(b.conv(x, 1, 1))


def attention_unet(b: ModelBuilder) -> int:
  """Nearest neighbours on the way up, skips that a gate multiplies, a SOFTMAX of four classes."""
  skips = []
  x = b.input((1, 48, 48, 3), DType.INT16)
  for channels in (8, 16):
    x = b.leaky_relu(b.conv(x, channels))
    skips.append(x)
    x = b.conv(x, 2 * channels, 3, 2, activation='RELU')
  for skip in reversed(skips):
    _, rows, cols, channels = b.shape(skip)
    up = b.conv(b.resize_nearest(x, rows, cols), channels, activation='RELU')
    gate = b.logistic(b.conv(b.add(b.conv(skip, channels, 1), up, 'RELU'), 1, 1))
    gated = b.mul(skip, gate)
    x = b.leaky_relu(b.conv(b.concat([gated, _like(b, up, gated)]), channels))
  return b.softmax(b.conv(x, 4, 1))


def denoiser(b: ModelBuilder) -> int:
  """A sound of one channel: gated dilated convolutions; the noise is taken off the input."""
  sound = b.input((1, 512, 1, 1), DType.INT16)
  x = b.conv(sound, 16, (3, 1), activation='RELU')
  for dilation in (1, 2, 4, 8):
    wide = b.conv(x, 16, (3, 1), dilation=(dilation, 1))
    gated = b.mul(b.tanh(wide), b.logistic(b.conv(x, 16, (3, 1), dilation=(dilation, 1))))
    x = b.add(x, b.conv(gated, 16, 1))
  return b.sub(sound, b.conv(x, 1, 1))


def squeeze_excite(b: ModelBuilder) -> int:
  """Inverted residuals with gates over the means of maps, and SiLU."""
  x = b.input((1, 64, 64, 3), DType.INT16)
  x = b.conv(x, 16, 3, 2)
  for stride, channels in ((1, 16), (2, 24), (1, 24)):
    wide = b.conv(x, 3 * b.shape(x)[3], 1)
    wide = b.mul(wide, b.logistic(wide))
    wide = b.depthwise(wide, 1, 3, stride, activation='RELU6')
    gate = b.conv(b.mean(wide), 8, 1, activation='RELU')
    wide = b.mul(wide, b.logistic(b.conv(gate, b.shape(wide)[3], 1)))
    narrow = b.conv(wide, channels, 1)
    x = b.add(x, narrow) if b.shape(x) == b.shape(narrow) else narrow
  return b.softmax(b.fully_connected(b.mean(x, keep_dims=False), 10))


NETWORKS: dict[str, Callable[[ModelBuilder], int]] = {
  'unet_16x8': unet,
  'attention_unet_16x8': attention_unet,
  'denoiser_16x8': denoiser,
  'squeeze_excite_16x8': squeeze_excite,
}


@dataclasses.dataclass(frozen=True)
class Row:
  """A line of the table; sizes in bytes.

  Attributes:
    network: Its name.
    stock, before, after: Arenas: TFLM's own, of the older commit, of this one.
    stages: How many there are.
    stock_operators: What stayed outside.
  """

  network: str
  stock: int
  before: int
  after: int
  stages: int
  stock_operators: list[str]

  @property
  def ratio(self) -> float:
    """Arena after over that of before."""
    return self.after / self.before


def model(name: str) -> bytes:
  """A network's file."""
  b = ModelBuilder(16)
  b.output(NETWORKS[name](b))
  return b.build()


def measure(name: str, inputs: int) -> Row:
  """Converts a network and compares its outputs."""
  data = model(name)
  result = convert_model(data, ConvertOptions(), name)
  adapter = io_adapter(result.original, result.model)
  comparison = compare(data, result.data, sample_inputs(parse_model(data), inputs), adapter)
  if not comparison.bit_exact:
    raise SystemExit(f'{name}: {comparison.first}')
  return Row(
    network=name,
    stock=result.original_arena.total,
    before=BEFORE[name],
    after=result.converted_arena.total,
    stages=len(result.stages),
    stock_operators=[operator.name for operator in result.stock_operators],
  )


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--json', action='store_true', help='for machines')
  parser.add_argument('--inputs', type=int, default=5, help='on which outputs are compared')
  parser.add_argument('--write', type=pathlib.Path, help='write the networks into a folder')
  arguments = parser.parse_args()
  if arguments.write is not None:
    arguments.write.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
      (arguments.write / f'{name}.tflite').write_bytes(model(name))
    return
  rows = [measure(name, arguments.inputs) for name in NETWORKS]
  if arguments.json:
    found = [{**dataclasses.asdict(row), 'ratio': round(row.ratio, 4)} for row in rows]
    print(
      json.dumps(
        {'schema_version': SCHEMA_VERSION, 'before': BEFORE_COMMIT, 'networks': found}, indent=2
      )
    )
    return
  print('| network | stock arena | before | after | after / before | stages | outside |')
  print('|---|---:|---:|---:|---:|---:|---|')
  for row in rows:
    print(
      f'| {row.network} | {row.stock:,} | {row.before:,} | {row.after:,} | {row.ratio:.2f} '
      f'| {row.stages} | {", ".join(row.stock_operators) or "nothing"} |'
    )


if __name__ == '__main__':
  main()

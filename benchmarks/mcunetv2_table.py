# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Table 1 of MCUNetV2 (arXiv 2110.15352), published and computed; a Markdown table.

  python benchmarks/mcunetv2_table.py [mobilenet_v2.tflite] [--json]

The model is MobileNetV2-1.0 at 224x224 in int8, by default that of the folder
TFLM_PATCH_MODELS (default: ../shared/models). The paper states two overheads that
one way of counting cannot both give: +42 % of its stage would be +13 % of the whole
network. Patches that are all equal, padding counted, give the stage's figure; patches
without what lies outside of the image, as they are really run, give the network's.
Both are shown for both. The exit code is 1 when a figure does not agree.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Callable

from tflm_patch.analysis.patch_report import ReceptiveFieldReport, receptive_field
from tflm_patch.errors import TflmPatchError

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODEL = 'mbv2_1.0_224_int8.tflite'
GRID = (4, 4)
_KB = 1024


@dataclasses.dataclass(frozen=True)
class Found:
  """A line of the table; see `Figure`."""

  name: str
  published: float
  unit: str
  equal: float
  clamped: float | None
  agrees: bool

  def line(self) -> str:
    """Of the table."""
    unit = self.unit and f' {self.unit}'
    cells = [
      '' if value is None else f'{value:.{1 if value % 1 else 0}f}{unit}'
      for value in (self.equal, self.clamped)
    ]
    agrees = 'yes' if self.agrees else '**no**'
    return f'| {self.name} | {self.published:g}{unit} | {" | ".join(cells)} | {agrees} |'


@dataclasses.dataclass(frozen=True)
class Figure:
  """A figure of the paper.

  Attributes:
    name: What it is.
    published: In the paper.
    tolerance: Rounding of the published figure.
    unit: Behind the number.
    equal: Ours, with equal patches, padding counted.
    clamped: Ours, without what lies outside of the image.
    counted: Which of the two the paper's figure is compared with.
  """

  name: str
  published: float
  tolerance: float
  unit: str
  equal: Callable[[ReceptiveFieldReport], float]
  clamped: Callable[[ReceptiveFieldReport], float] | None = None
  counted: str = 'equal'

  def found(self, report: ReceptiveFieldReport) -> Found:
    """What we count."""
    equal = self.equal(report)
    clamped = None if self.clamped is None else self.clamped(report)
    counted = equal if clamped is None or self.counted == 'equal' else clamped
    agrees = abs(counted - self.published) <= self.tolerance
    return Found(self.name, self.published, self.unit.strip(), equal, clamped, agrees)


def _stage_overhead(exact: bool) -> Callable[[ReceptiveFieldReport], float]:
  return lambda report: 100 * report.stage.stage_overhead(exact)


def _network_overhead(exact: bool) -> Callable[[ReceptiveFieldReport], float]:
  return lambda report: 100 * report.stage.network_overhead(exact)


def _network_macs(macs: int, report: ReceptiveFieldReport) -> float:
  return (report.stage.network_macs - report.stage.macs + macs) / 1e6


FIGURES = (
  Figure('patch side on the image', 75, 0, '', lambda r: r.stage.patch[0]),
  Figure('side of the output of the patch stage', 28, 0, '', lambda r: _output_side(r)),
  Figure(
    'MACs of the patch stage',
    130,
    5,
    ' M',
    lambda r: r.stage.macs_uniform / 1e6,
    lambda r: r.stage.macs_exact / 1e6,
  ),
  Figure(
    'overhead of the patch stage', 42, 0.5, ' %', _stage_overhead(False), _stage_overhead(True)
  ),
  Figure(
    'MACs of the network',
    330,
    5,
    ' M',
    lambda r: _network_macs(r.stage.macs_uniform, r),
    lambda r: _network_macs(r.stage.macs_exact, r),
    'clamped',
  ),
  Figure(
    'overhead of the network',
    10,
    1,
    ' %',
    _network_overhead(False),
    _network_overhead(True),
    'clamped',
  ),
  Figure('peak, per layer', 1372, 0.5, ' kB', lambda r: r.per_layer_peak.bytes / _KB),
  Figure('peak, per patch', 172, 0.5, ' kB', lambda r: r.stage.peak_bytes / _KB),
)


def _output_side(report: ReceptiveFieldReport) -> int:
  shape = report.operators[report.stage.depth - 1].output_shape
  return 0 if shape is None else shape[0]


def main() -> int:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  parser.add_argument('model', nargs='?', type=pathlib.Path, default=folder / MODEL)
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  try:
    report = receptive_field(arguments.model, GRID)
  except TflmPatchError as error:
    print(error, file=sys.stderr)
    return 1
  rows = [figure.found(report) for figure in FIGURES]
  if arguments.json:
    figures = [dataclasses.asdict(row) for row in rows]
    print(json.dumps({'schema_version': 1, 'figures': figures}, indent=2))
  else:
    print('| 4x4 patches | published | equal patches | patches without padding | agrees |')
    print('|---|---:|---:|---:|---|')
    print('\n'.join(row.line() for row in rows))
  return 0 if all(row.agrees for row in rows) else 1


if __name__ == '__main__':
  sys.exit(main())

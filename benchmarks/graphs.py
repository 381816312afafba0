# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graph convolutional networks of points in the plane, beside stock TFLM.

  python benchmarks/graphs.py
  python benchmarks/graphs.py --json --out graphs.json
  python benchmarks/graphs.py --update docs/graphs.md

500 points of a fixed seed with their 6 nearest neighbours, two graph convolutions (untrained),
of several numbers of features. Arenas are predicted for pointers of 4 bytes; what this machine's
interpreter measures is compared with its own prediction. Outputs of the converted model, whole
and by rows, are compared with stock TFLM's, byte by byte; the exit code is 1 when one differs.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import time
from typing import Any

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import page
import provenance

import tflm_patch
from tflm_patch.quantization.model_io import require_keras
from tflm_patch.runtime.tflm import Interpreter

SCHEMA_VERSION = 1
NODES, NEIGHBOURS, SEED, INPUTS = 500, 6, 7, 8
FEATURES = ((2, 16, 4), (16, 16, 4), (16, 16, 16))
HEADER = (
  '| features | stock arena | converted | ratio | `--input-rows 1` | ratio | bandwidth '
  '| nodes held | MACs | of stock |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|'
)


def edges() -> np.ndarray:
  """int64 [3000, 2], each point with its nearest ones."""
  points = np.random.default_rng(SEED).uniform(size=(NODES, 2))
  distances = np.square(points[:, None] - points[None]).sum(axis=-1)
  nearest = np.argsort(distances, axis=1, kind='stable')[:, 1 : NEIGHBOURS + 1]
  return np.stack([np.repeat(np.arange(NODES), NEIGHBOURS), nearest.reshape(-1)], axis=1)


def network(features: tuple[int, int, int]) -> bytes:
  """The int8 model of two graph convolutions."""
  keras: Any = require_keras()
  from tflm_patch.models import GraphConvolution

  keras.utils.set_random_seed(SEED)
  source = keras.Input((NODES, features[0]), name='features')
  x = GraphConvolution(features[1], edges(), 'relu')(source)
  model = keras.Model(source, GraphConvolution(features[2], edges())(x))
  rng = np.random.default_rng(SEED)
  samples = rng.normal(size=(16, NODES, features[0])).astype(np.float32)
  data: bytes = tflm_patch.quantize(model, samples).data
  return data


def differing(stock: bytes, converted: bytes, channels: int) -> int:
  """Bytes of outputs that are not stock TFLM's."""
  first, second = Interpreter(stock), Interpreter(converted)
  rng = np.random.default_rng(SEED)
  found = 0
  for _ in range(INPUTS):
    x = rng.integers(-128, 128, (1, NODES, channels)).astype(np.int8)
    found += int((first.invoke([x])[0] != second.invoke([x])[0]).sum())
  return found


def measure(features: tuple[int, int, int]) -> dict[str, Any]:
  """Sizes of a network, whole and by rows."""
  data = network(features)
  whole = tflm_patch.convert_model(data)
  rows = tflm_patch.convert_model(data, tflm_patch.ConvertOptions(input_rows=1))
  measured = Interpreter(whole.data).arena_usage().total
  ordered = max(rows.neighbourhoods, key=lambda each: each.reordered)
  return {
    'features': features,
    'stock_arena': whole.original_arena.total,
    'arena': whole.converted_arena.total,
    'arena_by_rows': rows.converted_arena.total,
    'ratio': whole.converted_arena.total / whole.original_arena.total,
    'ratio_by_rows': rows.converted_arena.total / whole.original_arena.total,
    'arena_host_is_as_predicted': measured == whole.converted_arena_host.total,
    'stages': len(whole.stages),
    'stock_operators': len(whole.stock_operators),
    'bandwidth': ordered.bandwidth,
    'nodes_held': ordered.rows_held,
    'stock_macs': whole.original_macs,
    'macs': whole.converted_macs,
    'stock_file': whole.original_bytes,
    'file': whole.converted_bytes,
    'differing_bytes': sum(differing(data, each.data, features[0]) for each in (whole, rows)),
  }


def line(found: dict[str, Any]) -> str:
  """A row of the table."""
  cells = (
    ', '.join(map(str, found['features'])),
    f'{found["stock_arena"]:,}',
    f'**{found["arena"]:,}**',
    f'{found["ratio"]:.2f}x',
    f'{found["arena_by_rows"]:,}',
    f'{found["ratio_by_rows"]:.2f}x',
    f'{found["bandwidth"]}',
    f'{found["nodes_held"]}',
    f'{found["macs"]:,}',
    f'{100 * found["macs"] / found["stock_macs"]:.1f} %',
  )
  return f'| {" | ".join(cells)} |'


def main() -> int:
  """Measures, prints, and says by the exit code whether all bytes are the same."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--json', action='store_true', help='print JSON')
  parser.add_argument('--out', help='write the JSON to a file, too')
  parser.add_argument(
    '--update', metavar='PAGE', nargs='+', help='replace the table in these pages'
  )
  arguments = parser.parse_args()
  begin = time.monotonic()
  networks = [measure(features) for features in FEATURES]
  found = {
    'schema_version': SCHEMA_VERSION,
    'command': 'python benchmarks/graphs.py --json',
    'commit': provenance.commit(),
    'seconds': round(time.monotonic() - begin),
    'nodes': NODES,
    'neighbours': NEIGHBOURS,
    'seed': SEED,
    'networks': networks,
  }
  text = json.dumps(found, indent=1)
  if arguments.out:
    pathlib.Path(arguments.out).write_text(f'{text}\n')
  table = '\n'.join([HEADER, *map(line, networks)])
  if arguments.update:
    page.put(arguments.update, 'graphs', table)
  print(text if arguments.json else table)
  return int(any(each['differing_bytes'] for each in networks))


if __name__ == '__main__':
  sys.exit(main())

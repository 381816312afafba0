# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The next three hours of solar power in Great Britain, from the twelve hours before.

  pip install 'tflm-patch[train]' && pip install --no-deps aeon
  python examples/forecast.py [folder]

Prints the error of the int8 model beside that of the float model, and of saying "as it is now".
"""

from __future__ import annotations

import pathlib
import sys
import tempfile

import numpy as np
from series_data import columns

from tflm_patch.training import DataOptions, TrainOptions, Windows, train

MODEL = 'in24x1x1 conv5x1_s2x1_c8_relu_valid conv5x1_s2x1_c16_relu_valid flatfc6'
STEPS, HORIZON = 24, 6  # half hours


def main(folder: pathlib.Path) -> None:
  """Trains into a folder."""
  data = folder / 'solar.npz'
  np.savez(data, series=columns('solar/solar.csv'))
  options = TrainOptions(epochs=150, optimizer='adamw', learning_rate=0.005)
  reading = DataOptions(windows=Windows(STEPS, HORIZON))
  result = train(data, MODEL, options, output=folder / 'out', reading=reading)
  test = result.dataset.test
  now = float(np.mean(np.abs(test.inputs[:, -1, 0] - test.targets)))
  print(f'mean absolute error {result.int8.score:.4f} int8, {result.float_score:.4f} float', end='')
  print(f', {now:.4f} of "as it is now", on {len(test)} held-out windows')
  print(f'arena {result.arena_total:,} bytes, file {result.file_bytes:,}; same bytes', end=' ')
  print(f'as before conversion: {result.verified}')


if __name__ == '__main__':
  with tempfile.TemporaryDirectory() as temporary:
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary))

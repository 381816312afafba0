# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A walk by three accelerometers: what is unusual in it, a window that goes on by an eighth.

  pip install 'tflm-patch[train]' && pip install --no-deps aeon
  python examples/wearable.py [folder]

Daphnet's S06R02E0 (ankle, thigh, trunk; 64 Hz), of which aeon carries 110 seconds. Nobody freezes
in these, so nothing in them is an anomaly; what is told from them here is the thigh's sensor
strapped on the wrong way round.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile

import numpy as np
from series_data import columns

from tflm_patch import ConvertOptions, convert, verify
from tflm_patch.training import AnomalyOptions, DataOptions, TrainOptions, train

MODEL = (
  'in64x1x9 conv5x1_s2x1_c16_relu_valid conv5x1_s2x1_c8_relu_valid dense16 dense576_linear none'
)
STEPS, HOP = 64, 8  # a second, and an eighth
THIGH = slice(3, 6)


def main(folder: pathlib.Path) -> None:
  """Trains into a folder."""
  walk = columns('Daphnet_S06R02E0/S06R02E0.csv')[:, :9]
  cut = len(walk) * 4 // 5
  turned = walk[cut:].copy()
  turned[:, THIGH] *= -1
  rest = np.concatenate([walk[cut:], turned])
  data = folder / 'walk.npz'
  is_turned = np.arange(len(rest)) >= len(turned)
  np.savez(data, x_train=walk[:cut], x_test=rest, y_test=is_turned)
  options = TrainOptions(epochs=20, optimizer='adamw')
  reading = DataOptions(anomaly=AnomalyOptions(STEPS, HOP, quantile=0.98))
  result = train(data, MODEL, options, output=folder / 'out', reading=reading)
  found = result.detector
  assert found is not None and found.recall is not None
  print(f'told of the turned sensor: {100 * found.recall:.1f} % of {found.anomalous} windows')
  print(f'of {found.normal} windows of walking: {100 * found.false_alarms:.1f} % false alarms')
  sliding = folder / 'sliding.tflite'
  converted = convert(folder / 'out/model.tflite', sliding, ConvertOptions(hop=HOP))
  checked = verify(folder / 'out/model.tflite', sliding, 3)
  print(f'arena {result.converted.original_arena.total:,} -> {converted.converted_arena.total:,}')
  share = converted.converted_macs / converted.original_macs
  print(f'{100 * share:.0f} % of the MACs a step; bit-exact {checked.bit_exact}')


if __name__ == '__main__':
  with tempfile.TemporaryDirectory() as temporary:
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary))

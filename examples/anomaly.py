# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Anomalies in a blood pressure: trained, a threshold chosen, converted to take 4 new steps.

  pip install 'tflm-patch[train]' && pip install --no-deps aeon
  python examples/anomaly.py [folder]

InternalBleeding16 of the UCR anomaly archive: 1,200 normal steps, then 6,300 with an anomaly.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile

import numpy as np
from series_data import columns

from tflm_patch import ConvertOptions, convert, verify
from tflm_patch.training import AnomalyOptions, DataOptions, TrainOptions, train

FILE = 'KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_{}.csv'
MODEL = 'in64x1x1 conv7x1_s2x1_c8_relu_valid conv5x1_s2x1_c8_relu_valid dense8 dense64_linear none'
HOP = 4


def main(folder: pathlib.Path) -> None:
  """Trains into a folder."""
  normal, later = columns(FILE.format('TRAIN')), columns(FILE.format('TEST'))
  later = later[len(normal) :]  # the file of tests begins with the normal steps again
  data = folder / 'pressure.npz'
  np.savez(data, x_train=normal[:, :1], x_test=later[:, :1], y_test=later[:, 1])
  options = TrainOptions(epochs=200, optimizer='adamw')
  reading = DataOptions(anomaly=AnomalyOptions(steps=64, hop=HOP))
  result = train(data, MODEL, options, output=folder / 'out', reading=reading)
  found = result.detector
  assert found is not None and found.auc is not None
  print(f'AUC {found.auc:.3f} of {found.anomalous} windows with the anomaly; threshold', end=' ')
  print(f'{found.threshold:,}, {100 * found.false_alarms:.1f} % false alarms; see anomaly.h')
  sliding = folder / 'sliding.tflite'
  convert(folder / 'out/model.tflite', sliding, ConvertOptions(hop=HOP))
  checked = verify(folder / 'out/model.tflite', sliding, 3)
  print(f'{HOP} new steps an Invoke(): bit-exact {checked.bit_exact} on {checked.inputs} windows')


if __name__ == '__main__':
  with tempfile.TemporaryDirectory() as temporary:
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary))

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds a network for ten hand signs within an arena of 6 KB, the image counted, and 16 KB of file.

  pip install 'tflm-patch[search]'
  python benchmarks/search_sign_digits.py --data sign_digits.tar --out found --threads 1 --json

Resolution, colour, widths, depths, kernels and expansions are searched; every candidate's arena
is exact. A proxy chooses what is judged: of eight that fit the one with the most weights. Beside
it stand a random search of as many CPU minutes, and MobileNetV2 scaled to the same limits, on
three splits of the data. `--arms greedy supernet --minutes 10` compares two others at equal time.
The same command goes on where it was killed.
"""

from __future__ import annotations

import dataclasses
import sys

from searching import Task, run

from tflm_patch.architecture import Block, Head
from tflm_patch.nas import Prefilter, SearchSpace, StageChoice
from tflm_patch.training import Augmentation, TrainOptions

KB = 1024
SPACE = SearchSpace(
  'sign_digits',
  (*((side, side, 3) for side in (28, 32, 36)), *((side, side, 1) for side in (32, 40, 48, 56))),
  (0.5, 0.75, 1.0),
  (Block('conv', stride=(2, 2), channels=16),),
  tuple(
    StageChoice(
      Block('ir', stride=(2, 2), channels=channels),
      depths,
      ((3, 3), (5, 5)),
      (2.0, 3.0, 4.0),
      (0.5, 1.0),
    )
    for channels, depths in ((24, (1, 2)), (40, (1, 2, 3)), (64, (1, 2)))
  ),
  head=Head('fc', classes=10),
  divisor=4,
)
TASK = Task(
  'sign digits',
  SPACE,
  6 * KB,
  16 * KB,
  TrainOptions(
    batch_size=32,
    label_smoothing=0.1,
    augmentation=Augmentation(
      flip=False, shift=0.1, rotation=15, zoom=0.15, brightness=0.1, contrast=0.2
    ),
  ),
  population=8,
  prefilter=Prefilter('parameters', of=8),
  search_epochs=5,
  minutes=3.0,
  splits=3,
  # Colour is no decision there.
  shared=dataclasses.replace(SPACE, inputs=SPACE.inputs[:3]),
)

if __name__ == '__main__':
  sys.exit(run('search_sign_digits', TASK, __doc__))

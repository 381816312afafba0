# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds a network for CIFAR-10 within an arena of 16 KB and a file of 100 KB.

  pip install 'tflm-patch[search]'
  python benchmarks/search_cifar10.py --data cifar10.tar --out found --minutes 240 --json
  python benchmarks/search_cifar10.py --data cifar10.tar --out found --flash 32KB --macs 1000000

The last are uNAS' limits. Candidates are judged by three epochs on three tenths of the
examples. Beside the search stand a random one of as many minutes, and MobileNetV2 scaled to
the same limits. The same command goes on where it was killed.
"""

from __future__ import annotations

import sys

from searching import Task, run

from tflm_patch.architecture import Block, Head
from tflm_patch.nas import SearchSpace, StageChoice
from tflm_patch.training import Augmentation, TrainOptions

KB = 1024
SPACE = SearchSpace(
  'cifar10',
  ((32, 32, 3),),
  (0.5, 0.75, 1.0, 1.25),
  (Block('conv', stride=(2, 2), channels=24),),
  (
    StageChoice(Block('ir', channels=32), (1, 2), ((3, 3), (5, 5)), (2.0, 3.0, 4.0), (0.5, 1.0)),
    *(
      StageChoice(
        Block('ir', stride=(2, 2), channels=channels),
        (1, 2, 3),
        ((3, 3), (5, 5)),
        (2.0, 3.0, 4.0),
        (0.5, 0.75, 1.0),
      )
      for channels in (48, 80)
    ),
  ),
  (Block('conv', kernel=(1, 1), channels=128),),
  Head('fc', classes=10),
)
TASK = Task(
  'CIFAR-10',
  SPACE,
  16 * KB,
  100 * KB,
  (32,),
  TrainOptions(
    batch_size=128,
    learning_rate=0.2,
    label_smoothing=0.05,
    warmup=0.08,
    start_scale=0.625,
    augmentation=Augmentation(shift=0.125, cutout=0.0),
  ),
  share=0.3,
)

if __name__ == '__main__':
  sys.exit(run(TASK, __doc__))

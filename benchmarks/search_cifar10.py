# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds a network for CIFAR-10 within an arena of 16 KB and a file of 100 KB.

  pip install 'tflm-patch[search]'
  python benchmarks/search_cifar10.py --data cifar10.tar --out found --json
  python benchmarks/search_cifar10.py --task unas --data cifar10.tar --out small --json

340 CPU minutes are 3 hours of two cores, with what is read and measured. Four fifths of them are
the final training's: within a file more work for each weight helps here, so of eight networks that
fit the one with the most is judged, by four epochs on half of the examples, on small images first.
The second command keeps uNAS' limits, 32 KB of file and a million multiply-accumulates. Beside the
search stand a random one of as many CPU minutes, and MobileNetV2 scaled to the same limits. `--arms
greedy supernet` compares two others at equal time. The same command goes on where it was killed.
"""

from __future__ import annotations

import dataclasses
import sys

from searching import Task, run

from tflm_patch.architecture import Block, Head
from tflm_patch.nas import Prefilter, SearchSpace, StageChoice
from tflm_patch.training import Augmentation, TrainOptions

KB = 1024
# Convolutions over whole images with few channels, then over halves, both expanded, so that their
# weights do the most work; inverted bottlenecks, whose weights are few, over quarters.
SPACE = SearchSpace(
  'cifar10',
  ((32, 32, 3),),
  (0.75, 1.0, 1.25),
  (Block('conv', channels=16),),
  (
    StageChoice(Block('er', channels=16), (1, 2), ((3, 3),), (1.0, 2.0, 3.0), (0.75, 1.0)),
    StageChoice(
      Block('er', stride=(2, 2), channels=32), (1, 2, 3), ((3, 3),), (1.0, 2.0, 3.0), (0.75, 1.0)
    ),
    StageChoice(
      Block('ir', stride=(2, 2), channels=48),
      (1, 2, 3),
      ((3, 3), (5, 5)),
      (2.0, 3.0, 4.0),
      (0.75, 1.0, 1.25),
    ),
  ),
  (Block('conv', kernel=(1, 1), channels=160),),
  Head('fc', classes=10),
  divisor=4,
)
# A stem that halves the image: the least work.
LIGHT = SearchSpace(
  'cifar10 light',
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
  TrainOptions(
    batch_size=128,
    learning_rate=0.2,
    label_smoothing=0.05,
    warmup=0.08,
    start_scale=0.625,
    average=0.998,
    augmentation=Augmentation(shift=0.125, cutout=0.0),
  ),
  share=0.5,
  population=12,
  prefilter=Prefilter('flops', of=8),
  search_epochs=4,
  minutes=340.0,
  final_share=0.8,
)
UNAS = dataclasses.replace(
  TASK, name="CIFAR-10, uNAS' limits", space=LIGHT, flash=32 * KB, macs=1_000_000
)

if __name__ == '__main__':
  sys.exit(run('search_cifar10', TASK, __doc__, {'unas': UNAS}))

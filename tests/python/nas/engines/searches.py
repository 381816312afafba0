# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Searches in a process of their own, which no other test has told how many threads to use.

TensorFlow takes the number of threads before its first operation alone, and scores are the
same every time with one thread only.
"""

import concurrent.futures
import dataclasses
import multiprocessing
import threading

from ray_head import Slow

from tflm_patch import nas
from tflm_patch.training import TrainOptions

LIMITS = nas.Objectives.of(arena=3_000, flash=12_000)


@dataclasses.dataclass(frozen=True)
class Seen:
  """What happened while the cluster searched.

  Attributes:
    killed: Workers that had a task, each time.
    lines: Of progress.
  """

  killed: list
  lines: list


def options(**more):
  """Of both searches."""
  return nas.SearchOptions(
    settings={'population': 4, 'parents': 2},
    fitness=Slow,
    effort=nas.Effort(threads=1),
    trials=7,
    training=TrainOptions(epochs=6, batch_size=32, average=0.9, qat_epochs=1),
    **more,
  )


def in_own_process(function, *arguments):
  """What a function of this module gives there; its errors are raised here."""
  context = multiprocessing.get_context('spawn')
  with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
    return pool.submit(function, *arguments).result()


def local(dataset, space, folder):
  """The search without a cluster."""
  nas.search(dataset, space, LIMITS, options(), folder)


def with_kills(dataset, space, folder, head):
  """The search on a cluster; workers are killed at a candidate and at a training, then the head."""
  killed, restarts, lines = [], [], []

  def progress(text):
    lines.append(text)
    if 'Finalist 1: Epoch 2' in text:  # the next portion is at work soon
      threading.Timer(1, lambda: killed.append(head.kill_workers())).start()

  def judged(trial):
    if trial.number == 0:
      killed.append(head.kill_workers())
    if trial.number == 4:  # others of its generation are at work
      head.kill()
      restarts.append(threading.Timer(3, head.start))
      restarts[0].start()

  engine = nas.EngineOptions('ray', head.address, portion_seconds=0)
  more = {'hooks': [judged], 'progress': progress}
  nas.search(dataset, space, LIMITS, options(engine=engine), folder, **more)
  restarts[0].join()
  return Seen(killed, lines)

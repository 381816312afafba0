# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The phases of a training: in float, then aware of quantization."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.training.checkpoint import EpochRow
from tflm_patch.training.data.dataset import Dataset
from tflm_patch.training.inheritance import NOTHING, Inheritance
from tflm_patch.training.loop import Loop, Pause, compile_model, never
from tflm_patch.training.options import TrainOptions
from tflm_patch.training.outputs import Outputs

# Of the highest rate of the float training: weights are only to settle on the grid.
_AWARE_RATE = 0.05
# What may change between runs.
_FREE = ('epochs', 'minutes', 'cpu_minutes', 'threads', 'checkpoint_seconds', 'qat_epochs')

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Learned:
  """A training that is done.

  Attributes:
    history: The learning curve, epochs of both phases.
    seconds, cpu_seconds: Used by both.
    aware: The `QuantizationAware` of the second phase; None without one.
  """

  history: tuple[EpochRow, ...]
  seconds: float
  cpu_seconds: float
  aware: Any = None


def learn(
  model: Any,
  name: str,
  dataset: Dataset,
  options: TrainOptions,
  samples: np.ndarray,
  outputs: Outputs | None,
  callbacks: Sequence[Any],
  progress: Progress,
  pause: Pause = never,
  inheritance: Inheritance = NOTHING,
) -> Learned:
  """Trains a model, from its checkpoints where there are some to be resumed.

  Args:
    model: A Keras model; has the weights that are kept afterwards.
    name: Of the network, in checkpoints.
    dataset, options: As for `train`.
    samples: First ranges of quantization-aware training come from them.
    outputs: Where checkpoints are; None for none.
    callbacks: Of Keras, for the float phase.
    progress: Called with a line of text as the work proceeds.
    pause: Asked whenever a checkpoint was written.
    inheritance: Its teacher teaches in the float phase; the model has its weights.

  Raises:
    Paused: a pause was wanted.
  """
  settings = {**settings_of(name, dataset, options), **inheritance.settings}
  compile_model(model, model, dataset, options)
  path = None if outputs is None else outputs.checkpoint
  loop = Loop(
    *(model, dataset, options, settings, path, callbacks, progress),
    pause=pause,
    learned_from=inheritance.targets,
  )
  if outputs is not None and outputs.resumes:
    loop.resume()
  state = loop.run()
  first = Learned(tuple(state.history), state.seconds, state.cpu_seconds)
  if not options.qat_epochs:
    return first
  return _aware(model, dataset, options, settings, samples, outputs, first, progress, pause)


def _aware(
  model: Any,
  dataset: Dataset,
  options: TrainOptions,
  settings: dict[str, Any],
  samples: np.ndarray,
  outputs: Outputs | None,
  first: Learned,
  progress: Progress,
  pause: Pause,
) -> Learned:
  """Some more epochs in which the network computes what TFLM will."""
  from tflm_patch.training.quantization_aware import QuantizationAware  # loads Keras

  aware = QuantizationAware(model, samples)
  tuning = dataclasses.replace(
    options,
    epochs=options.qat_epochs,
    minutes=None,
    cpu_minutes=None,
    learning_rate=_AWARE_RATE * options.rate,
    warmup=0.0,
    start_scale=1.0,
    average=0.0,  # of ranges and tables there is no average
    seed=options.seed + 1,
  )
  compile_model(aware.model, model, dataset, tuning)
  path = None if outputs is None else outputs.aware_checkpoint
  told = [aware]
  loop = Loop(aware.model, dataset, tuning, settings, path, told, progress, 'Int8 epoch', pause)
  if outputs is not None and outputs.resumes_aware:
    loop.resume()
  state = loop.run()
  done = first.history[-1].epoch
  rows = [dataclasses.replace(row, epoch=row.epoch + done) for row in state.history]
  return Learned(
    (*first.history, *rows),
    first.seconds + state.seconds,
    first.cpu_seconds + state.cpu_seconds,
    aware,
  )


def settings_of(name: str, dataset: Dataset, options: TrainOptions) -> dict[str, Any]:
  """What must not change when a training is resumed."""
  kept = {key: value for key, value in dataclasses.asdict(options).items() if key not in _FREE}
  return {
    **kept.pop('augmentation'),
    **kept,
    'optimizer': options.optimizer.value,
    'model': name,
    'examples': [len(dataset.train), len(dataset.test)],
    'classes': list(dataset.classes),
  }

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The loop over epochs and steps, within a budget, that can be killed and resumed."""

from __future__ import annotations

import math
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.training import checkpoint, resolution
from tflm_patch.training.average import Average, arrays, assign
from tflm_patch.training.checkpoint import EpochRow, State
from tflm_patch.training.data.batches import Batches
from tflm_patch.training.data.dataset import Dataset, Task
from tflm_patch.training.detection.loss import detection_loss
from tflm_patch.training.evaluation import score_of
from tflm_patch.training.fused_normalization import fused_normalization
from tflm_patch.training.options import Optimizer, TrainOptions

_MEASURING_SHARE = 0.05  # of the time
_CURVE_EXAMPLES = 2000

_LOGGED = {
  Task.CLASSIFICATION: 'val_accuracy',
  Task.REGRESSION: 'val_error',
  Task.DETECTION: 'val_map',
  Task.ANOMALY: 'val_error',
}

Progress = Callable[[str], None]
Pause = Callable[[], bool]
Targets = Callable[[np.ndarray, np.ndarray], np.ndarray]


def as_they_are(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
  """The targets of the data."""
  del inputs
  return targets


def never() -> bool:
  """No pause."""
  return False


class Diverged(TflmPatchError):
  """The loss of a training is not finite."""


class Paused(Exception):
  """A training was stopped behind a checkpoint; it can go on elsewhere."""


def compile_model(model: Any, original: Any, dataset: Dataset, options: TrainOptions) -> None:
  """Loss and optimizer; XLA is off, it is slow for depthwise convolutions on CPUs.

  Args:
    model: What is trained.
    original: The same, or the model that it wraps: says what the outputs are.
    dataset, options: As for `train`.
  """
  import keras

  optimizer = make_optimizer(model.trainable_variables, options)
  loss: Any
  if dataset.task is Task.DETECTION:
    loss = detection_loss
  elif dataset.task is Task.ANOMALY:
    loss = _reconstruction_loss
  elif dataset.task is Task.CLASSIFICATION:
    loss = keras.losses.CategoricalCrossentropy(
      from_logits=not _ends_with_softmax(original), label_smoothing=options.label_smoothing
    )
  else:
    loss = keras.losses.MeanSquaredError()
  model.compile(optimizer=optimizer, loss=loss, jit_compile=False)


def _reconstruction_loss(wanted: Any, given: Any) -> Any:
  """The mean squared error of vectors, or of maps, beside the inputs as vectors."""
  from keras import ops

  return ops.mean(ops.square(given - ops.reshape(wanted, ops.shape(given))))


def make_optimizer(variables: Sequence[Any], options: TrainOptions) -> Any:
  """The optimizer of these weights; only kernels decay."""
  import keras

  if options.optimizer is Optimizer.SGD:
    optimizer = keras.optimizers.SGD(
      options.rate, momentum=0.9, nesterov=True, weight_decay=options.decay or None
    )
  else:
    optimizer = keras.optimizers.AdamW(options.rate, weight_decay=options.decay)
  if options.decay:
    optimizer.exclude_from_weight_decay(
      var_list=[each for each in variables if len(each.shape) < 2]
    )
  optimizer.build(variables)
  return optimizer


def _ends_with_softmax(model: Any) -> bool:
  last = model.layers[-1]
  activation = getattr(getattr(last, 'activation', None), '__name__', '')
  return activation == 'softmax' or type(last).__name__ == 'Softmax'


class Loop:
  """A training.

  Args:
    model: Compiled by `compile_model`.
    dataset: Examples.
    options: How.
    settings: What must not change when it is resumed.
    path: Of the checkpoint; None for none.
    callbacks: Of Keras; they see steps and epochs, and may set `model.stop_training`.
    progress: Called with a line of text as the work proceeds.
    label: What an epoch is called there.
    pause: Asked whenever a checkpoint was written, but at the end.
    learned_from: Makes the targets that a batch is learned from of its inputs and targets.
  """

  def __init__(
    self,
    model: Any,
    dataset: Dataset,
    options: TrainOptions,
    settings: dict[str, Any],
    path: pathlib.Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: Progress = lambda text: None,
    label: str = 'Epoch',
    pause: Pause = never,
    learned_from: Targets = as_they_are,
  ) -> None:
    self._learned_from = learned_from
    self._label, self._pause = label, pause
    self.state = State(settings)
    self._model, self._dataset, self._options = model, dataset, options
    self._learner = _learner(model, dataset, options)
    self._path, self._progress = path, progress
    self._callbacks = _callback_list(callbacks, model)
    self._average = Average(model.weights, options.average)
    self._batches = Batches(dataset, options.batch_size, options.augmentation, options.seed)
    self._clock = _Clock(self.state)
    self._saved = time.monotonic()

  def resume(self) -> None:
    """Goes on where the checkpoint is.

    Raises:
      TflmPatchError: it is damaged or of another training.
    """
    assert self._path is not None
    groups = self._groups()
    shapes = {name: [each.shape for each in group] for name, group in groups.items()}
    self.state, found = checkpoint.load(self._path, self.state.settings, shapes)
    assign(self._model.variables, found['model'])
    assign(self._model.optimizer.variables, found['optimizer'])
    self._average.values = [np.array(each) for each in found['average']]
    self._clock = _Clock(self.state)

  def run(self) -> State:
    """Trains until the budget is used; the model then has the weights that are kept.

    Raises:
      Diverged: the loss is not finite.
      Paused: a pause was wanted; the checkpoint is written.
      TflmPatchError: a checkpoint cannot be written.
    """
    self._callbacks.on_train_begin()
    self._model.stop_training = False
    with fused_normalization(self._model):
      while not self._is_done():
        self._epoch()
    self._callbacks.on_train_end()
    self._save()
    self._average.keep()
    return self.state

  def _share(self) -> float:
    state = self.state
    done = state.epoch + state.step / self._batches.steps
    return self._options.progress(done, state.seconds, state.cpu_seconds)

  def _scale(self) -> float:
    start = self._options.start_scale if self._dataset.is_images else 1.0
    return resolution.scale_at(self._share(), start)

  def _is_done(self) -> bool:
    return self._share() >= 1 or bool(self._model.stop_training)

  def _epoch(self) -> None:
    """The rest of an epoch, or as much of it as there is time for."""
    state, model, options = self.state, self._model, self._options
    self._callbacks.on_epoch_begin(state.epoch)
    rate = options.rate_at(self._share())
    for inputs, targets in self._batches.epoch(state.epoch, state.step):
      self._callbacks.on_train_batch_begin(state.step)
      rate = options.rate_at(self._share())
      model.optimizer.learning_rate = rate
      self._learner.reset_metrics()
      targets = self._learned_from(inputs, targets)
      inputs = resolution.resized(inputs, self._scale())
      loss = float(self._learner.train_on_batch(inputs, targets))
      if not math.isfinite(loss):
        raise Diverged(
          f'the loss is not finite in epoch {state.epoch + 1}; use a lower learning rate than '
          f'{options.rate:g}'
        )
      state.loss_sum += loss
      state.step += 1
      self._average.update(state.epoch * self._batches.steps + state.step)
      self._callbacks.on_train_batch_end(state.step - 1, {'loss': loss})
      self._clock.update(state)
      if self._is_done():
        break
      if time.monotonic() - self._saved > options.checkpoint_seconds:
        self._save()
        self._rest()
    self._end_epoch(rate)

  def _end_epoch(self, rate: float) -> None:
    state = self.state
    loss = state.loss_sum / max(state.step, 1)
    whole = state.step == self._batches.steps
    if whole:
      state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
    score = self._measure()
    state.history.append(EpochRow(state.epoch, loss, rate, round(state.seconds, 1), score))
    name = _LOGGED[self._dataset.task]
    logs = {'loss': loss} if score is None else {'loss': loss, name: score}
    self._callbacks.on_epoch_end(state.epoch - 1, logs)
    self._report(loss, score)
    if whole:
      self._save()
      if not self._is_done():
        self._rest()

  def _rest(self) -> None:
    if self._path is not None and self._pause():
      raise Paused

  def _measure(self) -> float | None:
    """On some held-out examples, where that costs little beside the training."""
    state = self.state
    if state.measuring_seconds > _MEASURING_SHARE * state.seconds:
      return None
    start = time.monotonic()
    test = self._dataset.test
    chosen = np.unique(np.linspace(0, len(test) - 1, _CURVE_EXAMPLES).round().astype(int))
    with self._average.in_place():
      self._callbacks.on_predict_begin()
      score = score_of(self._model, self._dataset, test.inputs[chosen], test.targets[chosen])
    state.measuring_seconds += time.monotonic() - start
    self._clock.update(state)
    return score

  def _report(self, loss: float, score: float | None) -> None:
    state, share = self.state, self._share()
    left = '' if share <= 0 else f', {_duration(state.seconds * (1 - share) / share)} left'
    unit = ' %' if self._dataset.task.more_is_better else ''
    measured = '' if score is None else f', held-out {score:.4g}{unit}'
    self._progress(
      f'{self._label} {state.epoch}: loss {loss:.4f}{measured}, {100 * share:.0f} % done{left}'
    )

  def _groups(self) -> dict[str, list[np.ndarray]]:
    return {
      'model': arrays(self._model.variables),
      'optimizer': arrays(self._model.optimizer.variables),
      'average': self._average.values,
    }

  def _save(self) -> None:
    self._clock.update(self.state)
    if self._path is not None:
      checkpoint.save(self._path, self.state, self._groups())
    self._saved = time.monotonic()


def _learner(model: Any, dataset: Dataset, options: TrainOptions) -> Any:
  """The model, or one of the same layers and optimizer that takes images of any size."""
  if options.start_scale == 1 or not dataset.is_images:
    return model
  learner = resolution.any_size(model)
  learner.compile(optimizer=model.optimizer, loss=model.loss, jit_compile=False)
  return learner


class _Clock:
  """Time used, that of earlier runs included."""

  def __init__(self, state: State) -> None:
    self._wall = state.seconds - time.monotonic()
    self._cpu = state.cpu_seconds - time.process_time()

  def update(self, state: State) -> None:
    state.seconds = self._wall + time.monotonic()
    state.cpu_seconds = self._cpu + time.process_time()


def _duration(seconds: float) -> str:
  minutes, seconds = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  return f'{hours}:{minutes:02}:{seconds:02}' if hours else f'{minutes}:{seconds:02}'


def _callback_list(callbacks: Sequence[Any], model: Any) -> Any:
  import keras

  return keras.callbacks.CallbackList(list(callbacks), add_history=False, model=model)

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A part of a training, on a machine that may go away: checkpoints are all that it gives."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.architecture import Spec, format_spec
from tflm_patch.training import backend
from tflm_patch.training.data.dataset import Dataset
from tflm_patch.training.inheritance import Inheritance
from tflm_patch.training.loop import Paused
from tflm_patch.training.options import TrainOptions
from tflm_patch.training.outputs import Outputs
from tflm_patch.training.phases import learn
from tflm_patch.training.run import calibration_samples, network, spec_for


def train_portion(
  dataset: Dataset,
  spec: Spec,
  options: TrainOptions,
  folder: pathlib.Path,
  pause: Callable[[], bool],
  progress: Callable[[str], None] = lambda text: None,
  weights: Sequence[np.ndarray] | None = None,
) -> bool:
  """Trains from the checkpoints in a folder, if there are any, until it is done or paused.

  `train` with the same options and `resume` then goes on, or measures and converts: the weights
  are those of a training that was not interrupted.

  Args:
    dataset, spec, options: As for `train`.
    folder: Of the checkpoints.
    pause: Asked whenever a checkpoint was written.
    progress: Called with a line of text as the work proceeds.
    weights: As those of `Inheritance`.

  Returns:
    Whether the training is done.

  Raises:
    TflmPatchError: the loss is not finite, a checkpoint cannot be read or written.
    EnvironmentMissing: Keras or a backend is not installed.
  """
  outputs = Outputs(folder, resume=True, overwrite=False)
  keras = backend.prepare(options.threads)
  keras.utils.set_random_seed(options.seed)
  fitted = spec_for(spec, dataset)
  model, samples = network(fitted, options), calibration_samples(dataset)
  name = format_spec(fitted)
  Inheritance(weights).begin(model, name)
  try:
    learn(model, name, dataset, options, samples, outputs, (), progress, pause)
  except Paused:
    return False
  return True

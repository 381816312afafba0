# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`train`: from examples to a converted model that is measured in TFLM."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch import architecture
from tflm_patch.api import ConversionResult, convert_model
from tflm_patch.architecture import Spec
from tflm_patch.conversion.fit import Fit
from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.quantization import quantize
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import MAX_SAMPLES
from tflm_patch.runtime import tflm
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import compare
from tflm_patch.training import backend, budget
from tflm_patch.training.data.dataset import Dataset, Task
from tflm_patch.training.evaluation import int8_score, quantized_inputs, score_of
from tflm_patch.training.loop import Loop, compile_model
from tflm_patch.training.options import DEFAULT, NO_BUDGETS, Budgets, TrainOptions
from tflm_patch.training.outputs import Outputs
from tflm_patch.training.result import TrainResult

Progress = Callable[[str], None]
_NORM_MOMENTUM = 0.9
_COMPARED = 32  # patterns, and held-out examples


def train(
  dataset: Dataset,
  model: Spec | str | Any,
  options: TrainOptions = DEFAULT,
  budgets: Budgets = NO_BUDGETS,
  output: str | os.PathLike[str] | None = None,
  resume: bool = False,
  overwrite: bool = False,
  callbacks: Sequence[Any] = (),
  progress: Progress = lambda text: None,
) -> TrainResult:
  """Trains, quantizes, converts and measures a model.

  Args:
    dataset: Examples, see `read_images` and `read_series`.
    model: A spec, its line or its name, whose input and number of classes become those of
      the data; or a Keras model that fits them.
    options: How it is trained. Global random seeds are set.
    budgets: Checked before the first epoch, and on the converted file.
    output: A folder for the checkpoint and the files; None to write nothing.
    resume: Go on with the checkpoint in the folder, if there is one.
    overwrite: Begin anew though the folder holds a training.
    callbacks: Of Keras.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: budgets that cannot be met, a folder that holds another training, a
      loss that is not finite, files that cannot be written.
    EnvironmentMissing: Keras or a backend is not installed.
  """
  outputs = None if output is None else Outputs(output, resume, overwrite)
  keras = backend.prepare(options.threads)
  keras.utils.set_random_seed(options.seed)
  progress('Checking the budgets')
  if isinstance(model, (Spec, str)):
    spec = spec_for(model, dataset)
    name, fit = architecture.format_spec(spec), budget.check(spec, budgets)
    built = _built(spec, options)
  else:
    built, name = model, str(model.name)
    fit = budget.check(quantize(built, calibration_samples(dataset)).model, budgets)
  compile_model(keras, built, dataset, options)
  path = None if outputs is None else outputs.checkpoint
  loop = Loop(built, dataset, options, _settings(name, dataset, options), path, callbacks, progress)
  if outputs is not None and outputs.resumes:
    loop.resume()
  state = loop.run()
  quantized, converted = _shrink(built, dataset, budgets, fit, progress)
  result = TrainResult(
    model=built,
    name=name,
    dataset=dataset,
    options=options,
    budgets=budgets,
    history=tuple(state.history),
    float_score=score_of(built, dataset, dataset.test.inputs, dataset.test.targets),
    int8=int8_score(quantized.model, converted.data, dataset, dataset.test, progress),
    quantized=quantized,
    converted=converted,
    verified=_verify(quantized, converted, dataset, progress),
    seconds=state.seconds,
    cpu_seconds=state.cpu_seconds,
    folder=None if outputs is None else outputs.folder,
  )
  if outputs is not None:
    outputs.write(result)
  return result


def spec_for(model: Spec | str, dataset: Dataset) -> Spec:
  """A spec with the input and the number of classes of the data.

  Raises:
    SpecError: it cannot exist.
    TflmPatchError: its head does not classify.
  """
  spec = architecture.load(model) if isinstance(model, str) else model
  shape = dataset.input_shape
  if len(shape) == 3:
    spec = dataclasses.replace(spec, input_shape=shape)
  outputs = dataset.train.targets.shape[1] if dataset.task is Task.REGRESSION else 0
  classes = outputs or len(dataset.classes)
  if not spec.head.classes:
    raise TflmPatchError(f'{architecture.format_spec(spec)}: has no head for classes, like fc10')
  softmax = spec.head.softmax and dataset.task is Task.CLASSIFICATION
  return dataclasses.replace(
    spec, head=dataclasses.replace(spec.head, classes=classes, softmax=softmax)
  )


def _built(spec: Spec, options: TrainOptions) -> Any:
  """The untrained network; its moving averages are as short as trainings on small data need."""
  from tflm_patch.models.builder import BuildOptions, build  # loads Keras

  return build(spec, BuildOptions(momentum=_NORM_MOMENTUM, dropout=options.dropout))


def calibration_samples(dataset: Dataset) -> np.ndarray:
  """Training examples, spread evenly, as the network takes them."""
  inputs = dataset.train.inputs
  chosen = np.unique(np.linspace(0, len(inputs) - 1, MAX_SAMPLES).round().astype(int))
  samples = inputs[chosen]
  if dataset.is_images:
    # One pixel is black and one white, so that int8 inputs are pixels less 128, all of them.
    samples.reshape(len(samples), -1)[0, :2] = 0, 255
  return dataset.to_model(samples)


def _settings(name: str, dataset: Dataset, options: TrainOptions) -> dict[str, Any]:
  """What must not change when a training is resumed."""
  kept = dataclasses.asdict(options)
  for each in ('epochs', 'minutes', 'cpu_minutes', 'threads', 'checkpoint_seconds'):
    del kept[each]
  kept['optimizer'] = options.optimizer.value
  return {
    'model': name,
    'examples': [len(dataset.train), len(dataset.test)],
    'classes': list(dataset.classes),
    **kept,
  }


def _shrink(
  model: Any, dataset: Dataset, budgets: Budgets, fit: Fit, progress: Progress
) -> tuple[QuantizationResult, ConversionResult]:
  """The int8 model, and the converted one."""
  progress('Quantizing')
  quantized = quantize(model, calibration_samples(dataset))
  progress('Converting')
  options = budget.convert_options(budgets, fit)
  return quantized, convert_model(quantized.data, options, 'the trained model')


def _verify(
  quantized: QuantizationResult, converted: ConversionResult, dataset: Dataset, progress: Progress
) -> bool | None:
  """Whether both models give the same bytes in TFLM; None where it does not exist.

  On patterns and noise, and on held-out examples.
  """
  progress('Verifying')
  try:
    tflm.require_wheel()
  except EnvironmentMissing:
    return None
  main = quantized.model.main
  quantization = main.tensors[main.inputs[0]].quantization
  examples = quantized_inputs(dataset.to_model(dataset.test.inputs[:_COMPARED]), quantization)
  patterns = itertools.islice(sample_inputs(quantized.model, _COMPARED), _COMPARED)
  inputs = itertools.chain(patterns, ([each[None]] for each in examples))
  return compare(quantized.data, converted.data, inputs).bit_exact

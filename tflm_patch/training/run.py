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
from tflm_patch.architecture.spec import Head
from tflm_patch.conversion.fit import Fit
from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization import quantize
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import MAX_SAMPLES
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import compare
from tflm_patch.training import backend, budget
from tflm_patch.training.anomaly import detector_of
from tflm_patch.training.checkpoint import EpochRow
from tflm_patch.training.data.anomalies import AnomalyOptions
from tflm_patch.training.data.dataset import Dataset, Task
from tflm_patch.training.data.read import is_series, read_data
from tflm_patch.training.data.series import Windows
from tflm_patch.training.evaluation import int8_score, score_of
from tflm_patch.training.inheritance import NOTHING, Inheritance
from tflm_patch.training.int8_inference import Engine, available_engine, to_steps
from tflm_patch.training.loop import never
from tflm_patch.training.options import DEFAULT, NO_BUDGETS, Budgets, TrainOptions
from tflm_patch.training.outputs import Outputs
from tflm_patch.training.phases import learn
from tflm_patch.training.preparation import check_adaptation
from tflm_patch.training.result import TrainResult

Progress = Callable[[str], None]
_NORM_MOMENTUM = 0.9
_DETECTORS = ('yolo', 'ssd', 'fomo')
_COMPARED = 32  # patterns, and held-out examples


@dataclasses.dataclass(frozen=True)
class DataOptions:
  """How data are read.

  Attributes:
    resolution: Rows and columns of images; None for those of the model.
    windows: To forecast series.
    anomaly: To learn what normal series are; None for that, too, where the data are series
      and the spec ends without a head, as autoencoders do.
  """

  resolution: int | None = None
  windows: Windows | None = None
  anomaly: AnomalyOptions | None = None


AS_THE_MODEL = DataOptions()


def train(
  data: Dataset | str | os.PathLike[str],
  model: Spec | str | Any,
  options: TrainOptions = DEFAULT,
  budgets: Budgets = NO_BUDGETS,
  output: str | os.PathLike[str] | None = None,
  reading: DataOptions = AS_THE_MODEL,
  resume: bool = False,
  overwrite: bool = False,
  callbacks: Sequence[Any] = (),
  progress: Progress = lambda text: None,
  inheritance: Inheritance = NOTHING,
) -> TrainResult:
  """Trains, quantizes, converts and measures a model.

  Args:
    data: A folder of images (or a `.tar`), a file of series (`.npz`, `.ts`), or a dataset.
    model: A spec, its line or its name, whose input and number of classes become those of
      the data; or a Keras model that fits them.
    options: How it is trained. Global random seeds are set.
    budgets: Checked before the first epoch, and on the converted file.
    output: A folder for the checkpoint and the files; None to write nothing.
    reading: How data are read.
    resume: Go on with the checkpoint in the folder, if there is one.
    overwrite: Begin anew though the folder holds a training.
    callbacks: Of Keras.
    progress: Called with a line of text as the work proceeds.
    inheritance: Weights to begin with, and a teacher.

  Raises:
    TflmPatchError: data that cannot be read, budgets that cannot be met, weights of another
      network, a folder that holds another training, a loss that is not finite, files that cannot
      be written.
    EnvironmentMissing: Keras or a backend is not installed.
  """
  outputs = None if output is None else Outputs(output, resume, overwrite)
  dataset = _read(data, model, reading, options, outputs, progress)
  keras = backend.prepare(options.threads)
  keras.utils.set_random_seed(options.seed)
  built, name, fit = _network(model, dataset, options, budgets, progress)
  inheritance.begin(built, name)
  samples = calibration_samples(dataset)
  learned = learn(
    built, name, dataset, options, samples, outputs, callbacks, progress, never, inheritance
  )
  progress('Measuring')
  float_score = score_of(built, dataset, dataset.test.inputs, dataset.test.targets)
  quantized, converted = _shrink(built, learned.aware, samples, budgets, fit, progress)
  result = TrainResult(
    model=built,
    name=name,
    dataset=dataset,
    options=options,
    budgets=budgets,
    history=_finished(learned.history, float_score),
    float_score=float_score,
    int8=int8_score(quantized.model, converted.data, dataset, dataset.test, progress),
    quantized=quantized,
    converted=converted,
    detector=detector_of(quantized.model, converted.data, dataset, progress),
    verified=_verify(quantized, converted, dataset, progress),
    seconds=learned.seconds,
    cpu_seconds=learned.cpu_seconds,
    folder=None if outputs is None else outputs.folder,
  )
  if outputs is not None:
    outputs.write(result)
  return result


def _read(
  data: Dataset | str | os.PathLike[str],
  model: Spec | str | Any,
  reading: DataOptions,
  options: TrainOptions,
  outputs: Outputs | None,
  progress: Progress,
) -> Dataset:
  if isinstance(data, Dataset):
    return data
  anomaly = reading.anomaly
  if isinstance(model, (Spec, str)):
    spec = _spec(model)
    rows, cols, channels = spec.input_shape
    if spec.head.kind == 'none' and reading.windows is None and is_series(data):
      anomaly = anomaly or AnomalyOptions()
  else:
    rows, cols, channels = (*model.input_shape[1:], 1)[:3]
  side = reading.resolution
  shape = (rows, cols, channels) if side is None else (side, side, channels)
  cache = None if outputs is None else outputs.cache
  return read_data(data, shape, options.seed, reading.windows, anomaly, cache, progress)


def _network(
  model: Spec | str | Any,
  dataset: Dataset,
  options: TrainOptions,
  budgets: Budgets,
  progress: Progress,
) -> tuple[Any, str, Fit]:
  """The untrained Keras model, its name, and what it will need."""
  progress('Checking the budgets')
  if isinstance(model, (Spec, str)):
    spec = spec_for(model, dataset)
    fit = budget.check(spec, budgets)
    check_adaptation(spec, budgets, dataset.task)
    built, name = network(spec, options), architecture.format_spec(spec)
    _check_shapes(built, name, dataset)
    return built, name, fit
  _check_shapes(model, model.name, dataset)
  graph = quantize(model, calibration_samples(dataset)).model
  check_adaptation(graph, budgets, dataset.task)
  return model, str(model.name), budget.check(graph, budgets)


def _check_shapes(model: Any, name: str, dataset: Dataset) -> None:
  if dataset.task is Task.DETECTION:
    return  # the map of the boxes is the model's own
  wanted: list[tuple[tuple[int, ...], ...]] = [(dataset.input_shape, (dataset.outputs,))]
  if dataset.task is Task.ANOMALY:
    wanted.append((dataset.input_shape, dataset.input_shape))
  if (tuple(model.input_shape[1:]), tuple(model.output_shape[1:])) not in wanted:
    raise TflmPatchError(
      f'{name}: takes {list(model.input_shape[1:])} and gives '
      f'{list(model.output_shape[1:])}; the data are {list(wanted[0][0])} and {list(wanted[0][1])}'
    )


def _spec(model: Spec | str) -> Spec:
  return architecture.load(model) if isinstance(model, str) else model


def unfit_head(head: Head, task: Task) -> str:
  """Why a head cannot learn a task; '' where it can."""
  if task is Task.DETECTION:
    known = head.kind == 'yolo' and head.anchors == 1 and head.scales == 1
    return '' if known else 'boxes need the head yolo10_a1_s1: one box a cell, of one map'
  if task is Task.ANOMALY:
    return '' if head.kind == 'none' else 'gives out no input; end an autoencoder with none'
  if not head.classes:
    return 'has no head for classes, like fc10'
  return '' if head.kind not in _DETECTORS else f'the head {head.kind} needs images with boxes'


def spec_for(model: Spec | str, dataset: Dataset) -> Spec:
  """A spec with the input and the number of classes of the data.

  Raises:
    SpecError: it cannot exist.
    TflmPatchError: its head does not fit the task.
  """
  spec = _spec(model)
  rows, cols, channels = dataset.input_shape
  why = unfit_head(spec.head, dataset.task)
  if why:
    raise TflmPatchError(f'{architecture.format_spec(spec)}: {why}')
  if dataset.task is Task.ANOMALY:
    return _autoencoder(spec, dataset)
  softmax = spec.head.softmax and dataset.task is Task.CLASSIFICATION
  head = dataclasses.replace(spec.head, classes=dataset.outputs, softmax=softmax)
  return dataclasses.replace(spec, input_shape=(rows, cols, channels), head=head)


def _autoencoder(spec: Spec, dataset: Dataset) -> Spec:
  """A spec whose last block gives what the input has: all values, or channels of every step."""
  rows, cols, channels = dataset.input_shape
  *blocks, last = spec.blocks
  width = dataset.outputs if last.kind == 'dense' else channels
  blocks.append(dataclasses.replace(last, channels=width))
  return dataclasses.replace(spec, input_shape=(rows, cols, channels), blocks=tuple(blocks))


def network(spec: Spec, options: TrainOptions) -> Any:
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


def _finished(history: Sequence[EpochRow], score: float) -> tuple[EpochRow, ...]:
  """The learning curve; its last point is the model that is kept, on all held-out examples."""
  *rows, last = history
  return (*rows, dataclasses.replace(last, score=score))


def _shrink(
  model: Any, aware: Any, samples: np.ndarray, budgets: Budgets, fit: Fit, progress: Progress
) -> tuple[QuantizationResult, ConversionResult]:
  """The int8 model, with the scales of quantization-aware training if there was one."""
  progress('Quantizing')
  if aware is not None:
    quantized = aware.quantize()
  else:
    quantized = quantize(model, samples)
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
  if available_engine() is not Engine.TFLM:
    return None
  main = quantized.model.main
  values = dataset.to_model(dataset.test.inputs[:_COMPARED])
  examples = to_steps(values, main.tensors[main.inputs[0]])
  patterns = itertools.islice(sample_inputs(quantized.model, _COMPARED), _COMPARED)
  inputs = itertools.chain(patterns, ([each[None]] for each in examples))
  return compare(quantized.data, converted.data, inputs).bit_exact

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of supernets share: data, a space, one supernet, work that can be resumed."""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import numpy as np
from resumable import LimitReached as LimitReached
from resumable import Work, reported
from supernet_tasks import SupernetTask, task_of

from tflm_patch import models, nas
from tflm_patch.architecture import Spec, format_spec
from tflm_patch.nas.data import kept_back
from tflm_patch.nas.supernet import InheritedAccuracy, Supernet, SupernetOptions, train_supernet
from tflm_patch.training import Augmentation, Dataset, Part, TrainOptions, read_images
from tflm_patch.training.evaluation import score_of
from tflm_patch.training.loop import Loop, compile_model
from tflm_patch.training.resolution import in_size

DATA = pathlib.Path(
  os.environ.get('TFLM_PATCH_DATA', pathlib.Path(__file__).resolve().parents[2] / 'shared' / 'data')
)
SPLIT_SEED = 1


@dataclasses.dataclass(frozen=True)
class Data:
  """Images in the size of the largest network.

  Attributes:
    name: For tables.
    whole: To train finalists with, and to report on.
    divided: Its training part alone: most to train with, the rest to judge networks by.
  """

  name: str
  whole: Dataset
  divided: Dataset


def load(path: str | None, side: int) -> Data:
  """Images of a folder or a .tar; without one scikit-learn's digits.

  Args:
    path: The folder or archive.
    side: Rows and columns of the largest network's input.
  """
  if path is None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.kron(digits.images, np.ones((1, 2, 2)))[..., None] * (255 / 16)
    whole = Dataset(*_digits(images.astype(np.uint8), digits.target), tuple('0123456789'))
    name = "scikit-learn's digits, 16x16"
  else:
    whole = read_images(path, (side, side, 3), SPLIT_SEED)
    name = f'{pathlib.Path(path).name}, {side}x{side}'
  return Data(name, whole, kept_back(whole, SPLIT_SEED))


def _digits(images: np.ndarray, labels: np.ndarray) -> tuple[Part, Part]:
  order = np.random.default_rng(0).permutation(len(labels))
  images, labels = images[order], labels[order].astype(np.int64)
  held = len(labels) // 5
  return Part(images[held:], labels[held:]), Part(images[:held], labels[:held])


def in_shape(dataset: Dataset, spec: Spec) -> Dataset:
  """The images in a network's size, as the supernet makes them, in whole numbers."""
  size = spec.input_shape[:2]
  if dataset.input_shape[:2] == size:
    return dataset

  def part(found: Part) -> Part:
    made = np.concatenate(
      [
        np.asarray(in_size(found.inputs[k : k + 256].astype(np.float32), size))
        for k in range(0, len(found), 256)
      ]
    )
    return Part(np.clip(np.rint(made), 0, 255).astype(np.uint8), found.targets)

  return dataclasses.replace(dataset, train=part(dataset.train), test=part(dataset.test))


def options_of(
  cpu_minutes: float | None, epochs: int | None, seed: int, batch: int, augmentation: Augmentation
) -> TrainOptions:
  """How anything is trained here; checkpoints are close to each other."""
  return TrainOptions(
    epochs=epochs,
    cpu_minutes=cpu_minutes,
    batch_size=batch,
    label_smoothing=0.1,
    augmentation=augmentation,
    seed=seed,
    average=0.0,
    checkpoint_seconds=20,
  )


def trained_supernet(setup: Setup) -> Supernet:
  """The supernet, trained as far as the limit of this run lets it; finished ones are read."""
  keras.utils.set_random_seed(setup.supernet_options.seed)
  made, work = Supernet(setup.space), setup.work
  options = SupernetOptions(setup.supernet_options)
  took = train_supernet(made, setup.data.divided, options, setup.supernet_folder, work.say)
  work.once('supernet', lambda: dataclasses.asdict(took))
  return made


def inherited(
  work: Work, supernet: Supernet, data: Data, images: int | None = None
) -> Callable[[list[Spec]], list[float]]:
  """Inherited accuracies on so many held-out images, each computed once in all runs."""
  fitness = InheritedAccuracy(supernet, data.divided, images=images)
  known: dict[str, float] = work.done.setdefault('inherited', {})

  def evaluate(specs: list[Spec]) -> list[float]:
    for number, spec in enumerate(specs):
      name = format_spec(spec)
      if name not in known:
        known[name] = fitness.evaluate([spec])[0]
        if number % 10 == 0:
          work.save()
          work.check()
    work.save()
    return [known[format_spec(spec)] for spec in specs]

  return evaluate


def trained_alone(
  work: Work, spec: Spec, dataset: Dataset, options: TrainOptions, name: str, model: Any = None
) -> Any:
  """A network trained as far as the limit lets it; a Keras model.

  Args:
    model: It with the weights that it begins with; None to begin by chance.
  """
  keras.utils.set_random_seed(options.seed)
  if model is None:
    model = models.build(spec, models.BuildOptions(momentum=0.9))
  compile_model(model, model, dataset, options)
  path = work.folder / f'{name}.npz'
  loop = Loop(model, dataset, options, {'spec': format_spec(spec)}, path, (), work.say, name)
  if path.exists():
    loop.resume()
  loop.run()
  return model


def accuracy(model: Any, dataset: Dataset) -> float:
  """On the held-out part, in per cent."""
  return score_of(model, dataset, dataset.test.inputs, dataset.test.targets)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Arguments that all of these benchmarks have."""
  tar = DATA / 'sign_digits.tar'
  parser.add_argument(
    '--data',
    default=str(tar) if tar.exists() else None,
    help="a folder or .tar of images; scikit-learn's digits where there is none",
  )
  parser.add_argument('--digits', action='store_true', help="take scikit-learn's digits")
  parser.add_argument('--sides', type=int, nargs='+', help='of the inputs')
  parser.add_argument('--supernet', help='a folder of another run of this supernet: OUT/supernet')
  parser.add_argument('--supernet-epochs', type=int, default=None)
  parser.add_argument('--supernet-cpu-minutes', type=float, default=None)
  parser.add_argument('--train-epochs', type=int, help='of a network alone')
  parser.add_argument('--batch', type=int)
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--out', required=True, help='a folder; a run there is gone on with')
  parser.add_argument(
    '--cpu-minutes', type=float, help='of this run; the next one goes on (exit code 3)'
  )
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--record', action='store_true', help='write them into results/, too')


@dataclasses.dataclass(frozen=True)
class Setup:
  """What a benchmark works with."""

  work: Work
  task: SupernetTask
  data: Data
  space: nas.SearchSpace
  supernet_folder: pathlib.Path
  supernet_options: TrainOptions
  alone_options: TrainOptions


def task_for(arguments: argparse.Namespace) -> SupernetTask:
  """The data set of the arguments."""
  return task_of(None if arguments.digits else arguments.data)


def setup_of(arguments: argparse.Namespace, own: dict[str, Any]) -> Setup:
  """From the arguments; `own` are settings of one benchmark."""
  source = None if arguments.digits else arguments.data
  task = task_for(arguments)
  sides = tuple(sorted(arguments.sides or task.sides))
  batch = arguments.batch or task.batch
  epochs = arguments.train_epochs or task.train_epochs
  minutes = arguments.supernet_cpu_minutes
  if minutes is None and arguments.supernet_epochs is None:
    minutes = task.supernet_cpu_minutes
  settings = {
    'data': 'digits' if source is None else pathlib.Path(source).name,
    'sides': list(sides),
    'split_seed': SPLIT_SEED,
    'supernet_epochs': arguments.supernet_epochs,
    'supernet_cpu_minutes': minutes,
    'train_epochs': epochs,
    'batch': batch,
    'seed': arguments.seed,
    **own,
  }
  work = Work(pathlib.Path(arguments.out), settings, arguments.cpu_minutes, arguments.quiet)
  data = load(source, max(sides))
  space = task.space(sides, data.whole.input_shape[2], len(data.whole.classes))
  return Setup(
    work,
    task,
    data,
    space,
    pathlib.Path(arguments.supernet or work.folder / 'supernet'),
    options_of(minutes, arguments.supernet_epochs, arguments.seed, batch, task.augmentation),
    options_of(None, epochs, arguments.seed, batch, task.augmentation),
  )


def report(script: str, setup: Setup, figures: dict[str, Any], record: bool) -> str:
  """The figures as JSON, and where they come from."""
  own = {
    'seed': setup.alone_options.seed,
    'data': setup.data.name,
    'space': setup.space.name,
    'space_size': setup.space.size,
    'supernet': setup.work.done['supernet'],
  }
  return reported(script, setup.work, {**own, **figures}, record)

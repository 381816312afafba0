# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of supernets share: data, a space, one supernet, work that can be resumed."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import numpy as np

from tflm_patch import models, nas
from tflm_patch.architecture import Spec, format_spec
from tflm_patch.graph.files import write_atomically
from tflm_patch.nas.data import kept_back
from tflm_patch.nas.supernet import InheritedAccuracy, Supernet, SupernetOptions, train_supernet
from tflm_patch.training import Augmentation, Dataset, Part, TrainOptions, read_images
from tflm_patch.training.evaluation import score_of
from tflm_patch.training.loop import Loop, compile_model
from tflm_patch.training.resolution import in_size

DATA = pathlib.Path(
  os.environ.get('TFLM_PATCH_DATA', pathlib.Path(__file__).resolve().parents[2] / 'shared' / 'data')
)
RESULTS = pathlib.Path(__file__).resolve().parent / 'results'
SPLIT_SEED = 1
AUGMENTATION = Augmentation(
  flip=False, shift=0.1, rotation=15, zoom=0.15, brightness=0.1, contrast=0.2
)
_CHOICES = {'depths': [1, 2, 3], 'kernels': [3, 5, 7], 'expansions': [3, 4, 6]}
_LITTLE = {'depths': [1, 2], 'kernels': [3, 5], 'expansions': [2, 3]}


def space_of(sides: tuple[int, ...], channels: int, classes: int) -> nas.SearchSpace:
  """MCUNetV2's form, for images of some sizes; small images get a small space."""
  large = max(sides) >= 32
  stages = ((16, 's2_'), (24, 's2_'), (40, 's2_'), (48, '')) if large else ((12, 's2_'), (16, ''))
  choices = _CHOICES if large else _LITTLE
  return nas.space_from_json(
    {
      'name': f'benchmark {"x".join(map(str, sides))}',
      'inputs': [[side, side, channels] for side in sides],
      'stem': ['conv3_s2_c16', 'ir_k3_e1_c8'] if large else ['conv3_c8'],
      'stages': [
        {'block': f'ir_{stride}c{count}', **choices, 'widths': [0.5, 0.75, 1.0]}
        for count, stride in stages
      ],
      'head': f'fc{classes}',
      'divisor': 4,
    }
  )


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


class LimitReached(Exception):
  """The CPU time of this run is used; the next run goes on."""


class Work:
  """What was done, in a file; wall and CPU time of all runs.

  Args:
    folder: Of the file, and of checkpoints.
    settings: What must not change between runs.
    cpu_minutes: Of this run; None for no limit.
    quiet: No lines of progress.
  """

  def __init__(
    self,
    folder: pathlib.Path,
    settings: dict[str, Any],
    cpu_minutes: float | None = None,
    quiet: bool = False,
  ) -> None:
    self.folder, self._quiet = folder, quiet
    folder.mkdir(parents=True, exist_ok=True)
    self._path = folder / 'done.json'
    self._limit = None if cpu_minutes is None else 60 * cpu_minutes
    self.done: dict[str, Any] = {}
    self._before = (0.0, 0.0)
    if self._path.exists():
      found = json.loads(self._path.read_text())
      if found['settings'] != json.loads(json.dumps(settings)):
        raise SystemExit(
          f'{self._path}: of another run ({found["settings"]}); choose another --out'
        )
      self.done, self._before = found['done'], (found['seconds'], found['cpu_seconds'])
    self._settings = settings
    self._start = time.monotonic(), time.process_time()

  @property
  def seconds(self) -> tuple[float, float]:
    """Wall and CPU time, of earlier runs too."""
    return (
      self._before[0] + time.monotonic() - self._start[0],
      self._before[1] + time.process_time() - self._start[1],
    )

  def once(self, key: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, made once in all runs; JSON."""
    if key not in self.done:
      self.check()
      self.done[key] = make()
      self.save()
    return self.done[key]

  def save(self) -> None:
    """Writes the file."""
    wall, cpu = self.seconds
    found = {'settings': self._settings, 'seconds': wall, 'cpu_seconds': cpu, 'done': self.done}
    write_atomically(self._path, (json.dumps(found) + '\n').encode())

  def check(self) -> None:
    """Raises LimitReached when this run's CPU time is used."""
    used = time.process_time() - self._start[1]
    if self._limit is not None and used > self._limit:
      self.save()
      raise LimitReached

  def say(self, text: str) -> None:
    """A line of progress, and a check of the limit."""
    if not self._quiet:
      print(text, file=sys.stderr, flush=True)
    self.check()


def options_of(
  cpu_minutes: float | None, epochs: int | None, seed: int, batch: int
) -> TrainOptions:
  """How anything is trained here; checkpoints are close to each other."""
  return TrainOptions(
    epochs=epochs,
    cpu_minutes=cpu_minutes,
    batch_size=batch,
    label_smoothing=0.1,
    augmentation=AUGMENTATION,
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


def inherited(work: Work, supernet: Supernet, data: Data) -> Callable[[list[Spec]], list[float]]:
  """Inherited accuracies, each computed once in all runs."""
  fitness = InheritedAccuracy(supernet, data.divided)
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
  work: Work, spec: Spec, dataset: Dataset, options: TrainOptions, name: str
) -> Any:
  """A network trained from the beginning, as far as the limit lets it; a Keras model."""
  keras.utils.set_random_seed(options.seed)
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
  parser.add_argument('--sides', type=int, nargs='+', default=[32, 48, 64], help='of the inputs')
  parser.add_argument('--supernet', help='a folder of another run of this supernet: OUT/supernet')
  parser.add_argument('--supernet-epochs', type=int, default=None)
  parser.add_argument('--supernet-cpu-minutes', type=float, default=None, help='default: 120')
  parser.add_argument('--train-epochs', type=int, default=40, help='of a network alone')
  parser.add_argument('--batch', type=int, default=32)
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
  data: Data
  space: nas.SearchSpace
  supernet_folder: pathlib.Path
  supernet_options: TrainOptions
  alone_options: TrainOptions


def setup_of(arguments: argparse.Namespace, own: dict[str, Any]) -> Setup:
  """From the arguments; `own` are settings of one benchmark."""
  digits = arguments.digits or arguments.data is None
  sides = (12, 16) if digits else tuple(sorted(arguments.sides))
  minutes = arguments.supernet_cpu_minutes
  if minutes is None and arguments.supernet_epochs is None:
    minutes = 120.0
  settings = {
    'data': 'digits' if digits else pathlib.Path(arguments.data).name,
    'sides': list(sides),
    'split_seed': SPLIT_SEED,
    'supernet_epochs': arguments.supernet_epochs,
    'supernet_cpu_minutes': minutes,
    'train_epochs': arguments.train_epochs,
    'batch': arguments.batch,
    'seed': arguments.seed,
    **own,
  }
  work = Work(pathlib.Path(arguments.out), settings, arguments.cpu_minutes, arguments.quiet)
  data = load(None if digits else arguments.data, max(sides))
  channels = data.whole.input_shape[2]
  space = space_of(sides, channels, len(data.whole.classes))
  return Setup(
    work,
    data,
    space,
    pathlib.Path(arguments.supernet or work.folder / 'supernet'),
    options_of(minutes, arguments.supernet_epochs, arguments.seed, arguments.batch),
    options_of(None, arguments.train_epochs, arguments.seed, arguments.batch),
  )


def report(script: str, setup: Setup, figures: dict[str, Any], record: bool) -> str:
  """The figures as JSON, and where they come from."""
  commit = subprocess.run(
    ['git', 'rev-parse', '--short', 'HEAD'], cwd=RESULTS.parent, capture_output=True, text=True
  ).stdout.strip()
  wall, cpu = setup.work.seconds
  setup.work.save()
  whole = {
    'schema_version': 1,
    'command': ' '.join(['python', f'benchmarks/{script}.py', *sys.argv[1:]]),
    'commit': commit,
    'machine': f'{platform.machine()}, one core, load {os.getloadavg()[0]:.0f}',
    'seconds': round(wall),
    'cpu_seconds': round(cpu),
    'seed': setup.alone_options.seed,
    'data': setup.data.name,
    'space': setup.space.name,
    'space_size': setup.space.size,
    'supernet': setup.work.done['supernet'],
    **figures,
  }
  text = json.dumps(whole, indent=1)
  if record:
    (RESULTS / f'{script}.json').write_text(text + '\n')
  return text

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The engine of a Ray cluster: candidates and trainings are coarse tasks without side effects.

Examples and checkpoints travel with the tasks, so workers need no files of the search's. The
state stays where the search runs. A worker that dies costs a candidate, or a portion of a
training; a head that dies what was at work.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.graph.files import write_atomically
from tflm_patch.nas.engines.base import Training
from tflm_patch.nas.engines.cluster import Cluster, Task
from tflm_patch.nas.engines.local import Local
from tflm_patch.nas.engines.shipping import fields_of, packed, packed_weights
from tflm_patch.nas.engines.tasks import WEIGHTS, fitness_text
from tflm_patch.nas.fitness import Effort, Fitness
from tflm_patch.nas.judges import FITNESS, OF_DATA
from tflm_patch.nas.space import Shape
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.training.data.dataset import Dataset
from tflm_patch.training.outputs import AWARE, CHECKPOINT
from tflm_patch.version import __version__


class RayEngine:
  """See the module.

  Args:
    search: What is worked for.
    fitness: That judges here what cannot be judged elsewhere (`supernet`).

  Raises:
    EnvironmentMissing: Ray is not installed.
    TflmPatchError: the search has no folder, or a fitness that other machines do not know.
  """

  def __init__(self, search: Surroundings, fitness: Fitness) -> None:
    if importlib.util.find_spec('ray') is None:
      raise EnvironmentMissing('Ray is not installed; pip install "tflm-patch[ray]"')
    if search.folder is None:
      raise TflmPatchError('the engine ray needs an output folder, where the state is kept')
    chosen, options = search.options.fitness, search.options.engine
    self._search, self._here = search, Local(search, fitness)
    is_remote = not isinstance(chosen, str) or chosen in OF_DATA
    self._fitness = fitness_text(chosen) if is_remote else None
    assert self._fitness is not None or chosen in FITNESS
    self._seconds = options.portion_seconds
    self._cluster = Cluster(options.address, options.patience_seconds, search.progress)
    self._packed: dict[str, pathlib.Path] = {}

  def scores(self, specs: Sequence[Spec], effort: Effort) -> Iterator[float]:
    """See `Engine`: all at the same time, as far as the cluster has CPUs."""
    if self._fitness is None:
      yield from self._here.scores(specs, effort)
      return
    one = dataclasses.replace(effort, threads=effort.threads or 1)
    wanted = [self._cluster.submit(self._judging(spec, one)) for spec in specs]
    found: dict[int, float] = {}
    try:
      for number in wanted:
        while number not in found:
          done, answer = self._cluster.answer()
          found[done] = float(answer.fields['score'])
        yield found[number]
    finally:
      for number in wanted:
        if number not in found:
          self._cluster.cancel(number)

  def train(self, trainings: Sequence[Training]) -> None:
    """See `Engine`: portions of all of them at the same time."""
    for each in trainings:
      if each.weights is not None:
        write_atomically(each.folder / WEIGHTS, packed_weights(each.weights()))
    running = {self._cluster.submit(self._portion(each)): each for each in trainings}
    try:
      while running:
        number, answer = self._cluster.answer()
        training = running.pop(number)
        # The later phase first: without its own checkpoint it would begin anew.
        for name in sorted(answer.files, reverse=True):
          write_atomically(training.folder / name, answer.files[name].read_bytes())
          answer.files[name].unlink()
        self._search.progress(f'Finalist {training.rank}: {answer.fields["progress"]}')
        if answer.fields['done']:
          (training.folder / WEIGHTS).unlink(missing_ok=True)
        else:
          running[self._cluster.submit(self._portion(training))] = training
    finally:
      for number in running:
        self._cluster.cancel(number)

  def close(self) -> None:
    """See `Engine`."""
    self._cluster.close()

  def _judging(self, spec: Spec, effort: Effort) -> Task:
    data = self._shipped('divided', self._search.data.divided, spec.input_shape)
    fields = {'fitness': self._fitness, 'effort': fields_of(effort)}
    return self._task('judge', spec, data, fields, effort.threads or 1)

  def _portion(self, training: Training) -> Task:
    """The next part of a training, from its checkpoints."""
    options = dataclasses.replace(training.options, threads=training.options.threads or 1)
    data = self._shipped('whole', self._search.data.whole, training.spec.input_shape)
    fields = {'options': fields_of(options), 'seconds': self._seconds}
    files = {name: training.folder / name for name in (CHECKPOINT, AWARE)}
    if training.weights is not None:
      files[WEIGHTS] = training.folder / WEIGHTS
    there = {name: path for name, path in files.items() if path.exists()}
    return dataclasses.replace(
      self._task('train', training.spec, data, fields, options.threads or 1), files=there
    )

  def _task(
    self, kind: str, spec: Spec, data: pathlib.Path, fields: dict[str, Any], cpus: int
  ) -> Task:
    backend = _backend()
    common = {'kind': kind, 'version': __version__, 'backend': backend, 'data': data.name}
    return Task({**common, 'spec': format_spec(spec), **fields}, data, {}, cpus)

  def _shipped(self, name: str, read: Callable[[Shape], Dataset], shape: Shape) -> pathlib.Path:
    """A file with the examples in a size."""
    key = f'{name}_{"x".join(map(str, shape))}'
    if key not in self._packed:
      path = self._cluster.folder / f'{key}.npz'
      write_atomically(path, packed(read(shape)))
      self._packed[key] = path
    return self._packed[key]


def _backend() -> str | None:
  """Of Keras, as this process has it or would have it; None for what a worker finds."""
  keras = sys.modules.get('keras')
  if keras is not None:
    return str(keras.backend.backend())
  return os.environ.get('KERAS_BACKEND')

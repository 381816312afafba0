# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A network that holds those of a search space, with the weights that they share."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import write_atomically
from tflm_patch.models.builder import BuildOptions
from tflm_patch.models.operators import WEIGHTED
from tflm_patch.nas.space import SearchSpace
from tflm_patch.nas.space_json import space_from_json, space_to_json
from tflm_patch.nas.supernet.calibration import BATCH
from tflm_patch.nas.supernet.engine import SLICED_BACKEND, Engine, Loss, engine_of
from tflm_patch.nas.supernet.shared_space import Candidate, SharedSpace, largest_of
from tflm_patch.training import resolution
from tflm_patch.training.elastic import weights
from tflm_patch.training.elastic.network import ElasticNetwork
from tflm_patch.training.elastic.table import shared_network

VERSION = 1
_MAX_BYTES = 1 << 31
_ABOUT = 'about'
_MOMENTUM = 0.9  # of extracted networks, whose trainings are short


class Supernet:
  """The networks of a search space in one.

  On TensorFlow one traced graph runs any of them at its own speed; on JAX what is not used is
  masked, so that each costs what the largest does.

  Args:
    space: The search space; its inputs have one number of channels.
    loss: What is learned from; None to suit the space's head.

  Attributes:
    shared: What its networks have in common.
    network: Its layers.

  Raises:
    TflmPatchError: options of the space cannot share weights, or the backend has no engine.
  """

  def __init__(self, space: SearchSpace, loss: Loss | None = None) -> None:
    import keras

    self.shared = SharedSpace(space)
    self.network = ElasticNetwork(
      self.shared.largest,
      self.shared.optional,
      self.shared.loose,
      momentum=_MOMENTUM,
      sliced=keras.backend.backend() == SLICED_BACKEND,
      name='supernet',
    )
    self.loss = loss or Loss(probability=space.head.softmax)
    self.engine: Engine = engine_of(self.network, self.loss)

  @property
  def space(self) -> SearchSpace:
    """The search space."""
    return self.shared.space

  def learn_from(self, loss: Loss) -> None:
    """Changes what is learned from."""
    if loss != self.loss:
      self.loss, self.engine = loss, engine_of(self.network, loss)

  def candidate(self, network: Spec | Candidate | Sequence[int]) -> Candidate:
    """A network by its spec or its options.

    Raises:
      TflmPatchError: the space has no such network.
    """
    if isinstance(network, Candidate):
      return network
    return (
      self.shared.find(network) if isinstance(network, Spec) else self.shared.candidate(network)
    )

  def recalibrate(
    self, network: Spec | Candidate | Sequence[int], samples: np.ndarray, batch: int = BATCH
  ) -> None:
    """Sets the statistics of batch normalization to those of one network.

    They are the means over batches of the samples, of the channels that it uses; those of the
    network before are gone.

    Args:
      network: Which one.
      samples: float32[n, rows, columns, channels], in the size of the largest network.
      batch: Of so many; a last one that is smaller is left out.

    Raises:
      TflmPatchError: there are no samples.
    """
    found = self.candidate(network)
    batches = whole_batches(samples, batch)
    statistics = [
      each for norm in self.network.norms for each in (norm.moving_mean, norm.moving_variance)
    ]
    sums: list[np.ndarray] = []
    for each in batches:
      self.engine.run(each, found.table, found.size, statistics=True)
      values = [np.asarray(each.numpy(), np.float64) for each in statistics]
      sums = [a + b for a, b in zip(sums, values)] if sums else values
    for each, value in zip(statistics, sums):
      each.assign((value / len(batches)).astype(np.float32))

  def predict(
    self, network: Spec | Candidate | Sequence[int], inputs: np.ndarray, batch: int = 200
  ) -> np.ndarray:
    """The outputs of a network, with the statistics that are set; see `Engine.gradients`.

    Args:
      network: Which one.
      inputs: In the size of the largest network.
      batch: So many at once.
    """
    found = self.candidate(network)
    return np.concatenate(
      [
        self.engine.run(inputs[k : k + batch], found.table, found.size, statistics=False)
        for k in range(0, len(inputs), batch)
      ]
    )

  def extract(
    self,
    network: Spec | Candidate | Sequence[int],
    samples: np.ndarray | None = None,
    dropout: float = 0.0,
  ) -> Any:
    """A network alone, as `models.build` makes it, with its part of the weights.

    It computes what `predict` does, and can be trained on, quantized and converted.

    Args:
      network: Which one.
      samples: As for `recalibrate`; None to take the statistics that are set.
      dropout: Before the classifier, for further training.

    Returns:
      A `keras.Model` for inputs of the network's own size.

    Raises:
      TflmPatchError: the space has no such network.
    """
    found = self.candidate(network)
    if samples is not None:
      self.recalibrate(found, samples)
    options = BuildOptions(momentum=_MOMENTUM, dropout=dropout)
    return weights.extract(self.network, found.spec, found.origin, options)

  def resized(self, network: Spec | Candidate | Sequence[int], images: np.ndarray) -> np.ndarray:
    """Images of the largest network in the size of another, as it sees them."""
    return np.asarray(resolution.in_size(images, self.candidate(network).size))

  # ---- files ----

  def save(self, path: str | os.PathLike[str]) -> None:
    """Writes weights and space as one `.npz` without pickled objects.

    Raises:
      TflmPatchError: it cannot be written.
    """
    about = {
      'version': VERSION,
      'space': space_to_json(self.space),
      'loss': dataclasses.asdict(self.loss),
    }
    arrays = {str(k): each.numpy() for k, each in enumerate(self.network.weights)}
    arrays[_ABOUT] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    whole = io.BytesIO()
    np.savez(whole, allow_pickle=False, **arrays)
    write_atomically(pathlib.Path(path), whole.getvalue())

  @classmethod
  def load(cls, path: str | os.PathLike[str]) -> Supernet:
    """A supernet from a file.

    Raises:
      TflmPatchError: it cannot be read, is damaged, or no supernet.
    """
    try:
      if os.path.getsize(path) > _MAX_BYTES:
        raise ValueError('it is too large')
      with np.load(path, allow_pickle=False) as archive:
        if sum(entry.file_size for entry in archive.zip.infolist()) > _MAX_BYTES:
          raise ValueError('it unpacks to too much')
        about = json.loads(archive[_ABOUT].tobytes())
        if about['version'] != VERSION:
          raise ValueError('another version wrote it')
        space = space_from_json(about['space'])
        if _least_bytes(space) > sum(archive[name].nbytes for name in archive.files):
          raise ValueError('it holds fewer weights than its space needs')
        made = cls(space, Loss(**about['loss']))
        for number, weight in enumerate(made.network.weights):
          values = archive[str(number)]
          if values.shape != tuple(weight.shape) or values.dtype != np.float32:
            raise ValueError(f'array {number} is {values.dtype}{list(values.shape)}')
          weight.assign(values)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
      text = ' '.join(str(error).split())[:120]
      raise TflmPatchError(f'{path}: no supernet that can be read ({text})') from None
    return made


def _least_bytes(space: SearchSpace) -> int:
  """Of the kernels of the largest network."""
  network = shared_network(largest_of(space))
  values = network.values()
  count = 0
  for layer in network.layers():
    if layer.opcode in WEIGHTED:
      made = 1 if layer.opcode == 'DEPTHWISE_CONV_2D' else layer.output.channels
      count += math.prod(layer.kernel) * values[layer.inputs[0]].channels * made
  return 4 * count


def whole_batches(samples: np.ndarray, batch: int) -> list[np.ndarray]:
  """Samples in batches of one size; a last one that is smaller is left out.

  Raises:
    TflmPatchError: there is none.
  """
  if not len(samples):
    raise TflmPatchError('batch normalization cannot be recalibrated without samples')
  size = min(batch, len(samples))
  return [samples[k : k + size] for k in range(0, len(samples) - size + 1, size)]

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`factorize`: which layers become products, and how."""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch.conversion.fit_types import Fit
from tflm_patch.conversion.judge import DEFAULT_CPU
from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.network import Node
from tflm_patch.training.channels.layers import Use
from tflm_patch.training.channels.model_channels import ModelChannels
from tflm_patch.training.channels.shrink import shrunk
from tflm_patch.training.clone import compiled_like
from tflm_patch.training.factorization.replace import in_model, in_network, kernel_of, node_of
from tflm_patch.training.factorization.schemes import SCHEMES, Kernels
from tflm_patch.training.measure import footprint

FIGURES = ('arena', 'flash', 'macs', 'instructions')
# What shall get smaller gets smaller by at least this part.
_LEAST_GAIN = 0.005


@dataclasses.dataclass(frozen=True)
class FactorizeOptions:
  """How layers become products.

  Attributes:
    energy: That a product keeps of its kernel, from 0 to 1: the part of the squared
      singular values; of Tucker-2 along each mode.
    minimize: What has to get smaller: 'flash', 'arena', 'macs' or 'instructions'.
    cpu: A core with a cost model.
  """

  energy: float = 0.95
  minimize: str = 'flash'
  cpu: str = DEFAULT_CPU

  def __post_init__(self) -> None:
    if not 0 < self.energy <= 1:
      raise TflmPatchError(f'energy {self.energy:g} is not above 0 and at most 1')
    if self.minimize not in FIGURES:
      raise TflmPatchError(f'minimize "{self.minimize}" is not known; use {", ".join(FIGURES)}')


DEFAULT = FactorizeOptions()


@dataclasses.dataclass(frozen=True)
class Factorized:
  """A model with factored layers.

  Attributes:
    model: New, to be trained on; compiled as the old one was.
    before, after: What the models need.
    layers: Of each factored layer, by its name, the scheme and the ranks: 'Tucker-2 3, 4'.
  """

  model: Any
  before: Fit
  after: Fit
  layers: dict[str, str]


def factorize(model: Any, options: FactorizeOptions = DEFAULT) -> Factorized:
  """Replaces layers by products of smaller ones wherever the planner gains by it.

  Dense layers and convolutions of one cell are tried as two (SVD), larger convolutions as
  a column and a row (spatial SVD) and as three (Tucker-2). A product is taken when what is
  to be minimized gets smaller, and neither the arena nor the file larger.

  Args:
    model: A built functional or Sequential Keras model; left alone.
    options: See `FactorizeOptions`.

  Raises:
    TflmPatchError: a layer is not supported.
  """
  return _Search(model, options).run()


class _Search:
  """One search."""

  def __init__(self, model: Any, options: FactorizeOptions) -> None:
    self._model = model
    self._options = options
    self._channels = ModelChannels(model)
    self._number = {id(node): k for k, node in enumerate(self._channels.network.nodes)}
    self._taken: dict[int, tuple[Use, Kernels]] = {}  # by the layer's id

  def run(self) -> Factorized:
    before = best = self._fit(self._taken)
    names: dict[str, str] = {}
    for use, node in self._candidates():
      found = None
      for name, scheme in SCHEMES.items():
        kernels = scheme(kernel_of(node), self._options.energy)
        if kernels is None:
          continue
        taken = {**self._taken, id(use.layer): (use, kernels)}
        fit = self._fit(taken)
        if self._is_better(fit, best):
          best, found = fit, (name, taken, kernels)
      if found is not None:
        name, self._taken, kernels = found
        ranks = ', '.join(str(kernel.shape[3]) for kernel in kernels[:-1])
        names[use.layer.name] = f'{name} {ranks}'
    made = compiled_like(in_model(self._model, self._taken), self._model)
    return Factorized(made, before, footprint(made, self._options.cpu), names)

  def _candidates(self) -> list[tuple[Use, Node]]:
    """Layers that can be factored, those with the most weights first."""
    found: dict[int, tuple[Use, Node]] = {}
    for use in self._channels.uses:
      node = node_of(use)
      if node is not None:
        found[id(use.layer)] = (use, node)
    return sorted(found.values(), key=lambda pair: -kernel_of(pair[1]).size)

  def _fit(self, taken: dict[int, tuple[Use, Kernels]]) -> Fit:
    replaced = {}
    for use in self._channels.uses:
      if id(use.layer) in taken:
        node = node_of(use)
        assert node is not None
        replaced[self._number[id(node)]] = taken[id(use.layer)][1]
    network = in_network(shrunk(self._channels, set()), replaced)
    return footprint(network, self._options.cpu)

  def _is_better(self, fit: Fit, best: Fit) -> bool:
    new, old = (getattr(each, self._options.minimize) for each in (fit, best))
    if new is None or old is None:
      raise TflmPatchError(
        'instructions cannot be predicted: not all operators are in stages; minimize macs instead'
      )
    is_gain = bool(new <= (1 - _LEAST_GAIN) * old)
    return is_gain and fit.arena_required <= best.arena_required and fit.flash <= best.flash

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fitnesses by name: one line for each."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.architecture.text import unknown
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Fitness
from tflm_patch.nas.inherited import Inherited
from tflm_patch.nas.proxies.flops import Flops
from tflm_patch.nas.proxies.naswot import Naswot
from tflm_patch.nas.proxies.parameters import Parameters
from tflm_patch.nas.proxies.synflow import Synflow
from tflm_patch.nas.proxies.zico import Zico
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.nas.trained import Trained

# What makes a fitness of the examples alone. `trained` gives accuracy on examples that were kept
# back; the others only order networks, and take seconds or less.
OF_DATA: dict[str, Callable[[SearchData], Fitness]] = {
  'trained': Trained,
  'parameters': Parameters,
  'flops': Flops,
  'synflow': Synflow,
  'naswot': Naswot,
  'zico': Zico,
}


def _of_data(make: Callable[[SearchData], Fitness]) -> Callable[[Surroundings], Fitness]:
  return lambda search: make(search.data)


# Those that may choose what is judged by another fitness.
PROXIES = {name: make for name, make in OF_DATA.items() if make is not Trained}

# `supernet` gives accuracy, too; it must know the space.
FITNESS: dict[str, Callable[[Surroundings], Fitness]] = {
  **{name: _of_data(make) for name, make in OF_DATA.items()},
  'supernet': Inherited,
}


def fitness_of(name: str, search: Surroundings) -> Fitness:
  """A fitness by name.

  Raises:
    SpecError: there is none of that name.
  """
  if name not in FITNESS:
    raise unknown(name, 'fitness', FITNESS)
  return FITNESS[name](search)

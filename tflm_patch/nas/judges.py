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


def _of_data(make: Callable[[SearchData], Fitness]) -> Callable[[Surroundings], Fitness]:
  return lambda search: make(search.data)


# What makes a fitness for a search. `trained` and `supernet` give accuracy on examples that were
# kept back; the others only order networks, and take seconds or less.
FITNESS: dict[str, Callable[[Surroundings], Fitness]] = {
  'trained': _of_data(Trained),
  'supernet': Inherited,
  'parameters': _of_data(Parameters),
  'flops': _of_data(Flops),
  'synflow': _of_data(Synflow),
  'naswot': _of_data(Naswot),
  'zico': _of_data(Zico),
}


def fitness_of(name: str, search: Surroundings) -> Fitness:
  """A fitness by name.

  Raises:
    SpecError: there is none of that name.
  """
  if name not in FITNESS:
    raise unknown(name, 'fitness', FITNESS)
  return FITNESS[name](search)

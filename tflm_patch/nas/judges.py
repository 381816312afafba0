# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fitnesses by name: one line for each."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.architecture.text import unknown
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Fitness
from tflm_patch.nas.proxies.flops import Flops
from tflm_patch.nas.proxies.naswot import Naswot
from tflm_patch.nas.proxies.parameters import Parameters
from tflm_patch.nas.proxies.synflow import Synflow
from tflm_patch.nas.proxies.zico import Zico
from tflm_patch.nas.trained import Trained

# What makes a fitness from the examples of a search. `trained` gives accuracy on examples that
# were kept back; the others only order networks, and take seconds or less.
FITNESS: dict[str, Callable[[SearchData], Fitness]] = {
  'trained': Trained,
  'parameters': Parameters,
  'flops': Flops,
  'synflow': Synflow,
  'naswot': Naswot,
  'zico': Zico,
}


def fitness_of(name: str, data: SearchData) -> Fitness:
  """A fitness by name.

  Raises:
    SpecError: there is none of that name.
  """
  if name not in FITNESS:
    raise unknown(name, 'fitness', FITNESS)
  return FITNESS[name](data)

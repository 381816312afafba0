# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where candidates are judged and finalists are trained: in this process, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.architecture.text import unknown
from tflm_patch.nas.engines.base import Engine
from tflm_patch.nas.engines.local import Local
from tflm_patch.nas.engines.ray_engine import RayEngine
from tflm_patch.nas.fitness import Fitness
from tflm_patch.nas.surroundings import Surroundings

__all__ = ['ENGINES', 'Engine', 'check_engine', 'engine_of']

ENGINES: dict[str, Callable[[Surroundings, Fitness], Engine]] = {'local': Local, 'ray': RayEngine}


def check_engine(name: str) -> None:
  """Checks a name.

  Raises:
    SpecError: there is none of that name.
  """
  if name not in ENGINES:
    raise unknown(name, 'engine', ENGINES)


def engine_of(search: Surroundings, fitness: Fitness) -> Engine:
  """The engine that the options name.

  Args:
    search: What is worked for.
    fitness: That judges.

  Raises:
    SpecError: there is none of that name.
    TflmPatchError: it cannot work for this search.
    EnvironmentMissing: it needs a package that is not installed.
  """
  name = search.options.engine.name
  check_engine(name)
  return ENGINES[name](search, fitness)

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Real series that the package aeon carries; only its files are read, so `--no-deps` will do."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import numpy as np


def columns(name: str) -> np.ndarray:
  """float64[steps, columns] of a file in aeon/datasets/data, but for the first column, the time."""
  found = importlib.util.find_spec('aeon')
  if found is None or not found.submodule_search_locations:
    sys.exit('aeon is not installed; its files suffice: pip install --no-deps aeon')
  path = pathlib.Path(found.submodule_search_locations[0], 'datasets/data', name)
  if not path.exists():
    sys.exit(f'{path}: not in this version of aeon; 1.6 has it')
  return np.genfromtxt(path, delimiter=',', skip_header=1)[:, 1:]

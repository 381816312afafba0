# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Packages whose modules register something when they are imported."""

from __future__ import annotations

import importlib
import pkgutil


def import_all(package: str) -> None:
  """Imports every module of a package; called at the package's own import."""
  for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
    importlib.import_module(f'{package}.{module.name}')

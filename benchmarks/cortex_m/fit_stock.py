# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fits what TFLM's own operators take, with its CMSIS-NN kernels, from the peers' figures.

  python benchmarks/cortex_m/fit_stock.py

Writes tflm_patch/cost/stock/<core>.json from the instructions of table.py: a number for
every multiply-accumulate and output of three kinds of operators, and one for every output
of all others. They minimize the squares of the relative errors of the models.
"""

from __future__ import annotations

import json

import numpy as np
import table
from fit_cost import model_path, nonnegative_least_squares

from tflm_patch.conversion import stock_work
from tflm_patch.cost import stock
from tflm_patch.graph.reader import read_model

CORES = ('cortex-m4', 'cortex-m7')  # vector kernels depend on more than these features
_DIGITS = 6


def main() -> None:
  """Fits, writes and prints the errors."""
  names = list(table.CMSIS_NN)
  mains = [read_model(model_path(name)).main for name in names]
  rows = [stock_work.features_of(main, range(len(main.operators))) for main in mains]
  for core in CORES:
    i = table.CMSIS_NN_CORES.index(core)
    wanted = np.array([1e6 * table.CMSIS_NN[name][i] for name in names])
    matrix = np.array([[row[feature] for feature in stock.FEATURES] for row in rows], float)
    found = nonnegative_least_squares(matrix / wanted[:, None], np.ones(len(names)))
    errors = matrix @ found / wanted - 1
    content = {
      'schema_version': 1,
      'command': 'python benchmarks/cortex_m/fit_stock.py',
      'cpu': core,
      'unit': 'instructions',
      'errors': {name: round(float(error), 4) for name, error in zip(names, errors)},
      'coefficients': {
        feature: float(f'{value:.{_DIGITS}g}')
        for feature, value in zip(stock.FEATURES, found)
        if value > 0
      },
    }
    path = stock.FOLDER / f'{core}.json'
    path.write_text(json.dumps(content, indent=2) + '\n')
    print(core, ' '.join(f'{name} {100 * error:+.1f} %' for name, error in zip(names, errors)))


if __name__ == '__main__':
  main()

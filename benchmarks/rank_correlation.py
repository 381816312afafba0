# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Do inherited weights rank networks as their own trainings do?

  pip install 'tflm-patch[train]' scipy
  python benchmarks/rank_correlation.py --data sign_digits.tar --sides 12 16 24 --out run
  python benchmarks/rank_correlation.py --data sign_digits.tar --out run --cpu-minutes 30 --json

A supernet is trained; networks drawn by chance are judged with its weights, their batch
normalization recalibrated; then each is trained from the beginning. Both accuracies are of
all examples that neither has seen; Kendall's tau-b and Spearman's rho compare the two orders. A
run that is killed, or whose CPU minutes are used (exit code 3), goes on where it was; times are
those of all runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import Any

import numpy as np
import supernet_setup as shared
from scipy import stats

from tflm_patch.architecture import Spec, format_spec
from tflm_patch.conversion import spec_engine
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.training import Part

LEAST_NETWORKS = 20


def all_unseen(data: shared.Data) -> shared.Data:
  """With what is held out for final figures among what is measured on: nothing is chosen here."""
  parts = (data.divided.test, data.whole.test)
  test = Part(
    np.concatenate([part.inputs for part in parts]),
    np.concatenate([part.targets for part in parts]),
  )
  return dataclasses.replace(data, divided=dataclasses.replace(data.divided, test=test))


def chosen(setup: shared.Setup, count: int, seed: int) -> list[Spec]:
  """Different networks by chance."""
  found: dict[Spec, None] = {}
  drawn = setup.space.samples(20 * count, seed)
  for picks in drawn:
    found.setdefault(setup.space.spec_of(picks))
  return list(found)[:count]


def measured(setup: shared.Setup, spec: Spec, number: int) -> dict[str, Any]:
  """A network trained alone."""
  options = dataclasses.replace(setup.alone_options, seed=setup.alone_options.seed + number)
  dataset = shared.in_shape(setup.data.divided, spec)
  model = shared.trained_alone(setup.work, spec, dataset, options, f'network_{number}')
  fit = spec_engine.exactly(spec, Budget(1 << 30))
  return {
    'spec': format_spec(spec),
    'trained': shared.accuracy(model, dataset),
    'macs': fit.macs,
    'arena': fit.arena,
    'flash': fit.flash,
  }


def main() -> int:
  """Trains, judges, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  shared.add_arguments(parser)
  parser.add_argument('--networks', type=int, default=LEAST_NETWORKS + 4)
  arguments = parser.parse_args()
  setup = shared.setup_of(arguments, {'networks': arguments.networks})
  specs = chosen(setup, arguments.networks, arguments.seed)
  try:
    supernet = shared.trained_supernet(setup)
    setup = dataclasses.replace(setup, data=all_unseen(setup.data))
    inherited = shared.inherited(setup.work, supernet, setup.data)(specs)
    del supernet
    rows = [
      setup.work.once(f'network {k}', lambda k=k, spec=spec, setup=setup: measured(setup, spec, k))
      for k, spec in enumerate(specs)
    ]
  except shared.LimitReached:
    print(
      f'the time of this run is used; the same command goes on ({arguments.out})', file=sys.stderr
    )
    return 3
  rows = [{**row, 'inherited': value} for row, value in zip(rows, inherited)]
  trained = [row['trained'] for row in rows]
  figures = {
    'kendall': float(stats.kendalltau(inherited, trained).statistic),
    'spearman': float(stats.spearmanr(inherited, trained).statistic),
    # What the number of multiply-accumulates alone says.
    'examples': len(setup.data.divided.test),
    'spearman_of_macs': float(stats.spearmanr([row['macs'] for row in rows], trained).statistic),
    'networks': rows,
  }
  text = shared.report('rank_correlation', setup, figures, arguments.record)
  if arguments.json:
    print(text)
    return 0
  print('| inherited | trained | MACs | network |\n|---:|---:|---:|---|')
  for row in sorted(rows, key=lambda row: -row['trained']):
    print(
      f'| {row["inherited"]:.2f} % | {row["trained"]:.2f} % | {row["macs"]:,} | {row["spec"]} |'
    )
  print(
    f'\nKendall {figures["kendall"]:.2f}, Spearman {figures["spearman"]:.2f} '
    f'({figures["spearman_of_macs"]:.2f} of MACs)'
  )
  return 0


if __name__ == '__main__':
  sys.exit(main())

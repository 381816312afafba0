# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fits the planner's cost model from runs on the emulated cores.

  python benchmarks/cortex_m/fit_cost.py [--cpus m4,m55] [--add int16] [--json]

Writes tflm_patch/cost/<core>.json: instructions and, of cores with timings, cycles of
memory that does not wait. Every operator of the models of FITTED and
of the probes is an observation; the models of CHECKED only show how well instructions
of a model are predicted that was not fitted. Run it again after every change of a
kernel. With --add only some probes run, those of int16 maps, of heads and copies, of operators
with a state, of graphs, of other integers or of rare ones, and classes of kinds that a table lacks
are added to it; with --again NEIGHBOURS,LSTM those of these kinds are replaced, too.

Coefficients are not negative; they minimize the squares of the residuals, each divided by
the instructions of its operator times those of its model: within a model large operators
count more, and all models count alike
(Lawson and Hanson, Solving Least Squares Problems, chapter 23).
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import pathlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from probes import (
  graph_probes,
  head_probes,
  int16_probes,
  integer_probes,
  plane_probes,
  probes,
  rare_probes,
  recurrent_probes,
)

from tflm_patch import cost
from tflm_patch.api import ConvertOptions
from tflm_patch.bench import cpus, image
from tflm_patch.bench.measure import BenchResult, Workload, measure, prepare
from tflm_patch.bench.result import OperatorCost
from tflm_patch.cost.work import OperatorWork
from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.options import PlanOptions
from tflm_patch.program.records import Kind
from tflm_patch.sample.sample import sample_model_path

ROOT = pathlib.Path(__file__).resolve().parents[2]
FITTED = (
  'digits_64_int8',
  'mlperf_vww_96_int8',
  'mlperf_resnet8_int8',
  'mlperf_kws_int8',
  'mlperf_ad01_int8',
  'mbv2_0.35_144_int8',
  'mcunet_detection',
  'mcunetv2_large',
)
CHECKED = ('tflm_person_detect', 'mcunet_vww', 'mbv2_1.0_224_int8', 'tflm_mbv2_pytorch_224')
# Models once more in plans that run blocks of three convolutions as one operator.
IN_BLOCKS = ('digits_64_int8', 'mbv2_0.35_144_int8', 'mbv2_1.0_224_int8')
BLOCK_OPTIONS = tuple(
  ConvertOptions(input_rows=rows, plan=PlanOptions(allow_slower=True, max_overhead=overhead))
  for rows, overhead in ((None, 1.0), (1, 1.0), (1, 1.2))
)
# Probes run layer by layer and row by row in turn: that tells rows from calls.
PROBE_PLANS = (PlanOptions(schedule='layer'), PlanOptions(schedule='stream'))
SCHEMA_VERSION = 2
MIN_OBSERVATIONS = 10
_DIGITS = 6


@dataclasses.dataclass(frozen=True)
class Observation:
  """Instructions or cycles of an operator that was measured, and of its whole model."""

  work: OperatorWork
  value: int
  total: int


@dataclasses.dataclass(frozen=True)
class Quantity:
  """What is fitted: of an operator, of a model, of a model's executor."""

  of: Callable[[OperatorCost], int]
  total: Callable[[BenchResult], int]
  executor: Callable[[BenchResult], int]


INSTRUCTIONS = Quantity(
  of=lambda measured: measured.instructions,
  total=lambda result: result.instructions,
  executor=lambda result: result.executor_instructions,
)
CYCLES = Quantity(
  of=lambda measured: measured.cycles or 0,
  total=lambda result: 0 if result.cycles is None else result.cycles.total.cycles,
  executor=lambda result: 0 if result.cycles is None else result.cycles.executor,
)


def fit(
  rows: Sequence[cost.Coefficients], wanted: Sequence[float], totals: Sequence[float]
) -> cost.Coefficients:
  """Coefficients by name; those that are 0 are left out."""
  names = list(rows[0])
  target = np.array(wanted, float)
  matrix = np.array([[row[name] for name in names] for row in rows], float)
  weights = 1 / np.sqrt(np.maximum(target, 1) * np.array(totals, float))
  # Columns of like size: the features differ by many powers of ten.
  scale = np.maximum(np.abs(matrix * weights[:, None]).max(axis=0), 1e-30)
  found = nonnegative_least_squares(matrix * weights[:, None] / scale, target * weights) / scale
  return {name: float(f'{x:.{_DIGITS}g}') for name, x in zip(names, found) if x > 0}


def nonnegative_least_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
  """The x >= 0 that minimizes |a x - b|, by active sets."""
  x = np.zeros(a.shape[1])
  free = np.zeros(a.shape[1], bool)
  tolerance = 1e-9 * np.abs(a.T @ b).max(initial=1e-30)
  while True:
    gradient = np.where(free, -np.inf, a.T @ (b - a @ x))
    best = int(np.argmax(gradient))
    if gradient[best] <= tolerance:
      return x
    free[best] = True
    while True:
      trial = np.zeros_like(x)
      trial[free] = np.linalg.lstsq(a[:, free], b, rcond=None)[0]
      below = free & (trial <= 0)
      if not below.any():
        break
      step = np.min(x[below] / (x[below] - trial[below]))
      x += step * (trial - x)
      free &= x > 1e-12
      x[~free] = 0
    x = trial


def fit_table(core: cpus.Cpu, results: Sequence[BenchResult]) -> cost.CostTable:
  """The coefficients of a core from measured models."""
  cycles = None
  if all(result.cycles is not None for result in results):
    cycles = fit_terms(results, CYCLES)
  instructions = fit_terms(results, INSTRUCTIONS)
  return cost.CostTable(core.name, results[0].optimization, instructions, cycles)


def fit_terms(results: Sequence[BenchResult], quantity: Quantity) -> cost.CostTerms:
  """The coefficients of one quantity."""
  observations: dict[str, list[Observation]] = defaultdict(list)
  for result in results:
    for measured in result.operators:
      seen = Observation(measured.operator, quantity.of(measured), quantity.total(result))
      for name in set(cost.classes_of(measured.operator)):
        observations[name].append(seen)
  classes = {}
  for name, found in sorted(observations.items()):
    work = [item.work for item in found]
    # The widest classes of an operator are always there: of its kind, and of all.
    if name in list(cost.classes_of(work[0]))[-3:] or len(set(work)) >= MIN_OBSERVATIONS:
      classes[name] = fit(
        [cost.features_of(operator) for operator in work],
        [item.value for item in found],
        [item.total for item in found],
      )
  executor = fit(
    [cost.executor_features([item.operator for item in result.operators]) for result in results],
    [max(quantity.executor(result), 0) for result in results],
    [1] * len(results),
  )
  return cost.CostTerms(classes, executor)


def errors_of(result: BenchResult, table: cost.CostTable) -> dict[str, float]:
  """How far the predictions are from the measurements, as a part of them."""
  found = cost.predict_work([measured.operator for measured in result.operators], table)
  errors = {'instructions': found.instructions / result.instructions - 1}
  if found.cycles is not None and result.cycles is not None:
    errors['cycles'] = found.cycles / result.cycles.total.cycles - 1
  return {name: round(error, 4) for name, error in errors.items()}


def workloads(names: Sequence[str]) -> dict[str, Workload]:
  """Models in their default plans, by name."""
  return {name: prepare(model_path(name)) for name in names}


def model_path(name: str) -> pathlib.Path:
  """Where a model lies."""
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  sample = sample_model_path()
  path = sample if name == sample.stem else folder / f'{name}.tflite'
  if not path.exists():
    raise SystemExit(f'{path}: is needed; set TFLM_PATCH_MODELS to the folder of the models')
  return path


def block_workloads() -> list[Workload]:
  """The models of IN_BLOCKS in plans with BOTTLENECK operators."""
  return [prepare(model_path(name), how) for name in IN_BLOCKS for how in BLOCK_OPTIONS]


def all_probes() -> list[Workload]:
  """Everything that is fitted beside models in their default plans."""
  models = [*probe_workloads(probes()), *block_workloads()]
  return [*models, *(workload for others in ADDED.values() for workload in others())]


def probe_workloads(models: Mapping[str, bytes]) -> list[Workload]:
  """The probes, in both plans in turn."""
  found = []
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'probe.tflite'
    for data, plan in zip(models.values(), itertools.cycle(PROBE_PLANS)):
      path.write_bytes(data)
      found.append(prepare(path, ConvertOptions(plan=plan)))
  return found


def int16_workloads() -> list[Workload]:
  """The probes of kinds for int16 maps."""
  models = {f'{k} {name}': data for k in range(2) for name, data in int16_probes().items()}
  return probe_workloads(models)


def head_workloads() -> list[Workload]:
  """The probes of kinds of heads and of copies."""
  found = []
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'probe.tflite'
    for data, how in head_probes().values():
      path.write_bytes(data)
      found.append(prepare(path, how))
  return found


def recurrent_workloads() -> list[Workload]:
  """The probes of kinds that keep a state."""
  return probe_workloads(recurrent_probes())


def graph_workloads() -> list[Workload]:
  """The probes of sums over neighbours."""
  found = forced_workloads(graph_probes())
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'probe.tflite'
    for data in plane_probes().values():
      path.write_bytes(data)
      found.append(prepare(path))
  return found


def rare_workloads() -> list[Workload]:
  """The probes of kinds that few models have."""
  return probe_workloads(rare_probes())


def integer_workloads() -> list[Workload]:
  """The probes of kinds between types of integers."""
  return forced_workloads(integer_probes())


def forced_workloads(models: Mapping[str, bytes]) -> list[Workload]:
  """Probes that take stages whatever they save, in both plans each."""
  found = []
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'probe.tflite'
    for data in models.values():
      path.write_bytes(data)
      for plan in PROBE_PLANS:
        found.append(prepare(path, ConvertOptions(force_stage=True, plan=plan)))
  return found


ADDED = {
  'int16': int16_workloads,
  'heads': head_workloads,
  'recurrent': recurrent_workloads,
  'graphs': graph_workloads,
  'integers': integer_workloads,
  'rare': rare_workloads,
}


def add(cores: Sequence[cpus.Cpu], small: Sequence[Workload], again: Collection[str] = ()) -> None:
  """Adds to the tables the classes of kinds that they lack, and puts those of `again` anew."""
  for core in cores:
    found = fit_table(core, [exact(measure(workload, core)) for workload in small])
    known = cost.load(core.name)
    path = cost.FOLDER / f'{core.name}.json'
    content = json.loads(path.read_text())
    for unit, new, old in (
      ('instructions', found.instructions, known.instructions),
      ('cycles', found.cycles, known.cycles),
    ):
      if new is None or old is None:
        continue
      kept = {name: terms for name, terms in old.classes.items() if name not in again}
      added = {name: new.classes[name] for name in new.classes if name in Kind.__members__}
      content[unit]['classes'] = dict(sorted({**added, **kept}.items()))
      print(core.name, unit, *sorted(set(added) - set(kept)))
    path.write_text(json.dumps(content, indent=2) + '\n')


def main() -> None:
  """Measures, fits, writes and prints the errors."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--cpus', default=','.join(cpus.CPUS), help='cores, between commas')
  parser.add_argument('--add', choices=sorted(ADDED), help='only what a table lacks of these')
  parser.add_argument('--again', default='', help='kinds to fit anew with --add, between commas')
  parser.add_argument('--json', action='store_true', help='print the errors for machines')
  arguments = parser.parse_args()
  all_errors: dict[str, Mapping[str, Mapping[str, float]]] = {}
  try:
    cores = [cpus.find(name) for name in arguments.cpus.split(',')]
    for core in cores:
      image.require_tools(core)
    if arguments.add is not None:
      again = [name for name in arguments.again.split(',') if name]
      if unknown := [name for name in again if name not in Kind.__members__]:
        parser.error(f'{", ".join(unknown)}: no kinds')
      add(cores, ADDED[arguments.add](), again)
      return
    models, small = workloads((*FITTED, *CHECKED)), all_probes()
    for core in cores:
      results = {name: exact(measure(workload, core)) for name, workload in models.items()}
      probed = [exact(measure(workload, core)) for workload in small]
      table = fit_table(core, [*probed, *(results[name] for name in FITTED)])
      errors = {name: errors_of(result, table) for name, result in results.items()}
      write(table, errors)
      all_errors[core.name] = errors
      for name, found in () if arguments.json else errors.items():
        text = ', '.join(f'{100 * error:+6.2f} % {unit}' for unit, error in found.items())
        print(f'{core.name:12}{name:24}{text}{"  unseen" if name in CHECKED else ""}')
  except TflmPatchError as error:
    raise SystemExit(str(error)) from None
  if arguments.json:
    print(json.dumps({'schema_version': SCHEMA_VERSION, 'errors': all_errors}, indent=2))


def exact(result: BenchResult) -> BenchResult:
  """The result, of a run whose bytes are right."""
  if not result.bit_exact:
    raise TflmPatchError(f'{result.cpu}: outputs differ; kernels that are wrong cost nothing')
  return result


def write(table: cost.CostTable, errors: Mapping[str, Mapping[str, float]]) -> None:
  """Writes the table for `cost.load`."""
  units = [unit for unit in ('instructions', 'cycles') if getattr(table, unit) is not None]
  content = {
    'schema_version': SCHEMA_VERSION,
    'command': f'python benchmarks/cortex_m/fit_cost.py --cpus {table.cpu}',
    'cpu': table.cpu,
    'optimization': table.optimization,
    'fitted_on': list(FITTED),
    'errors': {
      unit: {name: found[unit] for name, found in errors.items() if unit in found} for unit in units
    },
    **{unit: dataclasses.asdict(getattr(table, unit)) for unit in units},
  }
  path = cost.FOLDER / f'{table.cpu}.json'
  path.write_text(json.dumps(content, indent=2) + '\n')


if __name__ == '__main__':
  main()

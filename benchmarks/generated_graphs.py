# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random small networks: their stages give TFLM's bytes, on the host and on emulated cores.

  python benchmarks/generated_graphs.py --graphs 1000 --seed 1 [--json]
  python benchmarks/generated_graphs.py --graphs 200 --core cortex-m4 --core cortex-m55
  python benchmarks/generated_graphs.py --graphs 20000 --minutes 60

Networks of int8 maps, most of their operators from heads (what moves, joins and reduces maps),
and of int16 maps. Each becomes stages whatever that saves, and is compared with TFLM's
interpreter. With --core, those that become one stage of all their operators run on QEMU, too:
many in one run of a core, against the same outputs. A difference prints the calls of the
model builder (tests/support) that make the network again, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from support import emulated, graph_batch  # noqa: E402
from support.compare import check_conversion  # noqa: E402
from support.graphs import Network, small_networks  # noqa: E402
from support.int16_graphs import int16_networks  # noqa: E402

from tflm_patch.api import ConversionResult, ConvertOptions  # noqa: E402
from tflm_patch.graph.reader import parse_model  # noqa: E402
from tflm_patch.planner.options import PlanOptions  # noqa: E402
from tflm_patch.runtime.inputs import sample_inputs  # noqa: E402

SCHEMA_VERSION = 1
INPUTS = 4
BATCH = 100
_OPTIONS = st.builds(
  ConvertOptions,
  force_stage=st.just(True),
  plan=st.builds(
    PlanOptions,
    max_overhead=st.sampled_from([1.0, 1.0, 10.0]),
    schedule=st.sampled_from(['auto', 'auto', 'layer', 'stream']),
  ),
)
NETWORKS: dict[str, st.SearchStrategy[Network]] = {
  'int8': small_networks(moving=True),
  'int16': int16_networks(),
}


@dataclasses.dataclass
class Figures:
  """What was found.

  Attributes:
    graphs: How many were compared, by the type of their maps.
    operators: How many of each opcode were in their stages.
    on_cores: How many ran on each core.
    differences: Each as text.
  """

  graphs: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
  operators: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
  on_cores: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
  differences: list[str] = dataclasses.field(default_factory=list)

  def count(self, kind: str, result: ConversionResult) -> None:
    """Counts a graph that was compared."""
    self.graphs[kind] += 1
    for stage in result.stages:
      operators = result.original.main.operators
      self.operators.update(operators[i].opcode for i in stage.region if i < len(operators))


class Cores:
  """Batches of graphs for emulated cores."""

  def __init__(self, names: list[str], figures: Figures, folder: pathlib.Path) -> None:
    self._folder = folder
    self._figures = figures
    self._batch: list[tuple[bytes, Network]] = []
    self.images = []
    for name in names:
      cpu = emulated.core(name)
      (folder / cpu.name).mkdir()
      self.images.append(graph_batch.build(cpu, folder / cpu.name))

  def add(self, network: Network, result: ConversionResult) -> None:
    """Puts a graph into the batch where it is one stage, and runs a full batch."""
    if not self.images:
      return
    samples = list(sample_inputs(parse_model(network.data), INPUTS, 0))
    entry = graph_batch.entry(network.data, result, samples)
    if entry is not None:
      self._batch.append((entry, network))
    if len(self._batch) == BATCH:
      self.run()

  def run(self) -> None:
    """Runs what was added on every core."""
    for image in self.images if self._batch else ():
      entries = [entry for entry, _ in self._batch]
      printed, failed = graph_batch.run(image, entries, self._folder)
      self._figures.on_cores[image.cpu.name] += len(entries)
      if not failed and f'{len(entries)} graphs, 0 failed' not in printed:
        raise SystemExit(f'{image.cpu.name} did not finish: {printed[-2000:]}')
      for number in failed:
        text = f'{image.cpu.name}: {self._batch[number][1]!r}'
        self._figures.differences.append(text)
        print(text, flush=True)
    self._batch = []


class _TimeIsUp(KeyboardInterrupt):
  """Ends a run early, as Ctrl-C does: hypothesis lets it through."""


def run(
  graphs: int, first_seed: int, minutes: float | None, figures: Figures, cores: Cores
) -> None:
  """Compares so many graphs, or as many as there are minutes for."""
  end = float('inf') if minutes is None else time.monotonic() + 60 * minutes
  kinds = st.sampled_from(['int8', 'int8', 'int8', 'int16'])

  @seed(first_seed)
  @settings(
    max_examples=graphs,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
  )
  @given(kinds.flatmap(lambda kind: st.tuples(st.just(kind), NETWORKS[kind])), _OPTIONS)
  def compare(named: tuple[str, Network], options: ConvertOptions) -> None:
    kind, network = named
    if time.monotonic() > end:
      raise _TimeIsUp
    try:
      result = check_conversion(network.data, options, INPUTS)
    except Exception as error:
      text = f'{type(error).__name__}: {error}\n{options}{network!r}'
      figures.differences.append(text)
      print(text, flush=True)
      return
    figures.count(kind, result)
    cores.add(network, result)
    done = sum(figures.graphs.values())
    if done % 200 == 0:
      print(f'{done} graphs, {len(figures.differences)} differences', file=sys.stderr, flush=True)

  with contextlib.suppress(KeyboardInterrupt):
    compare()
  cores.run()


def summary(figures: Figures, arguments: argparse.Namespace, seconds: float) -> dict[str, object]:
  """For machines."""
  commit = subprocess.run(
    ['git', 'rev-parse', '--short', 'HEAD'], cwd=ROOT, capture_output=True, text=True
  )
  cores = ''.join(f' --core {name}' for name in arguments.core)
  return {
    'schema_version': SCHEMA_VERSION,
    'command': 'python benchmarks/generated_graphs.py --json'
    f' --graphs {arguments.graphs} --seed {arguments.seed}{cores}',
    'commit': commit.stdout.strip(),
    'machine': f'{platform.machine()}, one core',
    'seconds': round(seconds),
    'seed': arguments.seed,
    'graphs': dict(figures.graphs),
    'differences': len(figures.differences),
    'on_cores': dict(figures.on_cores),
    'operators': dict(sorted(figures.operators.items())),
  }


def main() -> None:
  """Runs the graphs and prints what was found."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--graphs', type=int, default=200, help='how many (default: 200)')
  parser.add_argument('--seed', type=int, default=0, help='of the random choices')
  parser.add_argument('--minutes', type=float, help='stop after so long')
  parser.add_argument('--core', action='append', default=[], help='an emulated core to run on')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  begin = time.monotonic()
  figures = Figures()
  with tempfile.TemporaryDirectory(prefix='tflm_patch_graphs_') as folder:
    cores = Cores(arguments.core, figures, pathlib.Path(folder))
    run(arguments.graphs, arguments.seed, arguments.minutes, figures, cores)
  found = summary(figures, arguments, time.monotonic() - begin)
  if arguments.json:
    print(json.dumps(found, indent=2))
  else:
    counts = ', '.join(f'{count:,} {kind}' for kind, count in figures.graphs.items())
    print(f'{counts} graphs, {len(figures.differences)} differences')
    for name, count in figures.on_cores.items():
      print(f'{count:,} of them on {name}')
    for opcode, count in sorted(figures.operators.items()):
      print(f'  {opcode:26}{count:>8,}')
  sys.exit(1 if figures.differences else 0)


if __name__ == '__main__':
  main()

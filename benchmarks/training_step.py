# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory and instructions of training steps of the 80 x 80 network of MCUNet.

  python benchmarks/training_step.py FOLDER [--cpu cortex-m4] [--json]

FOLDER holds mcunet_vww.tflite. Each line is a scheme: which operators train weights of which
part of their input channels, with their biases.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time
from typing import Any

import provenance

from tflm_patch.graph.reader import read_model
from tflm_patch.graph.types import Model
from tflm_patch.on_device import (
  LayerUpdate,
  Scheme,
  TrainingOptions,
  TrainingPlanner,
  make_component,
  measure_inference,
  measure_step,
  random_images,
)

# Operator -> the part of its input channels, 1 / n of them; 0 for biases alone.
SCHEMES = {
  'last layer': {61: 1},
  'last blocks': {47: 8, 51: 4, 55: 4, 61: 1},
  'blocks from 33 on': {33: 1, 37: 4, 40: 4, 61: 1},
  'blocks from 21 on': {21: 1, 25: 2, 29: 2, 33: 4, 37: 4, 40: 4, 61: 1},
  'biases from 21 on': dict.fromkeys((21, 23, 25, 27, 29, 32, 33, 35, 37, 39, 40, 42, 44, 46), 0)
  | dict.fromkeys((47, 49, 51, 53, 55, 57), 0)
  | {61: 1},
}


def scheme_of(model: Model, parts: dict[int, int]) -> Scheme:
  """A scheme by operators and parts of their channels."""
  main = model.main
  updates = []
  for index, part in parts.items():
    channels = main.tensors[main.operators[index].inputs[1]].shape[-1]
    updates.append(LayerUpdate(index, True, tuple(range(channels // part if part else 0))))
  return Scheme(tuple(updates))


def row_of(
  planner: TrainingPlanner, model: Model, scheme: Scheme, cpu: str, inference: float
) -> dict[str, Any]:
  """Figures of a scheme; `inference`: instructions of the model compiled for that alone."""
  memory = planner.memory(scheme)
  component = make_component(model, scheme, planner=planner)
  cost = measure_step(component, random_images(component, 2), cpu)
  if cost.memory != memory.total:
    raise SystemExit(f'{memory.total} bytes were predicted, {cost.memory} are linked')
  return {
    'parameters': memory.parameters,
    'memory_total': memory.total,
    'memory_over_inference': memory.over_inference,
    'constants_bytes': component.constants_bytes,
    'instructions_forward': round(cost.forward),
    'instructions_step': round(cost.step),
    'ratio': round(cost.step / inference, 3),
    'cycles': None if cost.cycles is None else cost.cycles.cycles,
    'stack': cost.stack,
  }


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  parser.add_argument('--cpu', default='cortex-m4')
  parser.add_argument('--json', action='store_true')
  arguments = parser.parse_args()
  start = time.monotonic()
  model = read_model(arguments.folder / 'mcunet_vww.tflite')
  planner = TrainingPlanner(model)
  inference = measure_inference(model, arguments.cpu)
  rows = {}
  for name, parts in SCHEMES.items():
    rows[name] = row_of(planner, model, scheme_of(model, parts), arguments.cpu, inference)
    if not arguments.json:
      print(f'{name}: {rows[name]}')
  if arguments.json:
    found = {
      'schema_version': 1,
      'command': 'python benchmarks/training_step.py FOLDER --json',
      'commit': provenance.commit(),
      'seconds': round(time.monotonic() - start),
      'seed': TrainingOptions().seed,
      'cpu': arguments.cpu,
      'instructions_inference': round(inference),
      'schemes': rows,
    }
    print(json.dumps(found, indent=2))


if __name__ == '__main__':
  main()

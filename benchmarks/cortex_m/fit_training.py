# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fits what training steps cost from runs on the emulated cores.

  python benchmarks/cortex_m/fit_training.py FOLDER [--cpus m4,m55]

FOLDER holds the models of FITTED and CHECKED. Writes a file of tflm_patch/cost/training/ a core:
instructions for what an operator backward does, and for what training adds to a forward pass.
Every operator that goes backward is an observation. The schemes of CHECKED only show how well the
instructions of a whole step are predicted that was not fitted. Run it again after a change of a
kernel of `micro_kernels/src/backward/`, and after `fit_cost.py`.

Coefficients are not negative; they minimize the squares of relative residuals, large operators
of a step counting more.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from fit_cost import nonnegative_least_squares

from tflm_patch.architecture import parse_spec, to_graph
from tflm_patch.bench import cpus
from tflm_patch.graph.reader import read_model
from tflm_patch.graph.types import Model
from tflm_patch.on_device import instructions
from tflm_patch.on_device.component import ComponentOptions, TrainingComponent, make_component
from tflm_patch.on_device.measure import measure_inference, measure_step, random_images
from tflm_patch.on_device.network import TRAINABLE
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme
from tflm_patch.sample.sample import sample_model_path

# A model or a spec, how many of its last layers are trained, which part of their input channels
# (1 / n of them; 0 for biases alone), and the loss.
Probe = tuple[str, int, int, Loss]
_CLASSES, _VALUES = Loss.CROSS_ENTROPY, Loss.MEAN_SQUARED_ERROR
# The network of benchmarks/adapt.py, with seven classes.
SIGNS = (
  'in48x48x3 conv3_s2_c8 ir_k3_e2_s2_c12 ir_k3_e3_c12 ir_k3_e3_s2_c20 ir_k3_e3_c20 '
  'ir_k3_e3_s2_c32 ir_k3_e3_c32 conv1_c384 fc7'
)
FITTED: tuple[Probe, ...] = (
  ('sample', 8, 1, _CLASSES),
  ('sample', 14, 3, _CLASSES),
  ('mlperf_resnet8_int8', 8, 4, _CLASSES),
  ('mlperf_resnet8_int8', 4, 1, _CLASSES),
  ('mlperf_kws_int8', 6, 2, _CLASSES),
  ('mlperf_ad01_int8', 6, 2, _VALUES),
  ('mcunet_vww', 12, 1, _CLASSES),
  ('mcunet_vww', 22, 4, _CLASSES),
  ('mcunet_vww', 22, 0, _CLASSES),
  (SIGNS, 12, 2, _CLASSES),
)
CHECKED: tuple[Probe, ...] = (
  ('sample', 11, 2, _CLASSES),
  ('mlperf_vww_96_int8', 12, 4, _CLASSES),
  ('mcunet_vww', 16, 2, _CLASSES),
  (SIGNS, 9, 4, _CLASSES),
)
SCHEMA_VERSION = 1
_DIGITS = 5
_FLOOR = 0.01  # of a step: smaller operators count no more


@dataclasses.dataclass(frozen=True)
class Observation:
  """What something does, its instructions, and those of its step."""

  effort: Mapping[str, int]
  value: float
  total: float


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
  """A probe that ran: its parts, and what is not fitted of its forward pass."""

  component: TrainingComponent
  backward: tuple[Observation, ...]
  forward: Observation
  stock: float
  inference: float
  step: float


def scheme_of(probe: Probe, model: Model) -> Scheme:
  """What a probe trains."""
  _, count, part, loss = probe
  main = model.main
  layers = [
    index
    for index, operator in enumerate(main.operators)
    if operator.opcode in TRAINABLE and len(operator.inputs) > 2
  ]
  updates = []
  for index in layers[-count:]:
    channels = main.tensors[main.operators[index].inputs[1]].shape[-1]
    by = 1 if index == layers[-1] else part
    updates.append(LayerUpdate(index, True, tuple(range(channels // by if by else 0))))
  return Scheme(tuple(updates), loss)


def model_of(name: str, folder: pathlib.Path) -> Model:
  """By its file's name, or as a spec."""
  if name.startswith('in'):
    return to_graph(parse_spec(name))
  return read_model(sample_model_path() if name == 'sample' else folder / f'{name}.tflite')


def run(probe: Probe, folder: pathlib.Path, cpu: str, arithmetic: Arithmetic) -> Run:
  """Measures a probe."""
  model = model_of(probe[0], folder)
  training = TrainingOptions(arithmetic=arithmetic)
  options = ComponentOptions(training=training)
  component = make_component(model, scheme_of(probe, model), options)
  work = component.work
  cost = measure_step(component, random_images(component, 2), cpu)
  backward = tuple(
    Observation(instructions.effort_of(group), part.instructions, cost.step)
    for group, part in zip(component.backward, cost.parts[2:], strict=True)
  )
  stock = instructions.stock_forward(work, cpu)
  forward = Observation(instructions.forward_effort(work), cost.forward - stock, cost.forward)
  inference = measure_inference(model, cpu)
  print(f'{cpu} {probe[:3]}: {cost.step:,.0f}, {cost.step / inference:.2f} inferences', flush=True)
  return Run(component, backward, forward, stock, inference, cost.step)


def fit(observations: Sequence[Observation], names: Sequence[str]) -> dict[str, float]:
  """Coefficients by name; those that no observation tells are left out."""
  weights = [1 / max(each.value, _FLOOR * each.total) for each in observations]
  rows = [[each.effort.get(name, 0) for name in names] for each in observations]
  a = np.array(rows, float) * np.array(weights)[:, None]
  b = np.array([each.value for each in observations]) * weights
  sizes = np.maximum(np.linalg.norm(a, axis=0), 1e-30)
  found = nonnegative_least_squares(a / sizes, b) / sizes
  return {name: float(f'{value:.{_DIGITS}g}') for name, value in zip(names, found) if value > 0}


def errors(runs: Mapping[Probe, Run], table: instructions.StepTable) -> Iterator[tuple[str, float]]:
  """Of whole steps, relative."""
  for probe, found in runs.items():
    predicted = found.stock + instructions.weighed(found.forward.effort, table.forward)
    predicted += sum(instructions.weighed(each.effort, table.backward) for each in found.backward)
    yield f'{probe[0][:20]}, {probe[1]} layers, 1/{probe[2]}', round(predicted / found.step - 1, 4)


def main() -> None:
  """Runs, fits, writes."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  parser.add_argument('--cpus', default=','.join(cpus.CPUS), help='with commas between')
  parser.add_argument(
    '--arithmetic',
    choices=[each.value for each in Arithmetic],
    help='of gradients (default: that of the core)',
  )
  arguments = parser.parse_args()
  for name in arguments.cpus.split(','):
    cpu = cpus.find(name).name
    arithmetic = instructions.default_arithmetic(cpu)
    if arguments.arithmetic is not None:
      arithmetic = Arithmetic(arguments.arithmetic)
    fitted, checked = (
      {probe: run(probe, arguments.folder, cpu, arithmetic) for probe in probes}
      for probes in (FITTED, CHECKED)
    )
    observations = [each for found in fitted.values() for each in found.backward]
    table = instructions.StepTable(
      cpu,
      fit([found.forward for found in fitted.values()], instructions.FORWARD),
      fit(observations, instructions.BACKWARD),
    )
    text = {
      'schema_version': SCHEMA_VERSION,
      'command': f'python benchmarks/cortex_m/fit_training.py FOLDER --cpus {cpu} '
      f'--arithmetic {arithmetic.value}',
      'cpu': cpu,
      'optimization': '-O2',
      'arithmetic': arithmetic.value,
      'errors_of_fitted': dict(errors(fitted, table)),
      'errors_of_others': dict(errors(checked, table)),
      'forward': table.forward,
      'backward': table.backward,
    }
    instructions.FOLDER.mkdir(exist_ok=True)
    file = instructions.FOLDER / instructions.file_name(cpu, arithmetic)
    file.write_text(json.dumps(text, indent=2) + '\n')
    print(
      json.dumps({key: text[key] for key in ('errors_of_fitted', 'errors_of_others')}, indent=2)
    )


if __name__ == '__main__':
  main()

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds components that learn, and lets them learn, on the host."""

from __future__ import annotations

import ctypes
import dataclasses
import pathlib

import numpy as np

from support import compiled as harness
from tflm_patch.kernel_library.sources import source_dir, sources_of
from tflm_patch.on_device.component import TrainingComponent
from tflm_patch.on_device.device_reference import DeviceReference
from tflm_patch.on_device.integer_reference import IntegerReference
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.plan import Part, Work
from tflm_patch.quantization.exact.network import ExactNetwork
from tflm_patch.runtime import paths

FLAGS = ('-O1', '-fPIC', '-shared', '-ffunction-sections', '-Wl,--gc-sections')


@dataclasses.dataclass
class Host:
  """A component as a shared library."""

  library: ctypes.CDLL
  component: TrainingComponent

  def memory(self) -> np.ndarray:
    """All that the component has, uint8."""
    size = self.component.plan.bytes
    address = self.library.memory_of_component
    address.restype = ctypes.c_void_p
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address()))

  def parameters(self) -> bytes:
    at = self.component.plan.offsets[Part.PARAMETERS, 0]
    return self.memory()[at : at + self.component.work.parameters.bytes].tobytes()

  def call(self, name: str, *arguments: object, result: object = ctypes.c_int) -> object:
    function = getattr(self.library, f'{self.component.name}_{name}')
    function.restype = result
    return function(*arguments)

  def loss(self) -> float:
    return self.call('loss', result=ctypes.c_float)

  def train_step(self, image: np.ndarray, label: int) -> int:
    return self.call('train_step', np.ascontiguousarray(image).ctypes, ctypes.c_uint32(label))

  def output(self) -> np.ndarray:
    main = self.component.work.network.model.main
    tensor = main.tensors[main.outputs[0]]
    at = self.call('output', ctypes.c_uint32(0), result=ctypes.c_void_p)
    data = ctypes.string_at(at, tensor.bytes)
    return np.frombuffer(data, tensor.dtype.numpy).reshape(tensor.shape)

  def run(self, image: np.ndarray) -> np.ndarray:
    at = self.call('input', ctypes.c_uint32(0), result=ctypes.c_void_p)
    data = np.ascontiguousarray(image).tobytes()
    ctypes.memmove(at, data, len(data))
    self.call('invoke', result=None)
    return self.output()


def build(component: TrainingComponent, folder: pathlib.Path, *flags: str) -> Host:
  """The component for this computer, after `init`."""
  for name, text in component.files.items():
    (folder / name).write_text(text)
  # The workspace is the component's own: a test looks into it from within.
  peek = f'#include "{component.name}.c"\nvoid* memory_of_component(void);\n'
  (folder / 'peek.c').write_text(f'{peek}void* memory_of_component(void) {{ return workspace; }}\n')
  sources = [source_dir() / file for file in sources_of(component.kernels)]
  harness.run(
    'gcc',
    *harness.WARNINGS,
    *FLAGS,
    *flags,
    f'-I{paths.include_dirs()[0]}',
    'peek.c',
    *sources,
    '-o',
    'model.so',
    cwd=folder,
  )
  host = Host(ctypes.CDLL(str(folder / 'model.so')), component)
  host.call('init', result=None)
  return host


def reference_of(work: Work, training: TrainingOptions, rate: float) -> DeviceReference:
  """In the arithmetic that is asked for."""
  is_integer = training.arithmetic is Arithmetic.INTEGER
  return (IntegerReference if is_integer else DeviceReference)(work, training, rate)


def values_of(reference: DeviceReference, image: np.ndarray) -> dict[int, np.ndarray]:
  """What a reference needs of a forward pass with its weights, computed exactly."""
  model, needed = reference.model, reference.needed
  main = model.main
  last = max(i for i, op in enumerate(main.operators) if set(op.outputs) & set(needed))
  main = dataclasses.replace(main, operators=main.operators[: last + 1], outputs=needed)
  network = ExactNetwork(dataclasses.replace(model, subgraphs=[main]))
  return dict(zip(needed, network.run_bytes([image])))

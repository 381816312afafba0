# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of gradients: finite differences of forward passes in float64."""

import dataclasses
import functools
import math

import numpy as np
import pytest
from support import learning, learning_models

from tflm_patch.graph import quantize
from tflm_patch.on_device import device_reference, network
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.operators import REGISTRY, backward_of, clamps
from tflm_patch.on_device.operators.base import Wanted
from tflm_patch.on_device.operators.relu import Relu
from tflm_patch.on_device.operators.weighted import Weighted
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Scheme
from tflm_patch.planner.lowering.operators import OpView

MODEL = network.rewrite(learning_models.every_operator())
VIEWS = [OpView(MODEL, MODEL.main, i) for i in range(len(MODEL.main.operators))]
PASSED = [view for view in VIEWS if view.opcode in REGISTRY]
NAMES = [view.name for view in PASSED]


@dataclasses.dataclass
class Values:
  """Inputs, and an output within any clamp."""

  tensors: dict[int, np.ndarray]
  current: np.ndarray | None = None

  def tensor(self, tensor):
    return self.tensors[tensor]

  def weights(self):
    return self.current

  def begun(self, tensor):
    del tensor


def scales(view, position=0):
  return quantize.scale_of(view.input(position)) / quantize.scale_of(view.output())


def windows(geometry, x):
  """Pairs of an output cell and its window's taps: (row, column) -> [(tap row, column, cell)]."""
  for row in range(geometry.target[0]):
    for col in range(geometry.target[1]):
      found = []
      for i in range(geometry.kernel[0]):
        for j in range(geometry.kernel[1]):
          r = row * geometry.stride[0] + i * geometry.dilation[0] - geometry.pad[0]
          c = col * geometry.stride[1] + j * geometry.dilation[1] - geometry.pad[1]
          if 0 <= r < geometry.source[0] and 0 <= c < geometry.source[1]:
            found.append((i, j, x[r, c]))
      yield row, col, found


def real_weighted(operator, x, weights, bias):
  """Outputs in units of the output's scale, neither rounded nor clamped."""
  geometry, view = operator.geometry, operator.view
  x = x.reshape(geometry.source) - operator.input_zero_point
  depthwise = view.opcode == 'DEPTHWISE_CONV_2D'
  out = np.zeros(geometry.target)
  shape = geometry.kernel
  if depthwise:
    weights = weights.reshape(*shape, -1)
  else:
    weights = weights.reshape(geometry.target[2], *shape, geometry.source[2])
  for row, col, taps in windows(geometry, x):
    total = bias.copy()
    for i, j, cell in taps:
      total += cell * weights[i, j] if depthwise else weights[:, i, j] @ cell
    out[row, col] = total
  return out * view.input(1).quantization.scales.astype(np.float64) * scales(view)


def real_pool(operator, x):
  out = np.zeros(operator.geometry.target)
  for row, col, taps in windows(operator.geometry, x.reshape(operator.geometry.source)):
    cells = np.array([cell for _, _, cell in taps])
    out[row, col] = cells.max(0) if operator.view.opcode == 'MAX_POOL_2D' else cells.mean(0)
  return out


def forward(operator, x, position=0):
  """The real outputs as a function of one input, others 0."""
  view = operator.view
  if isinstance(operator, Weighted):
    weights = view.input(1).array().astype(np.float64)
    return real_weighted(operator, x, weights, np.zeros(operator.geometry.target[2]))
  if view.opcode in ('AVERAGE_POOL_2D', 'MAX_POOL_2D'):
    return real_pool(operator, x)
  if view.opcode == 'MEAN':
    axes = tuple(axis % x.ndim for axis in view.integers(1))
    return x.mean(axis=axes) * scales(view)
  if view.opcode == 'PAD':
    return np.pad(x, np.array(view.integers(1)).reshape(-1, 2))
  if view.opcode == 'RESHAPE':
    return x
  return x * scales(view, position)


def differences(function, x, weighting, chosen, step):
  """Derivatives of sum(weighting * function) at some values of x."""
  found = []
  for at in chosen:
    moved = [x.astype(np.float64).reshape(-1) for _ in range(2)]
    moved[0][at] += step
    moved[1][at] -= step
    high, low = (function(m.reshape(x.shape)).reshape(-1) @ weighting.reshape(-1) for m in moved)
    found.append((high - low) / (2 * step))
  return np.array(found)


def sample(view, rng):
  """Values of an operator's inputs, all different within a window, and a gradient."""
  tensors = {}
  for i, tensor in enumerate(view.operator.inputs):
    if not view.input(i).is_constant:
      size = view.input(i).elements
      values = rng.permutation(np.arange(size) * 7 % 251 - 125)
      tensors[tensor] = values.reshape(view.input(i).shape).astype(np.int64)
  operator = backward_of(view)
  clamp = operator.clamp if isinstance(operator, Relu) else clamps.clamp_of(view)
  middle = np.full(view.output().shape, sum(clamp) // 2, np.int64)
  tensors[view.operator.outputs[0]] = middle
  return tensors, rng.normal(size=view.output().shape).astype(np.float32)


@pytest.mark.parametrize('view', PASSED, ids=NAMES)
def test_inputs(view):
  rng = np.random.default_rng(1)
  operator = backward_of(view)
  tensors, gradient = sample(view, rng)
  weights = view.input(1).array() if isinstance(operator, Weighted) else None
  positions = [i for i, t in enumerate(view.operator.inputs) if t in tensors]
  for position in positions:
    x = tensors[view.operator.inputs[position]]
    wanted = Wanted((position,))
    found = operator.apply(gradient, wanted, Values(tensors, weights))[position]
    chosen = rng.choice(x.size, min(x.size, 25), replace=False)
    expected = differences(
      lambda values, position=position: forward(operator, values, position),
      x,
      gradient.astype(np.float64),
      chosen,
      0.25,
    )
    assert found.shape == x.shape
    np.testing.assert_allclose(found.reshape(-1)[chosen], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('view', [v for v in PASSED if v.opcode in network.TRAINABLE])
def test_weights_and_biases(view):
  rng = np.random.default_rng(2)
  channels = tuple(range(0, view.input(1).shape[-1], 2))
  operator = backward_of(view, LayerUpdate(view.index, True, channels))
  tensors, gradient = sample(view, rng)
  values = Values(tensors, view.input(1).array())
  accumulators = operator.accumulators(gradient, values)
  x, outputs = tensors[operator.source], operator.geometry.target[2]
  weights = view.input(1).array().astype(np.float64)
  every = np.arange(weights.size).reshape(weights.shape)[..., list(channels)].reshape(-1)
  found = operator.weight_gradient(accumulators, values)
  assert found.size == operator.trained_weights == every.size
  chosen = rng.choice(every.size, min(every.size, 20), replace=False)
  weighting = gradient.astype(np.float64)
  expected = differences(
    lambda w: real_weighted(operator, x, w, np.zeros(outputs)), weights, weighting, every[chosen], 1
  )
  np.testing.assert_allclose(found[chosen], expected, rtol=1e-4, atol=1e-5)
  expected = differences(
    lambda b: real_weighted(operator, x, weights, b),
    np.zeros(outputs),
    weighting,
    range(outputs),
    1,
  )
  np.testing.assert_allclose(operator.bias_gradient(accumulators), expected, rtol=1e-4, atol=1e-6)


def test_gradients_stop_at_clamps():
  view = next(v for v in PASSED if v.opcode == 'ADD')
  tensors, gradient = sample(view, np.random.default_rng(3))
  target = view.operator.outputs[0]
  output = tensors[target].reshape(-1)
  output[:3] = -128, 127, 126
  operator = backward_of(view)
  found = operator.apply(gradient, Wanted((0,)), Values(tensors))[0].reshape(-1)
  assert found[0] == found[1] == 0
  assert found[2] != 0


def test_exponential_and_logarithm():
  x = -np.linspace(0, 86, 4001, dtype=np.float32)
  np.testing.assert_allclose(device_reference.exp(x), np.exp(x.astype(np.float64)), rtol=3e-7)
  assert device_reference.exp(np.float32(-88)) == 0
  for value in np.geomspace(1, 1e6, 400, dtype=np.float32):
    assert device_reference.log(value) == pytest.approx(math.log(value), rel=1e-6, abs=1e-7)


def test_cross_entropy():
  scale, values = np.float32(0.11), np.array([-20, 5, 17, 90, 88])

  def loss(q):
    real = q * np.float64(scale)
    return np.log(np.exp(real - real.max()).sum()) + real.max() - real[3]

  found, gradient = device_reference.cross_entropy(values.astype(np.float32) * scale, scale, 3)
  assert found == pytest.approx(loss(values), rel=1e-5)
  expected = differences(lambda q: np.array([loss(q)]), values, np.ones(1), range(5), 1e-4)
  np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def test_squared_error():
  scale, values, targets = np.float32(0.02), np.array([3, -7, 100]), np.array([0.5, -1, 0])

  def loss(q):
    return np.mean((q * np.float64(scale) - targets) ** 2)

  real = values.astype(np.float32) * scale
  found, gradient = device_reference.squared_error(real, scale, targets.astype(np.float32))
  assert found == pytest.approx(loss(values), rel=1e-5)
  expected = differences(lambda q: np.array([loss(q)]), values, np.ones(1), range(3), 1e-3)
  np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize('view', [v for v in PASSED if v.opcode in network.TRAINABLE])
def test_quantization_aware_steps_are_those_of_floats(view):
  """Before rounding, a step of the integers is a step of gradient descent of the real weights."""
  rate, rng = 0.01, np.random.default_rng(4)
  operator = backward_of(view, LayerUpdate(view.index, True, (0,)))
  weights, biases = (array.astype(np.float64) for array in operator.inverses())
  scale = view.input(1).quantization.scales.astype(np.float64)
  bias_scale = scale * quantize.scale_of(view.input())
  gradient = rng.normal(size=scale.size)  # with respect to real weights, one a channel
  # Of the integer weight q = w / scale it is gradient * scale.
  step = rate * weights * (gradient * scale)
  np.testing.assert_allclose(step * scale, rate * gradient, rtol=1e-6)
  step = rate * biases * (gradient * bias_scale)
  np.testing.assert_allclose(step * bias_scale, rate * gradient, rtol=1e-6)


def test_rounding_is_right_on_average():
  steps = np.full(40000, 0.3, np.float32)
  found = device_reference.changes(steps, np.arange(40000, dtype=np.uint32))
  assert set(found) == {-1, 0}
  assert found.mean() == pytest.approx(-0.3, abs=0.01)
  assert device_reference.changes(np.float32([2.0]), np.zeros(1, np.uint32)) == [-2]


def test_no_gradient_no_change():
  """Weights that get no gradient stay, whatever the chance."""
  index, channels = learning_models.layers(learning_models.every_operator())[-1]
  model = learning_models.every_operator()
  scheme = Scheme((LayerUpdate(index, True, tuple(range(channels))),))
  work = TrainingPlanner(model).work(scheme)
  reference = device_reference.DeviceReference(work, TrainingOptions(), 0.0)
  before = reference.parameters
  tensors = {
    t: np.zeros((1, *work.network.model.main.tensors[t].shape[1:]), np.int8)
    for t in reference.needed
  }
  reference.learn(tensors, 1)
  assert reference.parameters == before


@pytest.mark.parametrize(
  'model',
  [learning_models.random_chain(4), learning_models.every_operator(2)],
  ids=['chain', 'all'],
)
def test_gradients_of_integers_are_those_of_floats(model):
  """A sample's steps, before rounding, within a part in 500 of the largest of their layer."""
  scheme = learning_models.scheme_of(model, 0, 1)
  shape = model.main.tensors[model.main.inputs[0]].shape
  image = np.random.default_rng(5).integers(-128, 128, shape, np.int8)
  taken = {}
  for arithmetic in Arithmetic:
    training = TrainingOptions(arithmetic=arithmetic)
    work = TrainingPlanner(model, training).work(scheme)
    reference = learning.reference_of(work, training, 0.05)
    values = learning.values_of(reference, image)
    reference._take = functools.partial(taken.__setitem__, arithmetic)
    reference.learn(values, 1)
  floats, integers = taken[Arithmetic.FLOAT32], taken[Arithmetic.INTEGER] / 2**20
  for index, layer in work.parameters.layers.items():
    channels = layer.operator.geometry.target[2]
    inverses, bias_inverses = (np.resize(each, channels) for each in layer.operator.inverses())
    weights = slice(layer.number, layer.number + layer.weights.size)
    biases = slice(layer.bias_number, layer.bias_number + channels)
    for at, factors in ((weights, inverses[reference._owners(index)]), (biases, bias_inverses)):
      exact = floats[at] * factors * np.float32(0.05)
      assert np.abs(integers[at] - exact).max() < np.abs(exact).max() / 500, (
        layer.operator.view.name
      )

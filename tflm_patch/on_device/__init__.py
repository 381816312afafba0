# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training on the chip: what to update of an int8 model, and the code that does it.

`scheme` says what is trained, `memory.training_memory` what that costs to the byte,
`component.make_component` writes the C that does it, and `device_reference` computes the
same in NumPy. What all of them agree on, in float32 with every operation rounded by itself
and sums from the first term on, beginning with 0; q are integers as stored, s scales, z zero
points:

Gradients of integers, for chips without a floating-point unit, differ as `integers` says.

Forward
  The int8 network exactly as TFLM computes it, with the trained weights and biases.

Loss
  Cross-entropy, of real logits r = float(q - z) * s: m = max r, e = exp(r - m), S = sum e,
  loss = log(S) - (r[label] - m), G[i] = (e[i] / S - (i == label)) * s.
  Mean squared error, of n real outputs r: d = r - target, loss = sum(d * d) / n,
  G[i] = (2 / n * d[i]) * s.
  G is the gradient with respect to the integer q. exp and log are those of
  `micro_kernels/src/backward/loss.c`.

Clamps
  The gradient of an output q passes where act_min < q < act_max and is 0 elsewhere, for
  every operator that clamps, with or without a fused activation (then -128 and 127).

Convolutions and fully connected layers; A is the gradient of an accumulator
  A[p][o] = G[p][o] * float32(s_x * s_w[o] / s_y) where the clamp lets it pass, else 0
  G_x[i] = sum over the window's taps, then over output channels, of w * A
  G_w[o][tap][i] = sum over output cells, in rows, of A[p][o] * (x - z_x), cells in the map only
  G_b[o] = sum over output cells of A[p][o]

Additions, means, pools, ReLU, PAD
  G_a = G * float32(s_a / s_y); means and average pools with s_x / (s_y * count), count the
  values averaged; a maximum goes to the first of equal values; PAD drops the gradient of its
  border.
  A tensor with several readers sums their gradients, that of the last reader first; the sums
  of convolutions, depthwise ones and fully connected layers begin with what is there, those of
  other operators are added when they are whole.

Update, of parameter number k among all n of the scheme: layers ascending, of each its weights
  [output][kernel row][kernel column][input] (depthwise: [kernel row][kernel column][channel]),
  of the chosen channels alone, then its biases
  G is the sum over `samples` steps, added up step by step
  step = (G * inverse[o]) * (rate / samples), rate the learning rate, and for quantization-aware
  scaling inverse = float32(1 / s_w^2) of a weight, float32(1 / (s_w * s_x)^2) of a bias
  (without it, 1)
  u = float(h >> 8) * 2^-24 of h = mix32(counter + k + seed * 0x9E3779B9), mix32 the finalizer of
  MurmurHash3; counter grows by n with every update
  d = floor(u - step), at least -2^24 and at most 2^24, 0 where step is no number
  weight = clamp(weight + d, -127, 127); bias = clamp(bias + d, -2^29, 2^29)
  The bias is the folded one, b - z_x * sum(w): weights that change by c change it by -z_x * c.
  Gradients are those before any parameter changes.
"""

from tflm_patch.on_device.component import ComponentOptions, TrainingComponent, make_component
from tflm_patch.on_device.measure import StepCost, measure_inference, measure_step, random_images
from tflm_patch.on_device.memory import TrainingMemory, TrainingPlanner, training_memory
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme

__all__ = [
  'Arithmetic',
  'ComponentOptions',
  'LayerUpdate',
  'Loss',
  'Scheme',
  'StepCost',
  'TrainingComponent',
  'TrainingMemory',
  'TrainingOptions',
  'TrainingPlanner',
  'make_component',
  'measure_inference',
  'measure_step',
  'random_images',
  'training_memory',
]

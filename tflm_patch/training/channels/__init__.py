# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which channels of a Keras model belong together, and the model without some of them.

`atoms`: channels that go together, derived from the captured network. `layers`: where they
lie in the weights of Keras layers. `model_channels`: both for a model, in groups.
`shrink`: the network without channels, for the planner. `rebuild`: the Keras model without
them.
"""

# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graph neighbourhoods: sums over the neighbours of nodes, and the order of the nodes."""

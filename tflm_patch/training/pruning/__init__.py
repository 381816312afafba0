# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that go until a budget is met.

`plan`: how many of each group, by what the planner says. `masks`: channels that are 0 while
they can still come back. `prune`: both at once, without training.
"""

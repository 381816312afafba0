/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "order.h"

void tflm_patch_timeline_init(tflm_patch_timeline* timeline, const tflm_patch_stage* stage,
                              tflm_patch_room* room) {
  const size_t ops = (size_t)stage->t.ops;
  timeline->stage = stage;
  timeline->done = tflm_patch_take(room, ops, sizeof(*timeline->done));
  timeline->times = tflm_patch_take(room, ops, sizeof(*timeline->times));
  int32_t* times = tflm_patch_take(room, (size_t)stage->total_steps, sizeof(*times));
  timeline->order = NULL;
  for (size_t i = 0; room->memory != NULL && i < ops; ++i) {
    timeline->times[i] = times;
    times += stage->t.steps[i];
  }
}

void tflm_patch_timeline_begin(tflm_patch_timeline* timeline, int32_t first) {
  timeline->first = first;
  timeline->last = first;
  timeline->length = 0;
  timeline->dispatches = 0;
  timeline->run_op = -1;
  timeline->run_steps = 0;
}

/* Counts the kernel calls of the steps that ran in a row. */
static void end_run(tflm_patch_timeline* timeline) {
  const tflm_patch_stage_tables* t = &timeline->stage->t;
  if (timeline->run_op >= 0 && t->calls[timeline->run_op] == 1) {
    timeline->dispatches += (timeline->run_steps + t->max_step_rows - 1) / t->max_step_rows;
  }
  timeline->run_steps = 0;
}

/* Runs operator i up to and including a step. Makers come before their readers, so that
 * this calls itself no deeper than a segment has operators. */
static void advance(tflm_patch_timeline* timeline, tflm_patch_cut segment, int32_t i,
                    int32_t step) {
  const tflm_patch_stage* stage = timeline->stage;
  const int32_t begin = stage->t.first_input[i];
  const int32_t end = stage->t.first_input[i + 1];
  for (int32_t s = timeline->done[i]; s <= step; ++s) {
    for (int32_t k = begin; k < end; ++k) {
      const int32_t maker = stage->producer[stage->t.input[k]];
      if (maker >= segment.first && timeline->done[maker] <= stage->producer_step[k][s]) {
        advance(timeline, segment, maker, stage->producer_step[k][s]);
      }
    }
    if (timeline->run_op != i) {
      end_run(timeline);
      timeline->run_op = i;
    }
    ++timeline->run_steps;
    if (timeline->order != NULL) {
      timeline->order[timeline->length] = i;
    }
    timeline->times[i][s] = timeline->length++;
    timeline->done[i] = s + 1;
  }
}

static bool is_end(const tflm_patch_stage* stage, tflm_patch_cut segment, int32_t i) {
  return stage->first_reader[i] >= segment.last;
}

int32_t tflm_patch_count_ends(const tflm_patch_stage* stage, tflm_patch_cut segment) {
  int32_t count = 0;
  for (int32_t i = segment.first; i < segment.last; ++i) {
    count += is_end(stage, segment, i);
  }
  return count;
}

void tflm_patch_timeline_run(tflm_patch_timeline* timeline, tflm_patch_cut segment) {
  const tflm_patch_stage* stage = timeline->stage;
  const int32_t* steps = stage->t.steps;
  for (int32_t i = segment.first; i < segment.last; ++i) {
    timeline->done[i] = 0;
  }
  timeline->last = segment.last;
  const bool is_alone = tflm_patch_count_ends(stage, segment) == 1;
  const int32_t main = segment.last - 1; /* nothing of the segment reads its last operator */
  for (int32_t step = 0; step < steps[main]; ++step) {
    advance(timeline, segment, main, step);
    /* Other ends keep pace, so that what they share with the main end stays short. */
    for (int32_t i = segment.first; !is_alone && i < main; ++i) {
      if (is_end(stage, segment, i)) {
        advance(timeline, segment, i, steps[i] * (step + 1) / steps[main] - 1);
      }
    }
  }
  /* Rows that nobody asked for: the tensors they belong to are complete in TFLM, too. */
  for (int32_t i = segment.first; i < segment.last; ++i) {
    advance(timeline, segment, i, steps[i] - 1);
  }
  end_run(timeline);
  timeline->run_op = -1;
}

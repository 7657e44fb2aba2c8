import { expect, test } from "vitest";
import { createHeart } from "../src/rollout/heart.ts";

const hour = { heartbeatMs: 3600_000, limitMs: 172_800_000 };

test("the first heartbeat is due at once, the next after ten seconds, and after a third of the time-out once that is known", () => {
  const heart = createHeart();
  expect(heart.dueAt()).toBeLessThanOrEqual(0);
  heart.answered("held", 1000);
  expect(heart.dueAt()).toBe(11_000);
  heart.learned(hour);
  expect(heart.dueAt()).toBe(1_201_000);
});

test("a failed one is repeated soon", () => {
  const heart = createHeart();
  heart.learned(hour);
  heart.answered("failed", 1000);
  expect(heart.dueAt()).toBe(6000);
});

test("nothing is due when the action is gone", () => {
  const heart = createHeart();
  heart.answered("gone", 0);
  expect(heart.dueAt()).toBe(Number.POSITIVE_INFINITY);
});

test("the limit is the hook's own, 48 hours until it is known", () => {
  const heart = createHeart();
  expect(heart.limitMs()).toBe(48 * 3600_000);
  heart.learned({ heartbeatMs: 30_000, limitMs: 3_000_000 });
  expect(heart.limitMs()).toBe(3_000_000);
});

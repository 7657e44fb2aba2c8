import { expect, test } from "vitest";
import { isRefusal } from "../src/aws/refusal.ts";
import { createStanding } from "../src/daemon/standing.ts";

const setUp = () => createStanding("not known yet", "not followed");

test("two refusals with an answer in between are no lasting refusal, however far apart", () => {
  const standing = setUp();
  expect(standing.failed("forbidden", true, 0)).toBe(false);
  standing.answered();
  expect(standing.failed("forbidden", true, 3_600_000)).toBe(false);
  expect(standing.failed("forbidden", true, 3_659_999)).toBe(false);
  expect(standing.failed("forbidden", true, 3_660_000)).toBe(true);
});

test("a failure of another kind ends the refusal, too", () => {
  const standing = setUp();
  standing.failed("forbidden", true, 0);
  standing.failed("connection refused", false, 30_000);
  expect(standing.failed("forbidden", true, 70_000)).toBe(false);
});

test("what is wrong is told until the first answer, and again when it is lost", () => {
  const standing = setUp();
  expect(standing.problem()).toBe("not known yet");
  standing.failed("forbidden", true, 0);
  expect(standing.problem()).toBe("not known yet: forbidden");
  expect(standing.answered()).toBe(true);
  expect(standing.problem()).toBeUndefined();
  expect(standing.answered()).toBe(false);
  standing.failed("connection refused", false, 0);
  expect(standing.problem()).toBe("not followed: connection refused");
});

test.each([
  ["AccessDenied", true],
  ["AccessDeniedException", true],
  ["ExpiredTokenException", true],
  ["InvalidClientTokenId", true],
  ["CredentialsProviderError", true],
  ["RequestThrottled", false],
  ["TimeoutError", false],
  ["QueueDoesNotExist", false],
])("%s of AWS is a refusal: %s", (name, expected) => {
  expect(isRefusal(Object.assign(new Error(), { name }))).toBe(expected);
});

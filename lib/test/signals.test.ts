import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startProcess } from "../../test/cli.ts";
import { abortOnSignals } from "../src/signals.ts";

const source = fileURLToPath(new URL("../src/signals.ts", import.meta.url));
const script = `
import { abortOnSignals } from ${JSON.stringify(source)};
const { signal, received, dispose } = abortOnSignals();
signal.addEventListener("abort", () => {
  console.log(received(), signal.reason.name, signal.reason.message);
  if (process.argv.includes("ends")) { dispose(); clearInterval(alive); }
});
const alive = setInterval(() => {}, 1000);
console.log("up");
`;
const start = (...args: string[]) =>
  startProcess(process.execPath, ["--input-type=module-typescript", "--eval", script, ...args]);

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s aborts, and the process may end as it likes",
  async (name) => {
    const started = start("ends");
    await started.printed(/up/);
    started.kill(name);
    expect(await started.ended).toMatchObject({
      code: 0,
      stdout: `up\n${name} AbortError ended by ${name}\n`,
    });
  },
);

test("whoever asks twice does not wait: the first signal's exit code", async () => {
  const started = start();
  await started.printed(/up/);
  started.kill("SIGINT");
  await started.printed(/SIGINT AbortError/);
  started.kill("SIGTERM");
  expect((await started.ended).code).toBe(130);
});

test("what was disposed of listens no more", () => {
  const before = process.listenerCount("SIGTERM");
  const { dispose, received, signal } = abortOnSignals();
  expect(process.listenerCount("SIGTERM")).toBe(before + 1);
  dispose();
  expect(process.listenerCount("SIGTERM")).toBe(before);
  expect([received(), signal.aborted]).toEqual([undefined, false]);
});

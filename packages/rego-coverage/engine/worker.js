// Runs the engine in a thread of its own, so that it can be ended whatever it does.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { brotliDecompressSync } from "node:zlib";

// What Go's wasm_exec.js expects of its host. Paths start in the caller's folder, for a thread has no own.
const { cwd } = workerData;
globalThis.path = path;
globalThis.fs = new Proxy(fs, {
  get(target, name) {
    const value = target[name];
    if (typeof value !== "function") return value;
    return (first, ...rest) =>
      value.call(target, typeof first === "string" ? path.resolve(cwd, first) : first, ...rest);
  },
});
globalThis.require = createRequire(import.meta.url);
await import("./wasm_exec.js");

const ready = new Promise((done) => {
  globalThis.regoCoverageReady = done;
});
globalThis.regoCoverageProgress = () => parentPort.postMessage({ progress: true });

const go = new globalThis.Go();
const compressed = fs.readFileSync(new URL("./opa.wasm.br", import.meta.url));
const { instance } = await WebAssembly.instantiate(
  brotliDecompressSync(compressed),
  go.importObject,
);
go.run(instance);
await ready;
parentPort.on("message", (request) => {
  globalThis.regoCoverageEngine(request, (answer) => parentPort.postMessage({ answer }));
});

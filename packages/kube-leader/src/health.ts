import { ConfigurationError } from "./errors.ts";

/**
 * Answers every request with 200, so that probes made for the command do not end a pod that waits.
 *
 * @returns what closes it, before the command needs the port
 * @throws ConfigurationError when the port is taken
 */
export async function answerProbes(port: number): Promise<() => Promise<void>> {
  // Not imported, for the reason that api.ts gives.
  const { createServer } = process.getBuiltinModule("node:http");
  const server = createServer((_, response) => response.end("waiting for the lock\n"));
  await new Promise<void>((resolve, reject) => {
    server.once("error", ({ message }) => {
      reject(new ConfigurationError(`--health-port ${port}: ${message}`));
    });
    server.listen(port, resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

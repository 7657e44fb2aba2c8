import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseNumber } from "@internal/lib/numbers";
import { createNotes } from "../notes.ts";

export const lead = command({
  name: "",
  usage: "--name LOCK [OPTION…] -- COMMAND [ARG…]\n       kube-leader LOCK COMMAND [ARG…]",
  summary: "Waits until this pod holds the lock, then becomes the command.",
  details: `The lock is a ConfigMap that belongs to the pod: it is freed when the pod is gone, and no sooner. Outside a
cluster the command runs at once. It finds KUBE_LEADER_LOCK, KUBE_LEADER_POD and KUBE_LEADER_FENCING_TOKEN
in its environment. KUBE_LEADER_NAME stands for --name.`,
  passthrough: true,
  positionals: {},
  options: {
    name: { value: "LOCK", help: "the lock: a ConfigMap in the pod's namespace" },
    timeout: { value: "SECONDS", help: "give up after so long, with exit code 124" },
    "health-port": { value: "PORT", help: "answer probes with 200 while waiting" },
    selector: {
      value: "LABELS",
      help: "before running, wait for the end of pods that match and are being deleted",
    },
    log: { value: "text|json", help: "the form of the lines on stderr, default text" },
  },
  examples: [
    { line: "kube-leader --name worker -- node worker.js", does: "one active worker" },
    { line: "kube-leader worker node worker.js", does: "the same, shorter" },
    { line: "kube-leader --name job --timeout 60 -- ./job", does: "or give up after a minute" },
  ],
  run: async ({ values, positionals, signal, io }) => {
    const { log = "text" } = values;
    if (log !== "text" && log !== "json") {
      throw new UsageError(`--log ${log}: expected text or json`);
    }
    const note = createNotes(io.stderr, log);
    // Node would open its inspector; the signal is meant for the command, which does not run yet.
    process.on("SIGUSR1", () => {});
    if (values.name === "") throw new UsageError("--name: the lock's name is empty");
    const words = wordsOf(values.name ?? io.env["KUBE_LEADER_NAME"], positionals);
    const { leadAndRun } = await import("../lead-and-run.ts");
    const plan = {
      ...words,
      timeoutSeconds: parseNumber("--timeout", values.timeout, { above: 0, to: 2_000_000 }),
      healthPort: parseNumber("--health-port", values["health-port"], {
        whole: true,
        from: 1,
        to: 65_535,
      }),
      selector: values.selector,
      env: io.env,
      note,
    };
    return leadAndRun(plan, signal);
  },
});

/** Which words are the lock, which the command: options come first, then `--`, or the original's `LOCK`. */
function wordsOf(
  named: string | undefined,
  words: string[],
): { name: string; command: string; args: string[] } {
  const hasDashes = words[0] === "--";
  const rest = hasDashes ? words.slice(1) : words;
  const isNamed = Boolean(named) || hasDashes;
  const name = isNamed ? named : rest[0];
  const command = isNamed ? rest : rest.slice(1);
  if (!name) {
    throw new UsageError("the lock has no name; expected --name LOCK -- COMMAND, or LOCK COMMAND");
  }
  const [program, ...args] = !isNamed && command[0] === "--" ? command.slice(1) : command;
  if (program === undefined) {
    throw new UsageError(`${name}: the command is missing; expected --name LOCK -- COMMAND [ARG…]`);
  }
  return { name, command: program, args };
}

import { readFile } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { command } from "@internal/lib/command";
import { aboutFile, UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import { MessageError } from "../message/error.ts";
import { parseMessage, type QueueMessage } from "../message/message.ts";

export const replayCommand = command({
  name: "replay",
  usage: "[OPTION…] FILE|-",
  summary: "Parses a queue message and says what would be done.",
  options: {
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json; default text" },
  },
  examples: [
    { line: "node-rollout replay message.json", does: "what `run` would make of it" },
    {
      line: "aws sqs receive-message --queue-url URL --query Messages[0].Body --output text | node-rollout replay -",
      does: "the next message of a queue",
    },
  ],
  positionals: { min: 1, max: 1 },
  async run({ values, positionals: [file = ""], signal, io }) {
    const formats = parseFormats(values.format ?? [], ["text", "json"]);
    const body =
      file === "-"
        ? await text(addAbortSignal(signal, io.stdin as Readable))
        : await readBody(file);
    let message: QueueMessage;
    try {
      message = parseMessage(body);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      io.stderr.write(`${file}: ${error.code}: ${error.message}; left for the dead-letter queue\n`);
      return 1;
    }
    const render = (name: "text" | "json") =>
      name === "json" ? `${JSON.stringify(message, undefined, 2)}\n` : `${explain(message)}\n`;
    await writeFormats(formats, render, io);
    return 0;
  },
});

function readBody(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(aboutFile(file, error), { cause: error });
  });
}

function explain(message: QueueMessage): string {
  switch (message.kind) {
    case "ignored":
      return `ignored and deleted: ${message.reason}`;
    case "interruption":
      return `${message.reason}: drain ${message.instanceIds.join(", ")} if it is a node; nothing holds it`;
    case "lifecycle": {
      const { transition, instanceId, asg, hook } = message;
      const what = `hook ${hook} of group ${asg} holds ${transition} instance ${instanceId}`;
      const ifOurs = "if the group is one of ours";
      return transition === "launching"
        ? `${what}: heartbeat until the node is ready, then CONTINUE, ${ifOurs} and there is a readiness block`
        : `${what}: heartbeat, cordon, drain, then CONTINUE, ${ifOurs}`;
    }
  }
}

#!/usr/bin/env node
import { requireNode } from "@internal/lib/node-version";
import { abortOnSignals } from "@internal/lib/signals";
import { useBlockingStreams } from "./notes.ts";

requireNode("kube-leader");
useBlockingStreams();
// To process 1 of a container a signal that nobody listens to is lost, and the import of the rest takes its time.
const signals = abortOnSignals();
const { main } = await import("./main.ts");
process.exitCode = await main(process.argv.slice(2), signals);

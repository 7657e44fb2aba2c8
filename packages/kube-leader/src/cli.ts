#!/usr/bin/env node
import { requireNode } from "@internal/lib/node-version";
import { useBlockingStreams } from "./notes.ts";

requireNode("kube-leader");
useBlockingStreams();
const { main } = await import("./main.ts");
process.exitCode = await main(process.argv.slice(2));

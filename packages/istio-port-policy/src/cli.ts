#!/usr/bin/env node
import { requireNode } from "@internal/lib/node-version";

requireNode("istio-port-policy");
const { main } = await import("./main.ts");
process.exitCode = await main(process.argv.slice(2));

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Download } from "./catalogue.ts";

/** A release's file could not be had, or is not the file whose checksum is pinned. */
export class DownloadError extends Error {
  override name = "DownloadError";
  readonly code = "DOWNLOAD";
}

/**
 * How long a server may be silent, in milliseconds: before its first byte, which on a closed network never comes,
 * and after it.
 */
const patience = { first: 5_000, next: 10_000 };

/** Hosts that did not answer this process: who needs nine components must not wait nine times. */
const silentHosts = new Set<string>();

/**
 * Downloads a release's file, checks it against its pinned checksum and leaves the program at `program`.
 * @throws DownloadError when any of that fails; nothing is left then.
 */
export async function download(
  { url, sha256, member }: Download,
  program: string,
  say: (line: string) => void,
): Promise<void> {
  const file = `${program}.download`;
  try {
    say(`downloading ${url}`);
    const actual = await fetchTo(url, file);
    if (actual !== sha256) {
      throw new DownloadError(`${url} has the checksum ${actual}, expected ${sha256}`);
    }
    if (member === undefined) await rename(file, program);
    else await extract(file, member, program);
    await chmod(program, 0o755);
  } finally {
    await rm(file, { force: true });
  }
}

/** Writes what a URL answers to a file; gives its SHA-256. */
async function fetchTo(url: string, file: string): Promise<string> {
  const { host } = new URL(url);
  if (silentHosts.has(host)) throw new DownloadError(`${url}: ${host} did not answer before`);
  const abort = new AbortController();
  let silence = abortAfter(abort, patience.first);
  const hash = createHash("sha256");
  try {
    const { ok, status, body } = await fetch(url, { signal: abort.signal }).catch((error) => {
      silentHosts.add(host);
      throw error;
    });
    clearTimeout(silence);
    silence = abortAfter(abort, patience.next);
    if (!ok || body === null) throw new Error(`answered ${status}`);
    const measured = async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        silence.refresh();
        hash.update(piece);
        yield piece;
      }
    };
    await pipeline(body, measured, createWriteStream(file));
  } catch (error) {
    const { message, cause } = error as Error;
    throw new DownloadError(`${url}: ${cause instanceof Error ? cause.message : message}`);
  } finally {
    clearTimeout(silence);
  }
  return hash.digest("hex");
}

function abortAfter(abort: AbortController, ms: number): NodeJS.Timeout {
  return setTimeout(() => abort.abort(new Error(`silent for ${ms / 1000} s`)), ms);
}

/** Takes one file out of a .tar.gz, as the tar of every Unix does. */
async function extract(archive: string, member: string, program: string): Promise<void> {
  const folder = dirname(program);
  const tar = spawn("tar", ["-xzf", archive, "-C", folder, member], { stdio: "ignore" });
  const [code] = await once(tar, "close");
  if (code !== 0) throw new DownloadError(`${archive} holds no ${member}`);
  await rename(join(folder, member), program);
}

import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { makeFolders } from "../src/folders.ts";

test("makes the folders that are missing and says which, the outermost first", async () => {
  using here = makeFolder({ "a/file": "" });
  symlinkSync("a", join(here.path, "link"));
  const made = await makeFolders(join(here.path, "link/b/c"));
  expect(made).toEqual([join(here.path, "link/b"), join(here.path, "link/b/c")]);
  expect(existsSync(join(here.path, "a/b/c"))).toBe(true);
  expect(await makeFolders(join(here.path, "a/b/c"))).toEqual([]);
});

test.each([
  ["a/file", "a file is where a folder is needed"],
  ["a/file/b", "a file is where a folder is needed"],
])("%s: the system's error in words", async (path, why) => {
  using here = makeFolder({ "a/file": "" });
  const folder = join(here.path, path);
  const message = `${folder}: cannot be written (${why}; choose another place)`;
  await expect(makeFolders(folder)).rejects.toThrow(message);
});

test("where the system says that what exists does not, it ends all the same", async () => {
  await expect(makeFolders("/proc/none/x")).rejects.toThrow(/^\/proc(\/none)?: cannot be written/);
});

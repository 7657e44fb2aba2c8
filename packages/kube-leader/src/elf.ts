import { endianness } from "node:os";

/** What the head of a Linux program tells of it. */
export interface Elf {
  /** Whether the kernel here starts it: surely, surely not, or only when it was built to (32-bit on 64-bit). */
  runs: "yes" | "no" | "maybe";
  /** The dynamic loader without which the kernel does not start it. */
  interpreter: string | undefined;
}

/** e_machine of the processors that Node runs on (elf.h). */
const machines: Record<string, number> = {
  arm: 40,
  arm64: 183,
  ia32: 3,
  loong64: 258,
  ppc64: 21,
  riscv64: 243,
  s390x: 22,
  x64: 62,
};
const machines64 = ["arm64", "loong64", "ppc64", "riscv64", "s390x", "x64"];
/** The 32-bit processor whose programs a 64-bit one can run. */
const smallerSiblings: Record<string, string> = { arm64: "arm", x64: "ia32" };
/** e_type of what can be started: ET_EXEC, and ET_DYN for position-independent programs. */
const startable = [2, 3];
const programHeaderInterpreter = 3;

/**
 * Reads an ELF header (System V ABI, chapter 4) from the first bytes of a file; undefined when it is none.
 * Headers past these bytes are not looked for.
 */
export function readElf(head: Buffer): Elf | undefined {
  if (head.length < 64 || head.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  const is64 = head[4] === 2;
  const isLittle = head[5] === 1;
  const read = (at: number, size: number) =>
    isLittle ? head.readUIntLE(at, size) : head.readUIntBE(at, size);
  const [tableAt, entrySize, entries] = is64
    ? [read(32, 6), read(54, 2), read(56, 2)]
    : [read(28, 4), read(42, 2), read(44, 2)];
  const sameOrder = isLittle === (endianness() === "LE");
  const isWhole = entries > 0 && entrySize === (is64 ? 56 : 32) && startable.includes(read(16, 2));
  const runs = sameOrder && isWhole ? runsOn(read(18, 2), is64) : "no";
  for (let index = 0; index < entries; index++) {
    const at = tableAt + index * entrySize;
    if (at + entrySize > head.length) break;
    if (read(at, 4) !== programHeaderInterpreter) continue;
    const from = is64 ? read(at + 8, 6) : read(at + 4, 4);
    const size = is64 ? read(at + 32, 6) : read(at + 16, 4);
    const path = head.toString("latin1", from, Math.min(from + size, head.length));
    return { runs, interpreter: path.split("\0")[0] };
  }
  return { runs, interpreter: undefined };
}

function runsOn(machine: number, is64: boolean): Elf["runs"] {
  if (machine === machines[process.arch]) {
    // Some 64-bit processors have a form with 32-bit pointers, which few kernels take.
    return is64 || !machines64.includes(process.arch) ? "yes" : "maybe";
  }
  return machine === machines[smallerSiblings[process.arch] ?? ""] ? "maybe" : "no";
}

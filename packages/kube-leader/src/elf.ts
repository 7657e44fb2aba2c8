import { endianness } from "node:os";

/** What the head of a Linux program tells of it. */
export interface Elf {
  /** Made for this processor. */
  isNative: boolean;
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
  const sameOrder = isLittle === (endianness() === "LE");
  const isNative = sameOrder && read(18, 2) === machines[process.arch];
  const [tableAt, entrySize, entries] = is64
    ? [read(32, 6), read(54, 2), read(56, 2)]
    : [read(28, 4), read(42, 2), read(44, 2)];
  for (let index = 0; index < entries; index++) {
    const at = tableAt + index * entrySize;
    if (at + entrySize > head.length) break;
    if (read(at, 4) !== programHeaderInterpreter) continue;
    const from = is64 ? read(at + 8, 6) : read(at + 4, 4);
    const size = is64 ? read(at + 32, 6) : read(at + 16, 4);
    const path = head.toString("latin1", from, Math.min(from + size, head.length));
    return { isNative, interpreter: path.split("\0")[0] };
  }
  return { isNative, interpreter: undefined };
}

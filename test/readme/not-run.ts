/** Kinds of commands that READMEs show and no test runs as they stand, each with what it would need. */
const kinds: { needs: string; commands: RegExp }[] = [
  {
    needs: "a registry; the rehearsal of a release installs each package",
    commands: /^npm (ci|i|install) /,
  },
  { needs: "a clone; CI runs it", commands: /^npm (test|run)\b/ },
  { needs: "a cluster; the cluster suite applies what is rendered", commands: /\bkubectl\b/ },
];

/** Why a README's command is not run; undefined when it is. */
export function reasonNotToRun(command: string): string | undefined {
  return kinds.find(({ commands }) => commands.test(command))?.needs;
}

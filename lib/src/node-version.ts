/** Node releases older than this lack what our dependencies import (`engines` of every package). */
const oldest = [22, 19] as const;

/**
 * Ends the process with one sentence and exit code 2 on a Node that is too old. A bin calls it before it
 * imports anything else, because a dependency's import would crash there with a stack trace.
 *
 * @param name the bin's name, which begins the sentence
 */
export function requireNode(name: string): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  process.stderr.write(
    `${name}: needs Node ${oldest.join(".")} or newer, and this is ${process.version}; install a newer Node, or run it with npx -p node@24 -p ${name} ${name}\n`,
  );
  process.exit(2);
}

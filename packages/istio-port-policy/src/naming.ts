import { PolicyError } from "./errors.ts";

/** The protocols of the naming convention. */
export const conventionProtocols: readonly string[] = [
  "grpc",
  "http",
  "http2",
  "https",
  "mongo",
  "mysql",
  "redis",
  "tcp",
  "tls",
  "udp",
];

/**
 * The regular expression a port's name has to match, the same text in JavaScript, Rego and CEL.
 *
 * @param protocols lower-case letters, digits and underscores each
 * @throws PolicyError (`PROTOCOLS`) when there is none, or one that no port name can begin with
 */
export function namePattern(protocols: readonly string[] = conventionProtocols): string {
  const wrong = protocols.find((protocol) => !/^[a-z0-9][a-z0-9_-]*$/.test(protocol));
  if (protocols.length === 0 || wrong !== undefined) {
    throw new PolicyError(
      "PROTOCOLS",
      `protocols: ${wrong === undefined ? "the list is empty" : JSON.stringify(wrong)}; expected names like http or grpc`,
    );
  }
  return `^(${protocols.join("|")})($|-)`;
}

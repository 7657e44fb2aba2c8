/** Services and protocols differ in the status and in the endings of the names: `AccessDenied`, `AccessDeniedException`. */
const refusals =
  /AccessDenied|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch|MissingAuthenticationToken|CredentialsProviderError/;

/** Whether AWS does not accept who asks, or what for, or there are no credentials at all. */
export function isRefusal(error: unknown): boolean {
  const { name = "" } = (error ?? {}) as { name?: string };
  return refusals.test(name);
}

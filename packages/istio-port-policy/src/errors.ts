/** Why a call could not begin: an option that cannot be meant, or a cluster that does not answer. */
export type PolicyErrorCode =
  | "ISTIO_VERSION"
  | "PROTOCOLS"
  | "OPT_OUT_LABEL"
  | "RENDER"
  | "CLIENT_MISSING"
  | "KUBECONFIG"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "UNREACHABLE"
  | "CLUSTER";

/** The one error this package throws on purpose; `code` is stable, the message is for people. */
export class PolicyError extends Error {
  override name = "PolicyError";
  readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

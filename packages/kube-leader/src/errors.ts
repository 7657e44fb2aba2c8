/** The settings around the process are missing or contradict each other: where the API is, or which pod this is. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
  readonly code: string = "CONFIGURATION";
}

/** The API server refuses what the election needs, and went on refusing it. */
export class RefusedError extends Error {
  override name = "RefusedError";
  readonly code: string = "REFUSED";
}

/** The lock's ConfigMap belongs to something else, so it can neither be waited for nor removed. */
export class ForeignLockError extends Error {
  override name = "ForeignLockError";
  readonly code: string = "FOREIGN_LOCK";
}

/** This pod is being deleted, so it must not begin to lead. */
export class PodEndingError extends Error {
  override name = "PodEndingError";
  readonly code: string = "POD_ENDING";
}

/** The API server gave an answer that no waiting can mend. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly code: string = "API";
}

/** The command cannot be run; `exitCode` is the shell's, 127 for not found and 126 for not executable. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly code: string = "COMMAND";
  readonly exitCode: 126 | 127;

  constructor(message: string, exitCode: 126 | 127) {
    super(message);
    this.exitCode = exitCode;
  }
}

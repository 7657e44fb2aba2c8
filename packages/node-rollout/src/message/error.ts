/** A queue message that says it is one of ours, or nothing at all, and cannot be read. It belongs in the dead-letter queue. */
export class MessageError extends Error {
  override name = "MessageError";
  readonly code: MessageErrorCode;

  constructor(code: MessageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * `NOT_JSON`: no JSON text. `NOT_OBJECT`: JSON, but no object. `TOO_LARGE`: longer than SQS can carry.
 * `TOO_DEEP`: notifications wrapped in notifications. `MISSING_FIELD`, `INVALID_FIELD`: a known kind without what it must have.
 */
export type MessageErrorCode =
  | "NOT_JSON"
  | "NOT_OBJECT"
  | "TOO_LARGE"
  | "TOO_DEEP"
  | "MISSING_FIELD"
  | "INVALID_FIELD";

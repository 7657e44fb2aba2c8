/** OPA cannot load, parse or compile the policies; the message is OPA's own. */
export class LoadError extends Error {
  override name = "LoadError";
  readonly code = "LOAD";
}

/** There is no engine to run the tests with, or it is no OPA. */
export class EngineError extends Error {
  override name = "EngineError";
  readonly code = "ENGINE";
}

/** What the user asks for cannot be done: a path without policies, a pragma without a reason. */
export class InputError extends Error {
  override name = "InputError";
  readonly code = "INPUT";
}

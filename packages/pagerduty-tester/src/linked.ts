/**
 * A controller that aborts with its parent. Unlike what `AbortSignal.any` gives, its signal is held for as long
 * as the parent lives: a sleep that nothing else refers to is woken all the same.
 */
export function linkedController(parent: AbortSignal | undefined): {
  controller: AbortController;
  unlink(): void;
} {
  const controller = new AbortController();
  const follow = () => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  else parent?.addEventListener("abort", follow, { once: true });
  return { controller, unlink: () => parent?.removeEventListener("abort", follow) };
}

export {
  ApiError,
  CommandError,
  ConfigurationError,
  ForeignLockError,
  PodEndingError,
  RefusedError,
} from "./errors.ts";
export { type AcquireOptions, acquireLeadership, type Leadership } from "./leadership.ts";
export { type Leader, readLeader } from "./read-leader.ts";
export {
  type DeploymentOptions,
  type RbacOptions,
  renderDeployment,
  renderRbac,
} from "./render.ts";
export { runAsLeader } from "./run-as-leader.ts";

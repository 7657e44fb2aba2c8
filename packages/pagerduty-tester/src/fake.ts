export type { Clock } from "./clock.ts";
export type { AccountOptions } from "./fake/account.ts";
export type { SeenRequest } from "./fake/control.ts";
export type { FakeFault } from "./fake/faults.ts";
export type {
  FakeAnswer,
  FakeIncident,
  FakeLogEntry,
  FakeMaintenanceWindow,
  FakePage,
  FakeService,
  FakeSwitches,
  FakeUser,
} from "./fake/model.ts";
export {
  type FakePagerDuty,
  type FakePagerDutyOptions,
  startFakePagerDuty,
} from "./fake/server.ts";

export { parseMessage, type QueueMessage } from "./message.ts";
export { MessageError, type MessageErrorCode } from "./message-error.ts";
export { type DrainPlan, type DrainPolicy, type PodVerdict, planDrain } from "./plan.ts";

import { randomUUID } from "node:crypto";
import type { Action } from "./lifecycle.ts";

/** A lifecycle action as Auto Scaling sends it to a queue itself. */
export function directNotification({ group, hook, instanceId, token, startedAt }: Action): string {
  const launching = hook.transition.endsWith("LAUNCHING");
  return JSON.stringify({
    Origin: launching ? "EC2" : "AutoScalingGroup",
    Destination: launching ? "AutoScalingGroup" : "EC2",
    LifecycleHookName: hook.name,
    AccountId: "123456789012",
    RequestId: randomUUID(),
    LifecycleTransition: hook.transition,
    AutoScalingGroupName: group,
    Service: "AWS Auto Scaling",
    Time: new Date(startedAt).toISOString(),
    EC2InstanceId: instanceId,
    LifecycleActionToken: token,
  });
}

/** The same action as EventBridge sends it. */
export function eventBridgeNotification(action: Action): string {
  const { group, hook, instanceId, token, startedAt } = action;
  const launching = hook.transition.endsWith("LAUNCHING");
  return JSON.stringify({
    version: "0",
    id: randomUUID(),
    "detail-type": `EC2 Instance-${launching ? "launch" : "terminate"} Lifecycle Action`,
    source: "aws.autoscaling",
    account: "123456789012",
    time: new Date(startedAt).toISOString().replace(/\.\d+Z$/, "Z"),
    region: "eu-west-1",
    resources: [
      `arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/${group}`,
    ],
    detail: {
      LifecycleActionToken: token,
      AutoScalingGroupName: group,
      LifecycleHookName: hook.name,
      EC2InstanceId: instanceId,
      LifecycleTransition: hook.transition,
    },
  });
}

/** A notification in the envelope that SNS puts around it. */
export function snsEnvelope(message: string): string {
  return JSON.stringify({
    Type: "Notification",
    MessageId: randomUUID(),
    TopicArn: "arn:aws:sns:eu-west-1:123456789012:lifecycle",
    Subject: "Auto Scaling:  Lifecycle action 'TERMINATING'",
    Message: message,
    Timestamp: new Date().toISOString(),
  });
}

/** What the policy is for. */
export interface IamOptions {
  /** The queue; without it every queue named `node-rollout`. */
  queueUrl?: string;
  /** The Auto Scaling groups; without them every group of the account. */
  groups?: readonly string[];
  /** The readiness gate signals CloudFormation. @default true */
  signals?: boolean;
}

/** The IAM policy of the daemon, as a plain object. */
export function renderIam(options: IamOptions = {}): object {
  const { queueUrl, groups, signals = true } = options;
  const queue = queueOf(queueUrl);
  const statement = (sid: string, actions: string[], resource: string | string[]) => ({
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resource,
  });
  return {
    Version: "2012-10-17",
    Statement: [
      statement(
        "ReadTheQueue",
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
        queue.arn,
      ),
      statement(
        "HoldAndCompleteLifecycleActions",
        ["autoscaling:RecordLifecycleActionHeartbeat", "autoscaling:CompleteLifecycleAction"],
        (groups ?? ["*"]).map((name) => groupArn(queue, name)),
      ),
      // IAM knows no smaller resource for these than everything.
      statement(
        "LookAtGroups",
        ["autoscaling:DescribeLifecycleHooks", "autoscaling:DescribeAutoScalingGroups"],
        "*",
      ),
      ...(signals
        ? [
            statement(
              "SignalStacks",
              ["cloudformation:SignalResource", "cloudformation:DescribeStacks"],
              `arn:${queue.partition}:cloudformation:${queue.region}:${queue.account}:stack/*`,
            ),
          ]
        : []),
    ],
  };
}

interface Queue {
  arn: string;
  partition: string;
  region: string;
  account: string;
}

function groupArn({ partition, region, account }: Queue, name: string): string {
  return `arn:${partition}:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${name}`;
}

/** A queue's URL tells its ARN: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`. */
function queueOf(url: string | undefined): Queue {
  const [, host = "", account = "*", name = "node-rollout"] =
    url?.match(/^https?:\/\/([^/]+)\/(\d+)\/([\w.-]+)$/) ?? [];
  const region = regionOfQueue(url) ?? "*";
  const partition = /\.amazonaws\.com\.cn$/.test(host)
    ? "aws-cn"
    : region.startsWith("us-gov-")
      ? "aws-us-gov"
      : "aws";
  return { arn: `arn:${partition}:sqs:${region}:${account}:${name}`, partition, region, account };
}

/** The region in a queue's URL, where it is one of AWS's own. */
export function regionOfQueue(url: string | undefined): string | undefined {
  return url?.match(/^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?\//)?.[1];
}

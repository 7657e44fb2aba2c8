import type { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import type { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import type { SQSClient } from "@aws-sdk/client-sqs";

/** The AWS clients of the daemon, each with connections of its own. */
export interface AwsClients {
  queue: SQSClient;
  /** Completes actions and describes groups. */
  autoScaling: AutoScalingClient;
  /** Sends nothing but heartbeats: they must not stand in a queue behind anything. */
  heartbeats: AutoScalingClient;
  /** Signals for new nodes; only the readiness gate uses it. */
  cloudFormation: CloudFormationClient;
  close(): void;
}

/** Makes the clients; region, credentials and endpoints are read as the SDK reads them. Nothing is sent yet. */
export async function connectAws(): Promise<AwsClients> {
  const [{ SQSClient }, { AutoScalingClient }, { CloudFormationClient }] = await Promise.all([
    import("@aws-sdk/client-sqs"),
    import("@aws-sdk/client-auto-scaling"),
    import("@aws-sdk/client-cloudformation"),
  ]);
  // A queue's URL names AWS's own host, which an endpoint of one's own, a VPC's or an emulator's, stands in for.
  const hasOwnEndpoint = ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"].some(
    (name) => process.env[name],
  );
  const queue = new SQSClient({
    useQueueUrlAsEndpoint: !hasOwnEndpoint,
    requestHandler: answersWithin(longestPollMs + answerMs),
  });
  const requestHandler = answersWithin(answerMs);
  const autoScaling = new AutoScalingClient({ maxAttempts: 5, requestHandler });
  const heartbeats = new AutoScalingClient({
    maxAttempts: 3,
    requestHandler: answersWithin(heartbeatAnswerMs),
  });
  const cloudFormation = new CloudFormationClient({ maxAttempts: 5, requestHandler });
  return {
    queue,
    autoScaling,
    heartbeats,
    cloudFormation,
    close() {
      for (const client of [queue, autoScaling, heartbeats, cloudFormation]) client.destroy();
    },
  };
}

const longestPollMs = 20_000;
const answerMs = 10_000;
/** The shortest hook, of 30 s, has to outlive a connection that died: all attempts, and once more before it ends. */
const heartbeatAnswerMs = 3000;

/**
 * The SDK waits for an answer for ever, and has 50 connections a client: a connection that died silently would
 * end the heartbeats of its action, and a thousand instances would stand in line.
 */
function answersWithin(requestTimeout: number) {
  const agent = { keepAlive: true, maxSockets: 200 };
  return {
    connectionTimeout: Math.min(requestTimeout, 5000),
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: agent,
    httpsAgent: agent,
  };
}

import { defaultStartupTaint } from "../gate/readiness-config.ts";
import { renderIam } from "./iam.ts";

/** What a template is made for; the rest are its parameters. */
export interface CloudFormationOptions {
  /** Seconds that each batch of a rolling update waits for its nodes' signals. @default 3600, the most there is */
  pauseTimeSeconds?: number;
  /** The key of the taint that nodes register with. */
  startupTaint?: string;
}

type Value = string | number | boolean | Value[] | { [key: string]: Value };

/** Both hooks are renewed while they are held, up to a hundred times this. */
const heartbeatSeconds = 300;
const groupName = sub("${AWS::StackName}-workers");

/**
 * A CloudFormation template, as a plain object: an Auto Scaling group for an EKS cluster whose nodes are gated and
 * drained by this daemon, with its hooks, queues, rules, and the policy for the daemon's role.
 */
export function renderCloudFormation(options: CloudFormationOptions = {}): object {
  const { pauseTimeSeconds = 3600, startupTaint = defaultStartupTaint } = options;
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "An Auto Scaling group of Kubernetes nodes, gated and drained by node-rollout",
    Parameters: parameters,
    Resources: {
      ...queues,
      HookRole: hookRole,
      EventRule: eventRule,
      DaemonPolicy: daemonPolicy(),
      LaunchTemplate: launchTemplate(startupTaint),
      Workers: workers(Math.min(pauseTimeSeconds, 3600)),
    },
    Outputs: {
      QueueUrl: { Description: "The configuration's queueUrl", Value: ref("Queue") },
      GroupName: { Description: "The configuration's groups", Value: ref("Workers") },
      DaemonPolicyArn: {
        Description: "For the role of the daemon's pods",
        Value: ref("DaemonPolicy"),
      },
    },
  };
}

const parameters = {
  ClusterName: { Type: "String" },
  ClusterEndpoint: { Type: "String", Description: "https://…, of the cluster's API server" },
  ClusterCertificateAuthority: { Type: "String", Description: "In base64, as EKS gives it" },
  ServiceCidr: { Type: "String", Description: "The addresses of Services, 10.100.0.0/16" },
  ImageId: {
    Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
    Description: "An image of Amazon Linux 2023 for EKS; another one makes an update roll",
  },
  InstanceType: { Type: "String", Default: "m7i.large" },
  InstanceProfileArn: { Type: "String", Description: "Of the nodes' role" },
  Subnets: { Type: "List<AWS::EC2::Subnet::Id>" },
  SecurityGroups: { Type: "List<AWS::EC2::SecurityGroup::Id>" },
  Size: { Type: "Number", Default: 3, MinValue: 1 },
  MaxSize: {
    Type: "Number",
    Default: 10,
    Description: "More than Size: an update launches before it ends",
  },
  MaxBatchSize: { Type: "Number", Default: 1, MinValue: 1, Description: "Nodes replaced at once" },
};

const queues = {
  DeadLetterQueue: {
    Type: "AWS::SQS::Queue",
    Properties: { MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true },
  },
  Queue: {
    Type: "AWS::SQS::Queue",
    Properties: {
      // As long as a hook can hold an instance.
      MessageRetentionPeriod: 172_800,
      VisibilityTimeout: 30,
      SqsManagedSseEnabled: true,
      // A message in hand comes again after each crash: only what nobody takes shall end there.
      RedrivePolicy: {
        deadLetterTargetArn: getAtt("DeadLetterQueue", "Arn"),
        maxReceiveCount: 100,
      },
    },
  },
  QueuePolicy: {
    Type: "AWS::SQS::QueuePolicy",
    Properties: {
      Queues: [ref("Queue")],
      PolicyDocument: policy({
        Sid: "EventsOfOurRule",
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: getAtt("Queue", "Arn"),
        Condition: { ArnEquals: { "aws:SourceArn": getAtt("EventRule", "Arn") } },
      }),
    },
  },
};

/** Auto Scaling notifies the queue itself: events are delivered at best effort, a hook's notification is retried. */
const hookRole = {
  Type: "AWS::IAM::Role",
  Properties: {
    AssumeRolePolicyDocument: policy({
      Effect: "Allow",
      Principal: { Service: "autoscaling.amazonaws.com" },
      Action: "sts:AssumeRole",
    }),
    Policies: [
      {
        PolicyName: "notify",
        PolicyDocument: policy({
          Effect: "Allow",
          Action: ["sqs:SendMessage", "sqs:GetQueueUrl"],
          Resource: getAtt("Queue", "Arn"),
        }),
      },
    ],
  },
};

/** What ends instances without a hook. */
const eventRule = {
  Type: "AWS::Events::Rule",
  Properties: {
    EventPattern: {
      source: ["aws.ec2", "aws.health"],
      "detail-type": [
        "EC2 Spot Instance Interruption Warning",
        "EC2 Instance State-change Notification",
        "AWS Health Event",
      ],
    },
    Targets: [{ Id: "queue", Arn: getAtt("Queue", "Arn") }],
  },
};

function daemonPolicy() {
  const resources: Record<string, Value> = {
    ReadTheQueue: getAtt("Queue", "Arn"),
    HoldAndCompleteLifecycleActions: sub(
      "arn:${AWS::Partition}:autoscaling:${AWS::Region}:${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/${AWS::StackName}-workers",
    ),
    SignalStacks: ref("AWS::StackId"),
  };
  const { Statement } = renderIam() as { Statement: { Sid: string; Resource: Value }[] };
  return {
    Type: "AWS::IAM::ManagedPolicy",
    Properties: {
      PolicyDocument: policy(
        ...Statement.map((each) => ({ ...each, Resource: resources[each.Sid] ?? each.Resource })),
      ),
    },
  };
}

function launchTemplate(startupTaint: string) {
  const nodeConfig = `MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: \${ClusterName}
    apiServerEndpoint: \${ClusterEndpoint}
    certificateAuthority: \${ClusterCertificateAuthority}
    cidr: \${ServiceCidr}
  kubelet:
    config:
      registerWithTaints:
        - key: ${startupTaint}
          effect: NoSchedule

--//--
`;
  return {
    Type: "AWS::EC2::LaunchTemplate",
    Properties: {
      LaunchTemplateData: {
        ImageId: ref("ImageId"),
        InstanceType: ref("InstanceType"),
        IamInstanceProfile: { Arn: ref("InstanceProfileArn") },
        SecurityGroupIds: ref("SecurityGroups"),
        MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
        UserData: { "Fn::Base64": sub(nodeConfig) },
      },
    },
  };
}

function workers(pauseTimeSeconds: number) {
  return {
    Type: "AWS::AutoScaling::AutoScalingGroup",
    // Auto Scaling checks that it may notify the queue when it makes the hooks.
    DependsOn: ["QueuePolicy"],
    UpdatePolicy: {
      AutoScalingRollingUpdate: {
        MaxBatchSize: ref("MaxBatchSize"),
        MinInstancesInService: ref("Size"),
        WaitOnResourceSignals: true,
        PauseTime: durationText(pauseTimeSeconds),
        // What would end or add instances on its own while an update counts them.
        SuspendProcesses: [
          "HealthCheck",
          "ReplaceUnhealthy",
          "AZRebalance",
          "AlarmNotification",
          "ScheduledActions",
          "InstanceRefresh",
        ],
      },
    },
    Properties: {
      AutoScalingGroupName: groupName,
      MinSize: ref("Size"),
      MaxSize: ref("MaxSize"),
      VPCZoneIdentifier: ref("Subnets"),
      LaunchTemplate: {
        LaunchTemplateId: ref("LaunchTemplate"),
        Version: getAtt("LaunchTemplate", "LatestVersionNumber"),
      },
      LifecycleHookSpecificationList: [
        hook("node-rollout-launch", "LAUNCHING", "ABANDON"),
        hook("node-rollout-terminate", "TERMINATING", "CONTINUE"),
      ],
      Tags: [
        { Key: "Name", Value: groupName, PropagateAtLaunch: true },
        {
          Key: sub("kubernetes.io/cluster/${ClusterName}"),
          Value: "owned",
          PropagateAtLaunch: true,
        },
      ],
    },
  };
}

function hook(name: string, transition: "LAUNCHING" | "TERMINATING", defaultResult: string): Value {
  return {
    LifecycleHookName: name,
    LifecycleTransition: `autoscaling:EC2_INSTANCE_${transition}`,
    HeartbeatTimeout: heartbeatSeconds,
    DefaultResult: defaultResult,
    NotificationTargetARN: getAtt("Queue", "Arn"),
    RoleARN: getAtt("HookRole", "Arn"),
  };
}

/** ISO 8601, as UpdatePolicy takes it, in the largest unit that is exact. */
function durationText(seconds: number): string {
  if (seconds % 3600 === 0) return `PT${seconds / 3600}H`;
  return seconds % 60 === 0 ? `PT${seconds / 60}M` : `PT${Math.floor(seconds)}S`;
}

function policy(...Statement: Value[]): Value {
  return { Version: "2012-10-17", Statement };
}

function ref(name: string): Value {
  return { Ref: name };
}

function sub(text: string): Value {
  return { "Fn::Sub": text };
}

function getAtt(resource: string, attribute: string): Value {
  return { "Fn::GetAtt": [resource, attribute] };
}

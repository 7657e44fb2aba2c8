import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { callsOf } from "./calls.ts";
import { type Action, type Hook, Lifecycle, ServiceError, type Transition } from "./lifecycle.ts";
import { invalidParams, type Params, parseQuery, toXml } from "./query.ts";
import { type Stack, Stacks } from "./stacks.ts";

/** What goes wrong with a request. `cut-after` does what was asked and never says so. */
export type AwsFault = "throttle" | "error" | "cut-before" | "cut-after";

/** A request the fake has seen. */
export interface AwsRequest {
  action: string;
  params: Params;
  at: number;
  /** `ok`, the fault, or the service's error code. */
  answer: string;
}

/** Auto Scaling's lifecycle hooks and CloudFormation's signals, over HTTP, with state. */
export interface FakeAws extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for both services. */
  url: string;
  /** What a process needs to talk to it: endpoints for both services, region and credentials. */
  env: Record<string, string>;
  lifecycle: Lifecycle;
  stacks: Stacks;
  requests: AwsRequest[];
  /** What no client should have asked: unknown actions, parameters the service does not know. A test expects none. */
  problems: string[];
  addGroup(group: {
    name: string;
    hooks?: (Pick<Hook, "name"> & Partial<Hook>)[];
    instances?: string[];
    tags?: Record<string, string>;
  }): void;
  addStack(stack: Stack): void;
  /** Begins a transition of an instance; its hooks hold it. */
  begin(group: string, instanceId: string, transition?: Transition): Action[];
  /** The requests of an action that were answered so. */
  count(action: string, answer?: string): number;
  /** From now on: called for each request, gives the fault it meets. */
  faults: ((request: { action: string; index: number }) => AwsFault | undefined) | undefined;
  /** Called, and awaited, before a request is done and after it was, before the client hears of it. */
  around: ((when: "before" | "after", action: string) => void | Promise<void>) | undefined;
  close(): Promise<void>;
}

const terminating: Transition = "autoscaling:EC2_INSTANCE_TERMINATING";

/**
 * Starts the fake on a free port of 127.0.0.1. It proves the protocol, not IAM, throttle rates or timing.
 *
 * @param options.now its clock, in milliseconds
 */
export async function startFakeAws(options: { now?: () => number } = {}): Promise<FakeAws> {
  const { now = Date.now } = options;
  const lifecycle = new Lifecycle(now);
  const stacks = new Stacks();
  const calls = callsOf(lifecycle, stacks, now);
  const requests: AwsRequest[] = [];
  const problems: string[] = [];
  let index = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { action, params } = parseQuery(await text(request));
    const entry: AwsRequest = { action, params, at: now(), answer: "ok" };
    requests.push(entry);
    await fake.around?.("before", action);
    const fault = fake.faults?.({ action, index: index++ });
    if (fault !== undefined) entry.answer = fault;
    try {
      if (fault === "cut-before") return response.destroy();
      if (fault === "throttle") throw new ServiceError("Throttling", "Rate exceeded");
      if (fault === "error") throw new ServiceError("InternalFailure", "internal failure", 500);
      const result = perform(action, params, request);
      await fake.around?.("after", action);
      if (fault === "cut-after") return response.destroy();
      const body = `<${action}Result>${toXml(result)}</${action}Result>`;
      send(response, 200, `<${action}Response>${body}</${action}Response>`);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      entry.answer = fault ?? error.code;
      await fake.around?.("after", action);
      const inner = toXml({ Type: "Sender", Code: error.code, Message: error.message });
      send(response, error.status, `<ErrorResponse><Error>${inner}</Error></ErrorResponse>`);
    }
  };

  const perform = (action: string, params: Params, request: IncomingMessage) => {
    lifecycle.expire();
    const call = calls[action];
    if (call === undefined) {
      problems.push(`${action}: unknown action`);
      throw new ServiceError("InvalidAction", `Could not find operation ${action}`);
    }
    if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) {
      problems.push(`${action}: not signed`);
      throw new ServiceError("MissingAuthenticationToken", "Request is missing a token", 403);
    }
    const wrong = invalidParams(params, call.schema);
    if (wrong.length > 0) {
      problems.push(...wrong.map((what) => `${action}: ${what}`));
      throw new ServiceError("ValidationError", wrong.join("; "));
    }
    return call.answer(params);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      problems.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const fake: FakeAws = {
    url,
    env: {
      AWS_ENDPOINT_URL_AUTO_SCALING: url,
      AWS_ENDPOINT_URL_CLOUDFORMATION: url,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    },
    lifecycle,
    stacks,
    requests,
    problems,
    addGroup({ name, hooks = [], instances = [], tags = {} }) {
      const defaults = { transition: terminating, heartbeatTimeout: 3600 } as const;
      const held = instances.map((id) => ({ id, zone: "eu-west-1a", state: "InService" }));
      lifecycle.groups.set(name, {
        name,
        hooks: hooks.map((hook) => ({ ...defaults, defaultResult: "ABANDON", ...hook })),
        instances: new Map(held.map((instance) => [instance.id, instance])),
        tags,
      });
    },
    addStack: (stack) => stacks.stacks.set(stack.name, stack),
    begin: (group, instanceId, transition = terminating) =>
      lifecycle.begin(group, instanceId, transition),
    count: (action, wanted = "ok") =>
      requests.filter((request) => request.action === action && request.answer === wanted).length,
    faults: undefined,
    around: undefined,
    close,
    [Symbol.asyncDispose]: close,
  };
  return fake;
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/xml" }).end(body);
}

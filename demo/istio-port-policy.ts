import { type Demo, say, show } from "./show.ts";

const shop = "packages/istio-port-policy/examples/shop.yaml";

export const demo: Demo = {
  name: "istio-port-policy",
  says: "which ports of a shop's Services can Istio not route, and what to do about it",
  async run() {
    await show("istio-port-policy", ["check", shop], { exits: [1] });
    say(
      "Where there is evidence for the protocol, it can be written down; --write changes the file:",
    );
    await show("istio-port-policy", ["fix", shop], { exits: [1] });
    say(
      "The same rule for the cluster: for Gatekeeper, or as the API server's own admission policy.",
    );
    await show("istio-port-policy", ["render", "gatekeeper"], { atMost: 12 });
  },
};

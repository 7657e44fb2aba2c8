/** Every code a finding can have, and what it means in one line. */
export const codes: Readonly<Record<string, string>> = {
  IST0118: "Istio cannot tell the protocol of a Service port",
  IST0150: "A port of an ExternalName Service that Istio may not forward",
  "port-name": "A port's name does not begin with its protocol",
  contradiction: "Name and appProtocol of a port name different protocols",
  "udp-name-on-tcp-port":
    "A port is UDP by its name and TCP by its transport; Istio does not proxy it",
  "grpc-webhook": "A port is gRPC-Web to Istio because its name begins with grpc-web",
  "swapped-name": "A port's name has a protocol where Istio does not look",
  "headless-http": "HTTP on a headless Service fails for calls by a pod's address",
  "filter-off": "Istio's filter for the protocol is off by default",
  "ambient-unknown": "Ambient mode does not know the protocol",
};

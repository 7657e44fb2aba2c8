/** A protocol by Istio's own name; `UnsupportedProtocol` is what Istio has to guess from the traffic. */
export type Protocol =
  | "HTTP"
  | "HTTP2"
  | "HTTP_PROXY"
  | "HTTPS"
  | "GRPC"
  | "GRPC-Web"
  | "TCP"
  | "TLS"
  | "UDP"
  | "Mongo"
  | "MySQL"
  | "Redis"
  | "UnsupportedProtocol";

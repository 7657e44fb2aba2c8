export interface AuditOptions {
  /**
   * Report every workload that some set of up to so many nodes, down at once, takes below its minimum or to zero.
   * @default the smallest set of each workload, when it is one node, or two that carry more than two of its pods
   */
  nodes?: number;
}

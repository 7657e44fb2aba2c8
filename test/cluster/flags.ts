import { join } from "node:path";
import type { Site } from "./site.ts";

export function etcdFlags({ folder, etcdUrl, peerUrl }: Site): string[] {
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
    "--log-level=error",
  ];
}

export function apiserverFlags({ url, etcdUrl, files, certificates }: Site): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${new URL(url).port}`,
    `--cert-dir=${certificates}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--endpoint-reconciler-type=none",
    "--authorization-mode=RBAC",
    `--token-auth-file=${files.tokens}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${files.publicKey}`,
    `--service-account-signing-key-file=${files.privateKey}`,
    // So that pods need not wait for the controller that makes each namespace's default account.
    "--disable-admission-plugins=ServiceAccount",
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.audit}`,
    "--audit-log-mode=blocking",
    "--audit-log-maxsize=10000",
  ];
}

export function controllerManagerFlags(site: Site): string[] {
  return [
    `--kubeconfig=${site.kubeconfigOf("kube-controller-manager")}`,
    "--secure-port=0",
    "--leader-elect=false",
    `--service-account-private-key-file=${site.files.privateKey}`,
    `--root-ca-file=${join(site.certificates, "apiserver.crt")}`,
    // Nobody renews the leases of most tests' nodes.
    "--node-monitor-grace-period=1h",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
  ];
}

export function schedulerFlags(site: Site): string[] {
  return [
    `--kubeconfig=${site.kubeconfigOf("kube-scheduler")}`,
    "--secure-port=0",
    "--leader-elect=false",
  ];
}

export function kwokFlags(site: Site, stagesFile: string): string[] {
  return [
    `--kubeconfig=${site.kubeconfigOf("kwok")}`,
    `--config=${stagesFile}`,
    "--manage-all-nodes=false",
    "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
  ];
}

/**
 * The engine that has an image, or runs the containers of it, on one host:
 *
 * - `podman`: the system's, that of root;
 * - `podman:NAME`: that of the user NAME, or of a user without a name by UID;
 * - `docker`, `crio`;
 * - `containerd`: in the namespace of Kubernetes, `k8s.io`; `containerd:NAMESPACE` in any other;
 * - `store`: berth's own OCI layout.
 */
export type EngineId =
  | 'podman'
  | `podman:${string}`
  | 'docker'
  | 'containerd'
  | `containerd:${string}`
  | 'crio'
  | 'store';

/** The program behind an engine. */
export type EngineKind = (typeof engineKinds)[number];

export const engineKinds = ['podman', 'docker', 'containerd', 'crio', 'store'] as const;

/** The parts of an engine's id. */
export interface EngineParts {
  readonly kind: EngineKind;
  /** The user whose podman it is; absent for the system's. */
  readonly user?: string;
  /** The namespace of containerd; absent for that of Kubernetes. */
  readonly namespace?: string;
}

/**
 * An engine's id, for the schemas of files.
 *
 * Sources: user names as useradd(8) and systemd take them; namespaces as containerd's
 * `identifiers.Validate`.
 */
export const ENGINE_ID =
  /^(?:podman(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}\$?)?|containerd(?::[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,74}[A-Za-z0-9])?)?|docker|crio|store)$/;

export function isEngineId(value: unknown): value is EngineId {
  return typeof value === 'string' && ENGINE_ID.test(value);
}

/** Takes an id apart: it has at most one colon. */
export function engineParts(id: EngineId): EngineParts {
  const [word, name] = id.split(':', 2);
  const kind = engineKinds.find((one) => one === word) ?? 'store';
  if (name === undefined) return { kind };
  return kind === 'podman' ? { kind, user: name } : { kind, namespace: name };
}

/** Whether the engine keeps the images of a root whoever will run them, so that a root is on it alone. */
export function takesEverything(id: EngineId): boolean {
  return id === 'store';
}

/** Whether a root's storage.conf says where the engine keeps images: that of root's podman. */
export function readsStorageConf(id: EngineId): boolean {
  return id === 'podman' || id === 'store';
}

/** The podman of a user; undefined if no user can have that name. */
export function podmanOf(user: string): EngineId | undefined {
  const id = `podman:${user}`;
  return isEngineId(id) ? id : undefined;
}

/** containerd in a namespace; undefined if no namespace can have that name. */
export function containerdIn(namespace: string): EngineId | undefined {
  const id = namespace === 'k8s.io' ? 'containerd' : `containerd:${namespace}`;
  return isEngineId(id) ? id : undefined;
}

/**
 * The groups of engines that a boot activates one by one, each as soon as its engines can be used. `system`: podman
 * and the store, which need no service. `users`: every user's podman. The others are activated when the service of
 * that name is up.
 */
export const engineGroups = ['system', 'users', 'docker', 'containerd', 'crio'] as const;

export type EngineGroup = (typeof engineGroups)[number];

export function groupOf(id: EngineId): EngineGroup {
  const { kind, user } = engineParts(id);
  if (user !== undefined) return 'users';
  return kind === 'podman' || kind === 'store' ? 'system' : kind;
}

import * as v from 'valibot';
import { parseName } from '../image/name.ts';
import { type Root, RootError } from '../root/root.ts';
import { RegistryError } from './registry.ts';

/** A policy.json: what must be true of an image before it may be taken. */
export interface Policy {
  /** The file that says so. */
  readonly path: string;
  readonly default: readonly Requirement[];
  readonly docker: Readonly<Record<string, readonly Requirement[]>>;
}

interface Requirement {
  readonly type: string;
}

/**
 * Reads the policy of the running system: the first of the files that is there.
 *
 * @param userDirectory `~/.config/containers`
 * @throws {RegistryError} `registry-config` if there is none, or it is not as it must be.
 */
export function readPolicy(host: Root, userDirectory: string): Policy {
  const paths = [userDirectory, '/etc/containers', '/usr/share/containers'].map(
    (directory) => `${directory}/policy.json`,
  );
  for (const path of paths) {
    const content = read(host, path);
    if (content !== undefined) return parse(path, content);
  }
  throw new RegistryError(
    'registry-config',
    `expected a policy.json, found none at ${paths.join(', ')}`,
    {
      hint: 'write /etc/containers/policy.json: containers-policy.json(5) says how, and {"default":[{"type":"insecureAcceptAnything"}]} takes everything',
    },
  );
}

/**
 * Whether berth may download an image itself: only one of which nothing is required. It can't
 * check signatures, and what it can't judge it refuses.
 *
 * @param name a full name, as the unit means it, not where registries.conf leads.
 * @throws {RegistryError} `policy-rejected`
 */
export function judge(policy: Policy, name: string): void {
  const scope = scopesOf(name).find((candidate) => Object.hasOwn(policy.docker, candidate));
  const requirements = (scope === undefined ? undefined : policy.docker[scope]) ?? policy.default;
  const refused = requirements.find(({ type }) => type !== 'insecureAcceptAnything');
  if (refused === undefined) return;
  const where = scope === undefined ? 'its default' : `its scope ${JSON.stringify(scope)}`;
  const reason =
    refused.type === 'reject'
      ? 'rejects it'
      : `asks for ${JSON.stringify(refused.type.slice(0, 40))}, which berth can't judge yet`;
  throw new RegistryError('policy-rejected', `${name}: ${policy.path} ${reason} (${where})`, {
    hint: 'fetch it with an engine that judges it itself (--engine podman), or change the policy',
  });
}

/** From the image to the transport's default: containers-policy.json(5), "docker:". */
function scopesOf(name: string): readonly string[] {
  const { registry, repository } = parseName(name);
  const parts = [registry, ...repository.split('/')];
  const namespaces = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
  const labels = registry.replace(/:\d+$/, '').split('.');
  const wildcards = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  return [name, ...namespaces, ...wildcards, ''];
}

const requirements = v.pipe(
  v.array(v.looseObject({ type: v.string() })),
  v.minLength(1, 'expected at least one requirement'),
);

const schema = v.strictObject({
  default: requirements,
  transports: v.optional(v.record(v.string(), v.record(v.string(), requirements)), {}),
});

function parse(path: string, content: Buffer): Policy {
  let document: unknown;
  try {
    document = JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(path, error.message);
  }
  const checked = v.safeParse(schema, document);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw wrong(path, `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  return {
    path,
    default: checked.output.default,
    docker: checked.output.transports['docker'] ?? {},
  };
}

function read(host: Root, path: string): Buffer | undefined {
  try {
    return host.readFile(path)?.content;
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw wrong(path, error.message);
  }
}

function wrong(path: string, reason: string): RegistryError {
  return new RegistryError('registry-config', `${path}: ${reason}`, {
    hint: 'mend the file; containers-policy.json(5) says what it must hold',
  });
}

import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { type Root, RootError } from '../../root/root.ts';
import { RegistryError } from '../errors.ts';
import { type Requirement, requirementsSchema } from './requirement.ts';
import { scopesOf } from './scope.ts';
import { mapOf, parseStrictJson } from './strict-json.ts';

/** A policy.json: the conditions under which images are permitted. */
export interface Policy {
  /** The path of the file. */
  readonly path: string;
  readonly default: readonly Requirement[];
  readonly docker: Readonly<Record<string, readonly Requirement[]>>;
  /** The requirements for an image in an archive (`oci-archive`), wherever the archive lies. */
  readonly archives: readonly Requirement[];
}

/** The requirements of a policy for one image. */
export interface Asked {
  /** All of them must be met. */
  readonly requirements: readonly Requirement[];
  /** The place in the policy, in words. */
  readonly where: string;
}

/**
 * Reads the policy of the running system: the first of the files that exists.
 *
 * @param userDirectory `~/.config/containers`
 * @throws {RegistryError} `registry-config` if there is no policy, or if it has a fault anywhere: as in
 *   containers/image, one fault makes the whole file invalid.
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
      hint: 'write /etc/containers/policy.json: containers-policy.json(5) says how, and {"default":[{"type":"insecureAcceptAnything"}]} accepts everything',
    },
  );
}

/**
 * The requirements for an image: only the most specific scope counts.
 *
 * @param name a full name as in the unit, not as registries.conf rewrites it.
 */
export function askedOf(policy: Policy, name: string): Asked {
  const scope = [...scopesOf(name), ''].find((candidate) =>
    Object.hasOwn(policy.docker, candidate),
  );
  const scoped = scope === undefined ? undefined : policy.docker[scope];
  return scoped === undefined
    ? { requirements: policy.default, where: `${policy.path}, default` }
    : { requirements: scoped, where: `${policy.path}, scope ${JSON.stringify(scope)}` };
}

const schema = v.strictObject({
  default: requirementsSchema,
  transports: v.optional(mapOf(mapOf(requirementsSchema)), {}),
});

function parse(path: string, content: Buffer): Policy {
  let document: unknown;
  try {
    document = parseStrictJson(content);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(path, error.message);
  }
  const checked = checkBy(schema, document);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw wrong(path, `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  return {
    path,
    default: checked.output.default,
    docker: checked.output.transports['docker'] ?? {},
    archives: checked.output.transports['oci-archive']?.[''] ?? checked.output.default,
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
    hint: 'correct the file; containers-policy.json(5) says what it must hold',
  });
}

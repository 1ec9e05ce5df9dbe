import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import type { Registry } from '../../registry/registry.ts';

/**
 * A registry that is asked once what a name means, however many engines of a root need the name: so the
 * engines get one image, even if the tag is moved meanwhile. Names for which a unit has credentials of its
 * own are asked for with each of them.
 */
export function askedOnce(registry: Registry): Registry {
  const asked = new Map<string, Promise<ResolvedImage>>();
  return {
    permit: (image, access, options) => registry.permit(image, access, options),
    signatures: (image, access, signal) => registry.signatures(image, access, signal),
    foresee: (name, judge) => registry.foresee(name, judge),
    resolve: (name, platform, access, signal) => {
      const ask = () => registry.resolve(name, platform, access, signal);
      const key = keyOf([name, platform], access);
      if (key === undefined) return ask();
      const answer = asked.get(key) ?? ask();
      asked.set(key, answer);
      return answer;
    },
    resolveAll: (name, access, signal) => registry.resolveAll(name, access, signal),
    manifest: (name, digest, access, signal) => registry.manifest(name, digest, access, signal),
    download: (name, blob, access, into, watch) =>
      registry.download(name, blob, access, into, watch),
    credentials: (name, access) => registry.credentials(name, access),
    quickestReply: (name, access) => registry.quickestReply(name, access),
    isLimited: (name, access) => registry.isLimited(name, access),
    close: () => registry.close(),
  };
}

function keyOf(question: readonly unknown[], { credentials, tlsVerify }: Access) {
  return credentials === undefined ? JSON.stringify([...question, tlsVerify !== false]) : undefined;
}

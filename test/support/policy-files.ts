import type { PolicyFiles } from '../../src/registry/policy/files.ts';
import type { RegistriesD } from '../../src/registry/policy/registries-d.ts';

/** Trust by a policy with this default, on a host that has no other file of it. */
export function policyFilesBy(type: 'insecureAcceptAnything' | 'reject'): PolicyFiles {
  return {
    policy: () => ({ path: '/p.json', default: [{ type }], docker: {}, archives: [] }),
    registriesD: async () => registriesD(false),
    keyFile: (path) => `the key ${path} is not there`,
    signatureFile: () => undefined,
    gpg: () => undefined,
  };
}

/** A registries.d that says the same of every image. */
export function registriesD(usesAttachments: boolean): RegistriesD {
  return {
    path: '/r',
    usesAttachments: () => usesAttachments,
    lookasideOf: () => 'file:///nowhere',
  };
}

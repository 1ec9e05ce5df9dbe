import type { PolicyFiles } from '../../src/registry/policy/files.ts';

/** Trust by a policy with this default, on a host that has no other file of it. */
export function policyFilesBy(type: 'insecureAcceptAnything' | 'reject'): PolicyFiles {
  return {
    policy: () => ({ path: '/p.json', default: [{ type }], docker: {}, archives: [] }),
    registriesD: async () => ({ path: '/r', usesAttachments: () => false }),
    keyFile: (path) => `the key ${path} is not there`,
  };
}

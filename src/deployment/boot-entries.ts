import type { Root } from '../root/root.ts';
import { type Checkout, isId } from './checkout.ts';
import { cantTell } from './failure.ts';

/**
 * The deployments that boot entries lead to, in boot order.
 *
 * @throws {BerthError} `deployments` for an entry that leads to no deployment. ostree refuses such an
 * entry too, and the deployment that was meant may still live.
 */
export function bootOrder(boot: Root, sysroot: Root): readonly Checkout[] {
  const entries = (boot.list('/loader/entries') ?? [])
    .filter(({ name }) => /^ostree-.*\.conf$/.test(name))
    .map(({ name }) => {
      const path = `/loader/entries/${name}`;
      const text = boot.readFile(path)?.content.toString('utf8') ?? '';
      const checkout = bootedBy(text, sysroot);
      const version = Number(/^version\s+(\d{1,9})\s*$/m.exec(text)?.[1] ?? numberIn(name));
      if (checkout === undefined) throw leadsNowhere(`/boot${path}`);
      return { checkout, version };
    });
  return entries.sort((a, b) => b.version - a.version).map(({ checkout }) => checkout);
}

/** The number in the name of a boot entry: 2 in `ostree-2-acme.conf` and `ostree-2.conf`. */
function numberIn(name: string): string {
  return /^ostree-(\d{1,9})\b/.exec(name)?.[1] ?? '0';
}

function bootedBy(entry: string, sysroot: Root): Checkout | undefined {
  const options = /^options\s+(.*)$/m.exec(entry)?.[1] ?? '';
  const link = /(?:^|\s)ostree=(\/\S+)/.exec(options)?.[1];
  const found = link === undefined ? undefined : sysroot.lookup(link);
  const parts = /^\/ostree\/deploy\/([^/]+)\/deploy\/([^/]+)$/.exec(found?.realPath ?? '');
  const [, stateroot = '', id = ''] = parts ?? [];
  return isId(id) ? { stateroot, id } : undefined;
}

function leadsNowhere(path: string): Error {
  return cantTell(
    'ostree',
    `expected the option ostree= of ${path} to lead to a deployment, found none`,
    'look at `ostree admin status`',
  );
}

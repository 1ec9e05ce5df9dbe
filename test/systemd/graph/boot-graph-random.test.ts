import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRoot } from '../../../src/root/open-root.ts';
import { bootGraph } from '../../../src/systemd/graph/boot-graph.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { writeTree } from '../../support/tree.ts';
import { commands, etc, usr } from './graph-of.ts';

test('random graphs: the walk reaches the units that a naive search reaches', async (t) => {
  const bares = Array.from({ length: 8 }, (_, i) => `u${i}`);
  const edge = fc.record({
    from: fc.constantFrom('multi-user.target', ...bares.map((name) => `${name}.service`)),
    to: fc.constantFrom(...bares),
    as: fc.constantFrom('Wants', 'Requires', 'BindsTo', 'Upholds', 'After', 'PartOf', '.wants'),
  });
  const trigger = fc.record({
    of: fc.constantFrom(...bares),
    kind: fc.constantFrom('socket', 'timer', 'path'),
    to: fc.constantFrom(...bares),
    from: fc.constantFrom('basic.target', ...bares.map((name) => `${name}.service`)),
  });
  await holds(
    25,
    fc.property(
      fc.array(edge, { maxLength: 14 }),
      fc.uniqueArray(trigger, { maxLength: 5, selector: ({ of, kind }) => of + kind }),
      fc.subarray(bares),
      (edges, triggers, masked) => {
        const texts = new Map<string, string>(
          [...bares.map((name) => `${name}.service`), 'multi-user.target', 'basic.target'].map(
            (name) => [name, '[Unit]\nDescription=x\n'],
          ),
        );
        const say = (name: string, line: string) =>
          texts.set(name, `${texts.get(name) ?? ''}${line}\n`);
        say('multi-user.target', 'Requires=basic.target');
        const tree: Record<string, string> = { [`${usr}/default.target`]: '-> multi-user.target' };
        Object.assign(tree, commands);
        const next = new Map<string, string[]>();
        const link = (from: string, to: string) => next.set(from, [...(next.get(from) ?? []), to]);
        link('multi-user.target', 'basic.target');
        const needs = new Map<string, string[]>();
        for (const { from, to, as: chosen } of edges) {
          // If the target itself lacked a unit, nobody could tell what starts.
          const isNeed = chosen === 'Requires' || chosen === 'BindsTo';
          const as = isNeed && from === 'multi-user.target' ? 'Wants' : chosen;
          if (isNeed) needs.set(from, [...(needs.get(from) ?? []), `${to}.service`]);
          if (as === '.wants') tree[`${etc}/${from}.wants/${to}.service`] = '-> /x';
          else say(from, `${as}=${to}.service`);
          if (as !== 'After' && as !== 'PartOf') link(from, `${to}.service`);
        }
        const triggered = new Map<string, string>();
        for (const { of, kind, to, from } of triggers) {
          const key = kind === 'socket' ? 'Service' : 'Unit';
          const group = kind.charAt(0).toUpperCase() + kind.slice(1);
          tree[`${usr}/${of}.${kind}`] = `[${group}]\n${key}=${to}.service\n`;
          say(from, `Wants=${of}.${kind}`);
          link(from, `${of}.${kind}`);
          triggered.set(`${of}.${kind}`, `${to}.service`);
        }
        for (const [name, text] of texts) tree[`${usr}/${name}`] = text;
        for (const name of masked) tree[`${etc}/${name}.service`] = '-> /dev/null';

        const hidden = new Set(masked.map((name) => `${name}.service`));
        const lacks = (name: string, above: readonly string[] = []): boolean =>
          !above.includes(name) &&
          (hidden.has(name) ||
            (name !== 'multi-user.target' &&
              (needs.get(name) ?? []).some((one) => lacks(one, [...above, name]))));
        const looked = new Set<string>();
        const reach = (seeds: readonly string[], past: boolean, known: ReadonlySet<string>) => {
          const found = new Set<string>();
          const visit = (name: string) => {
            if (hidden.has(name) || found.has(name) || known.has(name)) return;
            if (lacks(name)) {
              // systemd may start what a unit requires before it finds that another one is missing.
              if (looked.has(name)) return;
              looked.add(name);
              for (const to of needs.get(name) ?? []) visit(to);
              return;
            }
            found.add(name);
            for (const to of next.get(name) ?? []) visit(to);
            const target = triggered.get(name);
            if (past && target !== undefined) visit(target);
          };
          for (const seed of seeds) visit(seed);
          return found;
        };
        const expected = new Map<string, string>();
        const boot = reach(['multi-user.target'], false, new Set());
        for (const name of boot) expected.set(name, 'boot');
        for (const kind of ['socket', 'timer', 'path']) {
          const seeds = [...triggered].flatMap(([unit, to]) =>
            unit.endsWith(kind) && boot.has(unit) ? [to] : [],
          );
          for (const name of reach(seeds, true, new Set(expected.keys()))) expected.set(name, kind);
        }

        const directory = temporaryDirectory(t);
        writeTree(directory, tree);
        const root = openRoot(directory);
        const graph = bootGraph(
          readSystemdUnits(root, '/etc', {
            manager: 'system',
            generated: [],
            architecture: 'x86-64',
          }),
        );
        for (const name of bares.map((bare) => `${bare}.service`)) {
          const { activation, via } = graph.startOf(name);
          assert.equal(activation, expected.get(name) ?? 'none', name);
          for (const [i, unit] of via.entries()) {
            const before = via[i - 1] ?? '';
            if (i < 2) continue;
            assert.ok(next.get(before)?.includes(unit) || triggered.get(before) === unit);
          }
        }
        root.close();
      },
    ),
  );
});

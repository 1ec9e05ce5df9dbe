import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { type Quadlets, readQuadlets } from '../../src/discovery/quadlet/quadlet.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { splitWords } from '../../src/systemd/words.ts';
import { holds, isOver } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type Tree, writeTree } from '../support/tree.ts';
import { contextOf } from './source.ts';

const script = fileURLToPath(new URL('../../scripts/trixie-podman.sh', import.meta.url));

/** The units that the generated units refer to. */
const shared: Tree = {
  'one/i.image': '[Image]\nImage=q.io/i:1\n',
  'one/v.volume': '[Volume]\nDriver=image\nImage=q.io/v:1\n',
  'one/n.network': '[Network]\n',
  'one/p.pod': '[Pod]\n[Install]\nWantedBy=default.target\n',
  'one/b.build': '[Build]\nImageTag=localhost/b\nSetWorkingDirectory=unit\n',
  'one/Containerfile': 'FROM q.io/base:1\n',
  'one/k.yaml': 'kind: Pod\nspec: {containers: [{name: c, image: "q.io/k:1"}]}\n',
};

/** Sections [Install], without `UpheldBy=`, which podman 5.4 does not know. */
const install = fc.array(
  fc.constantFrom(
    'WantedBy=default.target',
    'WantedBy=multi-user.target graphical.target',
    'RequiredBy=a.target "b.target"',
    'Alias=other-ID.service',
    'WantedBy=',
    'DefaultInstance=d',
  ),
  { maxLength: 4 },
);

const bodies: Readonly<Record<string, fc.Arbitrary<string>>> = {
  container: fc
    .array(
      fc.constantFrom(
        'Network=n.network',
        'Network=',
        'Image=q.io/other:2',
        'Image=i.image',
        'Volume=',
        'Volume=v.volume:/v',
        'Volume=/srv:/srv',
        'Pod=p.pod',
        'StartWithPod=no',
        'Mount=type=image,source=i.image,destination=/m',
        'Mount=type=image,source=q.io/m:2,destination=/m',
        'Mount=type=volume,source=v.volume,destination=/m',
        'PodmanArgs=--mount type=image,source=q.io/n:3,destination=/n --init',
      ),
      { maxLength: 4 },
    )
    .chain((lines) =>
      fc
        .constantFrom('q.io/own:1', 'i.image', 'b.build')
        .map((image) => `[Container]\nImage=${image}\n${lines.join('\n')}`),
    ),
  kube: fc.constantFrom(
    '[Kube]\nYaml=k.yaml',
    '[Kube]\nYaml=k.yaml\nNetwork=n.network',
    '[Kube]\nYaml=../one/k.yaml\nSetWorkingDirectory=yaml',
    '[Kube]\nNetwork=n.network',
  ),
  build: fc.constantFrom(
    '[Build]\nImageTag=x\nSetWorkingDirectory=unit',
    '[Build]\nImageTag=x\nSetWorkingDirectory=unit\nFile=Containerfile\nNetwork=n.network',
    '[Build]\nImageTag=x\nFile=Containerfile',
    '[Build]\nImageTag=x',
    '[Build]\nSetWorkingDirectory=unit',
    '[Build]\nImageTag=x\nSetWorkingDirectory=unit\nVolume=v.volume:/v',
  ),
  pod: fc.constantFrom('[Pod]\nVolume=v.volume:/v', '[Pod]\nNetwork=n.network', '[Pod]\n'),
  image: fc.constantFrom('[Image]\nImage=q.io/other:1', '[Image]\nImageTag=q.io/x'),
};

const unit = fc
  .tuple(fc.constantFrom('', '', '', '@', '@i'), fc.constantFrom(...Object.keys(bodies)), install)
  .chain(([template, type, links]) =>
    (bodies[type] ?? fc.constant('')).map((body) => ({
      template: type === 'container' ? template : '',
      type,
      text: `${body}\n[Install]\n${links.join('\n')}\n`,
    })),
  );

const trees = fc.array(unit, { minLength: 12, maxLength: 20 }).map((units): Tree => {
  const files = units.map(({ template, type, text }, id): [string, string] => [
    `one/u${id}${template}.${type}`,
    text.replaceAll('-ID', `-${id}`),
  ]);
  return { ...shared, ...Object.fromEntries(files) };
});

const dependencies = ['Requires', 'Wants', 'BindsTo', 'Upholds'];

/** The dependencies on services that Quadlet makes, as `service: Requires other.service`. */
function dependenciesOf(name: string, lines: Iterable<readonly [string, string]>): string[] {
  return [...lines].flatMap(([key, value]) =>
    dependencies.includes(key)
      ? (splitWords(value, { escapes: false, relaxed: true }) ?? [])
          .filter((word) => /^(?:u\d|[a-z]-|[a-z]\.)/.test(word) && word.endsWith('.service'))
          .map((word) => `${name}: ${key} ${word}`)
      : [],
  );
}

function ofGenerator(output: string) {
  const links: string[] = [];
  const needs: string[] = [];
  const services: string[] = [];
  for (const entry of readdirSync(output, { recursive: true, withFileTypes: true })) {
    const path = relative(output, join(entry.parentPath, entry.name));
    if (entry.isSymbolicLink()) links.push(path);
    else if (entry.isFile()) {
      services.push(path);
      const text = readFileSync(join(output, path), 'utf8');
      const unitSection = /^\[Unit\]\n([^]*?)(?=^\[|$(?![^]))/m.exec(text)?.[1] ?? '';
      const lines = Array.from(
        unitSection.matchAll(/^(\w+)=(.*)$/gm),
        ([, key = '', value = '']) => [key, value] as const,
      );
      needs.push(...dependenciesOf(path, lines));
    }
  }
  return { links: links.sort(), needs: [...new Set(needs)].sort(), services: services.sort() };
}

function ofBerth({ generated }: Quadlets) {
  return {
    links: [...new Set(generated.flatMap(({ links }) => links))].sort(),
    needs: [
      ...new Set(
        generated.flatMap(({ name, entries }) =>
          dependenciesOf(
            name,
            entries
              .filter(({ group }) => group === 'Unit')
              .map(({ key, value }) => [key, value] as const),
          ),
        ),
      ),
    ].sort(),
    services: generated.map(({ name }) => name).sort(),
  };
}

test("services, links and dependencies are those of podman's own generator", async (t) => {
  const quadlet = execFileSync(script, { encoding: 'utf8' }).trim();
  const top = temporaryDirectory(t);
  let number = 0;
  let compared = 0;
  let difference = '';
  const searched = holds(
    25,
    fc.asyncProperty(trees, async (tree) => {
      const directory = join(top, String(number++));
      const output = join(directory, 'out');
      mkdirSync(output, { recursive: true });
      writeTree(directory, tree);
      spawnSync(quadlet, ['-no-kmsg-log', output], {
        env: { QUADLET_UNIT_DIRS: `${directory}/one` },
      });
      const root = openRoot(directory);
      try {
        const context = contextOf(root);
        const quadlets = readQuadlets(root, ['/one'], () => false, context);
        const theirs = ofGenerator(output);
        assert.deepEqual(ofBerth(quadlets), theirs);
        compared += theirs.links.length + theirs.needs.length;
      } catch (error) {
        difference = String(error);
        throw error;
      } finally {
        root.close();
      }
    }),
  );
  await searched.catch((error) => assert.fail(`${difference}\n${String(error)}`));
  assert.ok(isOver() || compared > 300, `only ${compared} links and dependencies were compared`);
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'node:test';

/** What each room may import, besides itself and `common`: rooms, or one file of a room. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'host',
    'documents',
    'bundle',
    'lint',
    'report',
    'lifecycle',
    'binding',
    'store',
    'state',
    'engine',
    'os-image',
    'registry',
    'oci',
    'systemctl',
    'discovery',
    'deployment',
    'root',
    'image',
  ],
  host: [
    'report',
    'lifecycle',
    'binding',
    'store',
    'state',
    'engine',
    'os-image',
    'registry',
    'deployment',
    'systemctl',
    'discovery',
    'root',
    'image',
  ],
  documents: ['bundle', 'lint', 'lifecycle', 'binding', 'state', 'engine', 'discovery'],
  bundle: ['lifecycle', 'binding', 'store', 'state', 'engine', 'registry', 'oci', 'image'],
  report: ['lifecycle', 'binding', 'state', 'engine', 'discovery'],
  lint: ['lifecycle', 'binding', 'registry', 'discovery', 'root', 'image'],
  lifecycle: [
    'binding',
    'store',
    'state',
    'engine',
    'registry',
    'oci',
    'systemctl',
    'discovery',
    'deployment',
    'root',
    'image',
  ],
  binding: ['state', 'engine', 'registry', 'oci', 'discovery', 'systemd', 'root', 'image'],
  store: ['engine', 'registry', 'oci', 'image'],
  state: ['engine', 'registry', 'deployment', 'root', 'image'],
  engine: ['registry', 'oci', 'systemd', 'root', 'image'],
  'os-image': ['registry', 'oci', 'root', 'image'],
  registry: ['oci', 'root', 'image'],
  oci: ['root', 'image'],
  systemctl: [],
  deployment: ['root'],
  discovery: ['systemd', 'root', 'image'],
  systemd: ['root'],
  root: [],
  image: [],
  common: [],
};

/**
 * The rooms within rooms, and those that keep more than one secret: from outside only these files
 * of them may be imported.
 */
const doors: Readonly<Record<string, readonly string[]>> = {
  'common/tar': ['chunk-source.ts', 'decompress.ts', 'error.ts', 'read.ts', 'write.ts'],
  'discovery/compose': [
    'compose.ts',
    'dependencies.ts',
    'files.ts',
    'interpolate.ts',
    'project-files.ts',
    'read-project.ts',
    'service-images.ts',
    'started-services.ts',
  ],
  'discovery/containerfile': ['base-images.ts'],
  'discovery/kubernetes': [
    'findings.ts',
    'rancher/k3s.ts',
    'microshift/microshift.ts',
    'pause-image.ts',
    'pinned-image-set.ts',
    'program-flag.ts',
    'runtime.ts',
    'static-pods.ts',
    'unread-distributions.ts',
    'workload-images.ts',
  ],
  'discovery/quadlet': ['loaded-services.ts', 'pods.ts', 'quadlet.ts', 'search-path.ts'],
  // To find a socket, nobody loads the engine behind it.
  'engine/containerd': ['containerd.ts', 'locate.ts'],
  'engine/crio': ['crio.ts'],
  'engine/docker': ['docker.ts', 'locate.ts'],
  'engine/podman': ['podman.ts'],
  'registry/auth': ['auth-file.ts', 'authorization.ts', 'credential-helper.ts', 'credentials.ts'],
  'registry/policy/openpgp': ['judge.ts'],
  'registry/policy/sigstore': ['attachments.ts', 'judge.ts'],
  store: [
    'broken-downloads.ts',
    'depot.ts',
    'loaded.ts',
    'receive.ts',
    'signatures.ts',
    'store.ts',
    'tidy.ts',
  ],
  'systemd/environment': ['environment.ts', 'manager-environment.ts', 'variables.ts'],
  'systemd/graph': ['boot-graph.ts'],
};

/** A library is imported only where it is needed: its start-up cost is paid there alone. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  '@bufbuild/protobuf': ['engine'],
  '@bufbuild/protobuf/codegenv2': ['engine'],
  '@bufbuild/protobuf/wkt': ['engine'],
  '@connectrpc/connect': ['engine'],
  '@connectrpc/connect-node': ['engine'],
  commander: ['cli'],
  valibot: [
    'common',
    'cli',
    'documents',
    'bundle',
    'binding',
    'state',
    'store',
    'engine',
    'registry',
    'oci',
    'os-image',
  ],
  yaml: ['discovery', 'registry'],
  'smol-toml': ['host', 'discovery', 'engine', 'registry', 'systemd'],
};

/** The process that berth runs in is the business of these rooms alone. */
const ofTheProcess = ['cli', 'host'];

/** What of `process` says something of the machine that never changes while berth runs. */
const facts = /\bprocess\.(?:geteuid|getegid|getuid|arch|config|pid|kill)\b/g;

const src = resolve(import.meta.dirname, '../src');

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const texts = new Map(files.map((name) => [name, readFileSync(join(src, name), 'utf8')]));

/** Every import, those of types alone and those at run time included. */
const imports = [...texts].flatMap(([from, text]): Import[] => {
  const found = text.matchAll(/\b(?:from|import|import\()\s*['"]([^'"\s,]+)['"]/g);
  return [...found].map(([, to]) => ({ from, to: to ?? '' }));
});

/** The imports within `src`, both ends as paths in it. */
const arrows = imports
  .filter(({ to }) => to.startsWith('.'))
  .map(({ from, to }) => ({ from, to: relative(src, resolve(src, dirname(from), to)) }));

const roomOf = (path: string) => path.split('/')[0] ?? '';

test('a room imports only what lies below it', () => {
  assert.ok(arrows.length > 1000, 'the test finds the imports');
  for (const { from, to } of arrows) {
    assert.ok(!to.startsWith('..'), `${from} imports ${to}, outside of src`);
    const room = roomOf(from);
    const rooms = [room, 'common', ...(allowed[room] ?? [])];
    assert.ok(rooms.includes(roomOf(to)) || rooms.includes(to), `${from} must not import ${to}`);
  }
});

test('a room within a room is entered by its doors', () => {
  for (const [room, open] of Object.entries(doors)) {
    const inside = (path: string) => path.startsWith(`${room}/`);
    const entered = arrows.filter(({ from, to }) => inside(to) && !inside(from));
    for (const { from, to } of entered) {
      assert.ok(open.includes(to.slice(room.length + 1)), `${from} must not import ${to}`);
    }
    for (const door of open) {
      const isUsed = entered.some(({ to }) => to === `${room}/${door}`);
      assert.ok(isUsed, `${room}/${door} is a door that nobody uses`);
    }
  }
});

test('no file imports itself by way of others, imports of types counted', () => {
  const next = Map.groupBy(arrows, ({ from }) => from);
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    assert.ok(
      !way.includes(file),
      `a circle: ${[...way.slice(way.indexOf(file)), file].join(' → ')}`,
    );
    if (done.has(file)) return;
    for (const { to } of next.get(file) ?? []) visit(to, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('process, console and the environment are touched in cli and host alone', () => {
  for (const [file, text] of texts) {
    if (ofTheProcess.includes(roomOf(file))) continue;
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').replaceAll(facts, '');
    const found = /\bprocess\.\w+|\bconsole\.\w+|from 'node:(?:process|v8)'/.exec(code);
    assert.equal(found, null, `${file} touches ${found?.[0]}`);
  }
});

test('whoever works with an engine asks for its traits, never for its id', () => {
  const id = "'(?:podman|store|docker|containerd|crio)'";
  const asking = new RegExp(`[!=]==? ${id}|${id} [!=]==?|case ${id}`);
  assert.match("engine.id === 'podman'", asking);
  for (const [file, text] of texts) {
    if (!['lifecycle', 'bundle', 'binding', 'lint'].includes(roomOf(file))) continue;
    const found = asking.exec(text);
    assert.equal(found, null, `${file} asks whether ${found?.[0]}`);
  }
});

test('an engine is wrapped member by member, never spread', () => {
  for (const [file, text] of texts) {
    const found = /\.\.\.(?:\w+\.)?(?:engine|depot)\b(?!\.)/.exec(text);
    assert.equal(found, null, `${file} spreads ${found?.[0]}`);
  }
});

test('data is checked up to its first fault, since a list of all has no bound', () => {
  for (const [file, text] of texts) {
    if (file === 'common/check-by.ts') continue;
    const found = /\bv\.(?:safeParse|parse)\(|\bsafeParse\b/.exec(text);
    assert.equal(found, null, `${file} calls ${found?.[0]} of valibot, not checkBy or parseBy`);
  }
});

test('libraries are imported only where they are meant to be', () => {
  for (const { from, to } of imports) {
    if (to.startsWith('.') || to.startsWith('node:')) continue;
    assert.ok(libraries[to]?.includes(roomOf(from)), `${from} imports ${to}`);
  }
});

test('every room has its rule, and nothing lies beside the rooms', () => {
  const entries = readdirSync(src, { withFileTypes: true });
  const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual(rooms.sort(), Object.keys(allowed).sort());
  assert.deepEqual(
    entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
    [],
  );
});

test('no folder has more than 25 files', () => {
  for (const [folder, names] of Map.groupBy(files, (name) => dirname(name))) {
    assert.ok(names.length <= 25, `${folder} has ${names.length} files`);
  }
});

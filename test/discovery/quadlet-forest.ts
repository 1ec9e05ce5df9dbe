import fc from 'fast-check';
import type { Tree } from '../support/tree.ts';

/**
 * Many units in two search directories, with everything that makes Quadlet's files hard to parse.
 * Left out is what podman 5.4 and 6 read differently: unmatched quotes, dependencies on missing
 * units, drop-ins of one name in several directories, and newer keys.
 */
export const forest: fc.Arbitrary<Tree> = fc
  .tuple(...Array.from({ length: 30 }, (_, id) => fc.noShrink(fc.constant(id).chain(tree))))
  .map((trees): Tree => Object.assign({}, shared, ...trees));

/** The units that the generated units refer to. */
const shared: Tree = {
  'one/fine.image': '[Image]\nImage=q.io/fine:1\n',
  'one/tagged.image': '[Image]\nImage=q.io/x\nImageTag=q.io/first\nImageTag=q.io/last\n',
  'two/refused.image': '[Image]\nImage=q.io/x\nNo=1\n',
  'two/masked.image': '',
  'two/made.build': '[Build]\nImageTag=localhost/made\nFile=/srv/Containerfile\n',
  'two/net.network': '[Network]\n',
  'two/bad.network': '[Network]\nNo=1\n',
  'one/web.pod': '[Pod]\n',
  'two/data.volume': '',
  'one/container.d/50-all.conf': '[Container]\nPull=newer\n',
};

const places = ['one', 'one/sub', 'one/sub/deep', 'two', 'two/a-dir'];
const place = fc.constantFrom(...places);

const imageName = fc
  .tuple(
    fc.constantFrom('q.io/a', 'q.io/b/c', 'localhost:5000/d', 'short', 'library/short'),
    fc.constantFrom('', ':1', ':v-2', `@sha256:${'a'.repeat(64)}`),
  )
  .map((parts) => parts.join(''));

const imageValue = fc.oneof(
  { weight: 12, arbitrary: imageName },
  { weight: 2, arbitrary: imageName.map((name) => `"${name}"`) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'fine.image',
      'tagged.image',
      'refused.image',
      'masked.image',
      'none.image',
      'made.build',
      'none.build',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '""', 'q.io/a b', "'q.io/a'", 'q.io/é', 'q.io/A') },
);

const settings: Readonly<Record<string, fc.Arbitrary<string>>> = {
  container: fc.oneof(
    { weight: 8, arbitrary: imageValue.map((value) => `Image=${value}`) },
    {
      weight: 8,
      arbitrary: fc.constantFrom(
        'Pull=never',
        'Environment=A=b "C=d e"',
        'Exec=EXEC a b',
        'Exec=EXEC',
        'Network=host',
        'Network=net.network',
        'Volume=data.volume:/data',
        'Volume=/srv:/srv',
        'Label=x=#y;z',
        'PodmanArgs=--init',
        'User=a',
        'Pod=web.pod',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'Rootfs=/srv/root',
        'Rootfs=',
        'Network=none.network',
        'Network=bad.network',
        'Network=none.network:ip=1.2.3.4',
        'Volume=none.volume:/data',
        'Pod=none.pod',
        'Pod=web',
        'Group=b',
        'ExposeHostPort=80-90/tcp',
        'ExposeHostPort=http',
        'Unknown=1',
        'image=q.io/lower',
      ),
    },
  ),
  image: fc.oneof(
    { weight: 6, arbitrary: imageValue.map((value) => `Image=${value}`) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'ImageTag=q.io/tag',
        'TLSVerify=',
        'AllTags=no',
        'AuthFile=/etc/auth.json',
        'Creds="a:b c"',
        'Arch=arm64',
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom('Unknown=1', 'Image=') },
  ),
  volume: fc.oneof(
    { weight: 6, arbitrary: imageValue.map((value) => `Image=${value}`) },
    { weight: 6, arbitrary: fc.constantFrom('Driver=image', 'Driver="image"', 'Label=a=b') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('Driver=local', 'Type=tmpfs', 'Device=tmpfs', 'Unknown=1'),
    },
  ),
};

const otherSections = fc.constantFrom(
  '[Service]\nRestart=always',
  '[Service]\nEnvironment=A=b',
  '[Service]\nType=oneshot',
  '[Service]\nType=simple',
  '[Service]\nKillMode=mixed',
  '[Service]\nKillMode=process',
  '[Unit]\nAfter=network.target',
  '[Install]\nWantedBy=default.target',
  '[Quadlet]\nDefaultDependencies=no',
  '[X-Berth]\nBind=yes',
  '[X-Unknown]\nImage=q.io/never',
);

/** Variants of a line: indented, with blanks, continued over several lines, with comments. */
function written(line: string): fc.Arbitrary<string> {
  // `Exec=` stays as it is: the comparison finds the image by the word after it.
  if (line.startsWith('Exec=')) return fc.constant(line);
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant(line) },
    { weight: 1, arbitrary: fc.constant(`  ${line.replace('=', ' \t= ')} \t`) },
    { weight: 1, arbitrary: fc.constant(`${line}\r`) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          fc.nat(line.length),
          fc.constantFrom('\\\n', '\\\n  ', '\\\n# comment\n', '\\\n\n; c \\\n', ' \\\n\\\n'),
        )
        .map(([at, join]) => line.slice(0, at) + join + line.slice(at)),
    },
  );
}

function unitText(type: string, own: string): fc.Arbitrary<string> {
  const section = `[${type.charAt(0).toUpperCase()}${type.slice(1)}]`;
  const setting = settings[type] ?? fc.constant('');
  const ownLine = (line: string) => written(line).map((text) => `${section}\n${text}`);
  const block = fc.oneof(
    { weight: 10, arbitrary: setting.chain(written) },
    { weight: 2, arbitrary: setting.chain(ownLine) },
    { weight: 2, arbitrary: fc.constantFrom('', '# comment', '; [Comment]', '   ', '\\\n# alone') },
    { weight: 1, arbitrary: fc.constant(`${section} \nServiceName=${own}`) },
    { weight: 2, arbitrary: otherSections.map((text) => `${text}\n${section}`) },
  );
  const end = fc.constantFrom('\n', '\n', '\n', '', '\\', '\\\n', '\\\n\n', '\\\n# end\n');
  return fc
    .tuple(imageValue, fc.array(block, { maxLength: 6 }), end)
    .chain(([image, blocks, last]) =>
      fc
        .constantFrom(
          `${section}\nImage=${image}\n`,
          `${section}\n`,
          `#\n${section}\nImage=${image}\n`,
        )
        .map(
          (head) => head + (type === 'volume' ? 'Driver=image\n' : '') + blocks.join('\n') + last,
        ),
    );
}

/** One unit with its drop-ins and links. All names contain the id, so trees can be merged. */
function tree(id: number): fc.Arbitrary<Tree> {
  const type = fc.constantFrom('container', 'container', 'container', 'image', 'volume');
  const stem = fc.constantFrom(`u${id}`, `u${id}-b`, `u${id}-b-c`, `u${id}@`, `u${id}-b@`);
  return fc.tuple(type, stem, place).chain(([kind, base, where]) => {
    const name = `${base}.${kind}`;
    const unit = unitText(kind, `service-${id}`);
    return fc
      .record({
        unit: fc.oneof({ weight: 12, arbitrary: unit }, { weight: 1, arbitrary: mask }),
        again: fc.option(fc.tuple(place, fc.oneof(unit, mask)), { freq: 5 }),
        broken: fc.option(fc.constantFrom('nonsense\n', 'Image=q.io/x\n', '[Container\n', '=\n'), {
          freq: 12,
        }),
        instance: fc.boolean(),
        linked: fc.option(fc.constant(true), { freq: 8 }),
        dropIns: fc.array(dropIn(kind, base), { maxLength: 2 }),
      })
      .map(({ unit: text, again, broken, instance, linked, dropIns }) => {
        const files: Record<string, string> = { [`${where}/${name}`]: text };
        if (linked === true && !text.startsWith('->')) {
          const up = where.replaceAll(/[^/]+/g, '..');
          files[`elsewhere/${name}`] = text;
          files[`${where}/${name}`] = `-> ${up}/elsewhere/${name}`;
        }
        if (again !== null) files[`${again[0]}/${name}`] ??= again[1];
        // In a directory of its own, since podman drops all other files of the directory.
        if (broken !== null) files[`one/0-broken-${id}/${name}`] = broken;
        if (base.endsWith('@') && instance) files[`${where}/${base}i.${kind}`] = `-> ${name}`;
        return Object.assign(files, ...dropIns);
      });
  });
}

const mask = fc.constantFrom('', '-> /dev/null', '# nothing\n');

/** A drop-in, named after its directory so that it hides none in another directory. */
function dropIn(type: string, base: string): fc.Arbitrary<Tree> {
  const prefix = base.replace('@', '');
  const breadths = [`${base}.${type}.d`];
  if (base.endsWith('@')) breadths.push(`${base}i.${type}.d`);
  if (prefix.includes('-')) breadths.push(`${prefix.slice(0, prefix.indexOf('-') + 1)}.${type}.d`);
  return fc
    .tuple(fc.nat(breadths.length - 1), place, fc.constantFrom('10', '90'), unitText(type, base))
    .map(([breadth, where, order, text]) => ({
      [`${where}/${breadths[breadth]}/${order}-${breadth}.conf`]: text.replaceAll(
        `ServiceName=${base}\n`,
        '',
      ),
    }));
}

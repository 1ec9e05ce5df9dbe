// Makes dist/berth, a single executable for hosts that have no Node: Node itself with the bundle in
// it. `--arch x64|arm64` for another machine than this one.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleScript } from './esbuild.mjs';
import { compilePrograms, makePrograms } from './make-programs.mjs';

const strippers = { x64: 'x86_64-linux-gnu-strip', arm64: 'aarch64-linux-gnu-strip' };

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    output: { type: 'string', default: 'dist/berth' },
  },
});
const { arch } = values;
const output = resolve(values.output);
process.chdir(resolve(import.meta.dirname, '..'));
if (!Object.hasOwn(strippers, arch)) fail(`expected --arch x64 or arm64, found ${arch}`);

mkdirSync(dirname(output), { recursive: true });
const work = mkdtempSync(`${output}.`);
process.once('exit', () => rmSync(work, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));

const program = join(work, 'berth');
copyFileSync(nodeOf(arch), program);
chmodSync(program, 0o755);
// Before the blob goes in: a program that is stripped after it does not start.
strip(program);
inject(program, await blob());
renameSync(program, output);

/** What Node is to run, as a file. */
async function blob() {
  // Relative, since the blob contains the path of what it runs.
  const main = 'start.cjs';
  await bundleScript('scripts/start-executable.cjs', join(work, main));
  const config = {
    main,
    output: 'blob',
    disableExperimentalSEAWarning: true,
    assets: await programs(),
    // Without it NODE_OPTIONS of whoever calls could load code into it.
    execArgvExtension: 'none',
  };
  writeFileSync(join(work, 'sea.json'), JSON.stringify(config));
  node('--experimental-sea-config', 'sea.json');
  return join(work, 'blob');
}

/** The files of the programs by name, and what V8 compiled of them: on another architecture V8 refuses that. */
async function programs() {
  const directory = join(work, 'programs');
  const names = await makePrograms(directory);
  const compiled = (name) => join(directory, `${name}-compiled`);
  const files = names.map((name) => [name, join(directory, `${name}.cjs`)]);
  if (arch !== process.arch) return Object.fromEntries(files);
  compilePrograms(directory, compiled);
  return Object.fromEntries([
    ...files,
    ...names.map((name) => [`${name}-compiled`, compiled(name)]),
  ]);
}

function inject(file, blob) {
  const postject = fileURLToPath(import.meta.resolve('postject/dist/cli.js'));
  // Node's own mark of the place, the same in every version.
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  node(postject, file, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse);
}

/** What it says is shown only if it fails: there is nothing to see in it otherwise. */
function node(...words) {
  execFileSync(process.execPath, words, { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Node for an architecture, from npm, in the version that runs this: a blob fits no other. */
function nodeOf(arch) {
  const name = `node-linux-${arch}`;
  const installed = `node_modules/${name}`;
  const directory = existsSync(installed) ? installed : fetched(name);
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  if (version !== process.versions.node) {
    fail(`expected ${name} ${process.versions.node}, which runs this script, found ${version}`);
  }
  return join(directory, 'bin/node');
}

/** What npm does not install here because it is for another machine; the lock file says its hash. */
function fetched(name) {
  const directory = join(work, 'npm');
  mkdirSync(directory);
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(file, join(directory, file));
  }
  execFileSync(
    'npm',
    ['ci', '--omit=dev', '--ignore-scripts', '--os=linux', `--cpu=${arch}`, '--loglevel=error'],
    { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return join(directory, 'node_modules', name);
}

function strip(file) {
  const program = arch === process.arch ? 'strip' : strippers[arch];
  try {
    execFileSync(program, [file], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    fail(
      `expected the program ${program}, found none`,
      'install binutils, and for another architecture its cross binutils',
    );
  }
}

function fail(message, hint) {
  console.error(`executable: ${message}`);
  if (hint !== undefined) console.error(`  → ${hint}`);
  process.exit(1);
}

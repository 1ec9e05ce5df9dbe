// `node notices.mjs OUTPUT [--executable]`: writes the licences and notices of everything that is in the programs and
// is not berth's own; or in the executable, which has Node in it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { filesInside } from './esbuild.mjs';
import { packagesInside } from './packages-inside.mjs';

const [output, flag] = process.argv.slice(2);
if (output === undefined) {
  console.error('notices: expected a file to write to');
  process.exit(2);
}
const target = resolve(output);
process.chdir(resolve(import.meta.dirname, '..'));
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const apache = readFileSync('LICENSE', 'utf8');
const packages = await packagesInside();
const sections = [
  [`berth ${version}: Apache-2.0`, 'What else is in it follows, each with its licence.'],
  ...(flag === '--executable' ? [...packages, node()] : packages).map(sectionOf),
  await protocols(),
  ['The Apache License, Version 2.0', apache],
];
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, sections.map(([head, text]) => `${rule(head)}${trimmed(text)}\n`).join('\n'));

/** The same text on every architecture. */
function node() {
  const directory = `node_modules/node-linux-${process.arch}`;
  return { name: 'Node', version: process.versions.node, license: 'MIT', directory, files: [] };
}

function sectionOf({ name, version, license, directory, files }) {
  const head = `${name} ${version}: ${license}`;
  const texts = readdirSync(directory)
    .filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8'));
  // Packages of Buf have none of these files: each source says under which terms it is.
  return [head, texts.length > 0 ? texts.join('\n') : termsOf(directory, files)];
}

/** The messages of containerd and of Kubernetes are made from their protocol files. */
async function protocols() {
  const directory = 'src/engine/grpc/generated';
  const files = (await filesInside()).filter((file) => file.startsWith(`${directory}/`));
  return ['Protocol files of containerd and Kubernetes: Apache-2.0', termsOf(directory, files)];
}

/** The different comments at the beginning of files. */
function termsOf(directory, files) {
  const comments = files.map((file) => firstComment(readFileSync(file, 'utf8')));
  const terms = [...new Set(comments)].filter((comment) =>
    /copyright|licen[cs]e|apache/i.test(comment),
  );
  if (terms.length > 0) return terms.join('\n\n');
  console.error(`notices: expected a licence in ${directory}, or in its sources, found neither`);
  console.error('  → without one it must not be shipped: ask its authors, or leave it out');
  return process.exit(1);
}

function firstComment(source) {
  const lines = source.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  const comment = lines.slice(0, end === -1 ? lines.length : end);
  return comment
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n')
    .trim();
}

function rule(head) {
  return `${head}\n${'='.repeat(head.length)}\n\n`;
}

function trimmed(text) {
  return text.replaceAll('\r', '').replace(/^\n+/, '').trimEnd();
}

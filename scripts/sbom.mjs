// `node sbom.mjs OUTPUT [ARCH]`: writes which packages are in the programs, as SPDX: what npm says of them by its lock
// file. With ARCH, x64 or arm64, those in the executable, which has Node in it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { packagesInside } from './packages-inside.mjs';

const [output, arch] = process.argv.slice(2);
if (output === undefined) {
  console.error('sbom: expected a file to write to');
  process.exit(2);
}
const target = resolve(output);
process.chdir(resolve(import.meta.dirname, '..'));
const document = npmSbom();
const [berth] = document.packages.filter(({ SPDXID }) =>
  document.documentDescribes.includes(SPDXID),
);
berth.primaryPackagePurpose = 'APPLICATION';
// The name is that of another package in npm's registry.
delete berth.externalRefs;
const inside = (await packagesInside()).map(packageOf);
if (arch !== undefined) inside.push(nodeOf(arch));
document.packages = [berth, ...inside];
document.relationships = [
  relationship(document.SPDXID, 'DESCRIBES', berth.SPDXID),
  ...inside.map(({ SPDXID }) => relationship(berth.SPDXID, 'CONTAINS', SPDXID)),
];
// Two builds of a commit are equal, so what npm chooses anew each time is replaced.
const date = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000);
document.creationInfo.created = date.toISOString().replace(/\.\d+/, '');
const digest = createHash('sha256').update(JSON.stringify(document.packages)).digest('hex');
document.documentNamespace = `http://spdx.org/spdxdocs/berth-${berth.versionInfo}-${digest}`;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${JSON.stringify(document, undefined, 2)}\n`);

/** All packages of the lock file: `npm sbom --omit=dev` leaves out what tools need as well as berth. */
function npmSbom() {
  const words = [
    'sbom',
    '--sbom-format=spdx',
    '--package-lock-only',
    '--logs-max=0',
    '--no-update-notifier',
  ];
  return JSON.parse(execFileSync('npm', words, { encoding: 'utf8', maxBuffer: 64 << 20 }));
}

function packageOf({ name, version }) {
  const found = document.packages.find(
    (entry) => entry.name === name && entry.versionInfo === version,
  );
  if (found !== undefined) return found;
  console.error(`sbom: expected ${name} ${version} in package-lock.json, found none`);
  console.error('  → run npm ci, so that node_modules is what the lock file says');
  return process.exit(1);
}

/** With the name by which databases of vulnerabilities know Node. */
function nodeOf(arch) {
  const version = process.versions.node;
  const node = packageOf({ name: `node-linux-${arch}`, version });
  return { ...node, externalRefs: [...node.externalRefs, cpe('nodejs:node.js', version)] };
}

function cpe(product, version) {
  const referenceLocator = `cpe:2.3:a:${product}:${version}:*:*:*:*:*:*:*`;
  return { referenceCategory: 'SECURITY', referenceType: 'cpe23Type', referenceLocator };
}

function relationship(spdxElementId, relationshipType, relatedSpdxElement) {
  return { spdxElementId, relatedSpdxElement, relationshipType };
}

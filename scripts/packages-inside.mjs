import { readFileSync } from 'node:fs';
import { filesInside } from './esbuild.mjs';

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} version
 * @property {string} license an SPDX expression.
 * @property {string} directory
 * @property {readonly string[]} files the sources that are in the programs.
 */

/**
 * The npm packages whose code is in the programs, by the bundler's own account.
 *
 * @returns {Promise<readonly Package[]>} sorted by name.
 */
export async function packagesInside() {
  const byDirectory = Map.groupBy(await filesInside(), (file) => directoryOf(file));
  byDirectory.delete(undefined);
  // The functions that join the modules of a program are esbuild's.
  byDirectory.set('node_modules/esbuild', []);
  return [...byDirectory]
    .map(([directory, files]) => ({ ...manifestOf(directory), directory, files }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @returns undefined for a file of berth. */
function directoryOf(file) {
  return /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}

function manifestOf(directory) {
  const { name, version, license } = JSON.parse(readFileSync(`${directory}/package.json`, 'utf8'));
  return { name, version, license };
}

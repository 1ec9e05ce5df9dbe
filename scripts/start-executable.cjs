// The program in the single executable: does what start.cjs does, with files that are in the executable.
const { getAssetKeys, getRawAsset } = require('node:sea');
const { programFor } = require('./programs.cjs');
const { runProgram } = require('./run-program.cjs');

const name = programFor(process.argv.slice(2));
const compiled = `${name}-compiled`;
// An executable for another architecture than its builder's has nothing compiled.
const hasCompiled = getAssetKeys().includes(compiled);
const asset = (key) => Buffer.from(getRawAsset(key));
// The files are pure ASCII, and V8 keeps a text of Latin-1 in one byte for each character.
runProgram(name, asset(name).latin1Slice(), hasCompiled ? asset(compiled) : undefined);

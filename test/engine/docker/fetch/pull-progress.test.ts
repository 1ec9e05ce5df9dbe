import assert from 'node:assert/strict';
import test from 'node:test';
import { pullProgress, unpackProgress } from '../../../../src/engine/docker/fetch/pull-progress.ts';

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const blob = (digit: string, size: number) => ({ mediaType: '', digest: digestOf(digit), size });
const layer = (digit: string) => digit.repeat(12);

test('the bytes of docker’s messages are added up, and never decrease', () => {
  const arrived = pullProgress([blob('0', 10), blob('1', 1000), blob('2', 500)]);
  const steps = [
    [{ status: 'Pulling from app', id: 'app@sha256:…' }, 0],
    [{ status: 'Pulling fs layer', id: layer('1'), progressDetail: {} }, 0],
    [{ status: 'Downloading', id: layer('1'), progressDetail: { current: 300 } }, 300],
    [{ status: 'Already exists', id: layer('2'), progressDetail: {} }, 800],
    [{ status: 'Downloading', id: layer('1'), progressDetail: { current: 200 } }, 800],
    [{ status: 'Downloading', id: layer('1'), progressDetail: { current: 99_999 } }, 1500],
    [{ status: 'Download complete', id: layer('1'), progressDetail: { current: 1 } }, 1500],
    // What is unpacked has come already, and counts once.
    [{ status: 'Extracting', id: layer('1'), progressDetail: { current: 4000 } }, 1500],
    [{ status: 'Pull complete', id: layer('9'), progressDetail: {} }, 1500],
    [{ status: 'Status: Downloaded newer image' }, 1500],
  ] as const;
  for (const [line, expected] of steps) assert.equal(arrived(line), expected, line.status);
});

test('what docker has unpacked is added up, and seconds are no bytes', () => {
  const unpacked = unpackProgress([blob('1', 1000), blob('2', 500), blob('3', 200)]);
  const steps = [
    [{ status: 'Downloading', id: layer('1'), progressDetail: { current: 300 } }, 0],
    [{ status: 'Download complete', id: layer('1'), progressDetail: {} }, 0],
    [{ status: 'Extracting', id: layer('1'), progressDetail: { current: 400 } }, 400],
    [{ status: 'Extracting', id: layer('2'), progressDetail: { current: 7, units: 's' } }, 400],
    [{ status: 'Already exists', id: layer('3'), progressDetail: {} }, 600],
    [{ status: 'Extracting', id: layer('1'), progressDetail: { current: 99_999 } }, 1200],
    [{ status: 'Pull complete', id: layer('2'), progressDetail: {} }, 1700],
  ] as const;
  for (const [line, expected] of steps) assert.equal(unpacked(line), expected, line.status);
});

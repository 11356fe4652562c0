import { protocolVersion, readFromWorker, readToWorker } from '../../src/workers/messages';
import { endedCall } from '../support/ended-call';

const call = endedCall();
const lateness = { boundsMs: [1, Infinity], counts: [3, 4], total: 7, sumMs: 9 };
const report = { connected: true, calls: [call], lateness, unanswerable: 0, cpuSeconds: 1, memoryBytes: 2 };

test.each([
  { kind: 'ready', model: 'simulator', planHash: 'abc' },
  { kind: 'admit', call, routeCallsMax: undefined },
  { kind: 'admit', call, routeCallsMax: 4 },
  { kind: 'call-event', event: { kind: 'digit', digit: '1' }, call },
  { kind: 'report', report },
  { kind: 'failing' },
])('a message of a worker comes through the channel as it was: $kind', (message) => {
  const sent: unknown = structuredClone(message);
  expect(readFromWorker(sent)).toEqual(message);
});

test.each([
  undefined,
  null,
  'ready',
  { kind: 'toString' },
  { kind: 'ready', model: 'simulator' },
  { kind: 'admit', call: { callId: 7 } },
  { kind: 'admit', call, routeCallsMax: 'two' },
  { kind: 'call-event', event: {}, call },
  { kind: 'call-event', event: { kind: 'digit' } },
  { kind: 'report', report: { ...report, calls: [{}] } },
  { kind: 'report', report: { ...report, lateness: { ...lateness, counts: ['many'] } } },
  { kind: 'report', report: { ...report, memoryBytes: NaN } },
])('what no worker says is no message: %j', (message) => {
  expect(readFromWorker(message)).toBeUndefined();
});

const plan = {
  hash: 'abc',
  source: { names: [], reads: new Map(), secretNames: new Set(), variables: new Map(), secretFiles: new Map() },
};
const start = { protocol: protocolVersion, worker: 1, settings: {}, rtpPorts: {}, server: {}, plan };

test('a worker obeys its parent, and no other build of it', () => {
  expect(readToWorker({ kind: 'start', start })).toEqual({ kind: 'start', start });
  expect(readToWorker({ kind: 'use-plan', plan })).toEqual({ kind: 'use-plan', plan });
  const request = { kind: 'end', callId: 'call-1' };
  expect(readToWorker({ kind: 'supervise', question: 1, request })).toBeDefined();
  expect(readToWorker({ kind: 'supervise', question: 1, request: { kind: 'end' } })).toBeUndefined();
  expect(readToWorker({ kind: 'start', start: { ...start, protocol: protocolVersion + 1 } })).toBeUndefined();
  expect(readToWorker({ kind: 'use-plan', plan: { ...plan, source: {} } })).toBeUndefined();
  expect(readToWorker({ kind: 'drain', limitMs: -1 })).toBeUndefined();
  expect(readToWorker({ kind: 'admission' })).toBeUndefined();
});

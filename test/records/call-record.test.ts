import { callEndRecord, callStartRecord, crashEndRecord } from '../../src/records/call-record';
import { endedCall, refusedCall } from '../support/ended-call';

const atMs = Date.UTC(2026, 0, 5, 9, 1, 0, 500);

test('the start says who called whom and which model was on the line', () => {
  expect(callStartRecord(endedCall(), { atMs })).toEqual({
    type: 'call.start',
    version: 1,
    at: '2026-01-05T09:01:00.500Z',
    callId: 'call-1',
    sipCallId: 'abc@192.0.2.1',
    to: '+33123456789',
    from: '+33698765432',
    trunk: null,
    route: 'main',
    agent: 'reception',
    planHash: '0123456789ab',
    splits: [{ route: 'trial', percent: 20, point: 63.5 }],
    headers: { 'x-level': 'gold', 'x-account': null },
    sourceAddress: '192.0.2.1',
    model: 'simulator:receptionist',
    modelKind: 'simulator',
    startedAt: '2026-01-05T09:00:00.000Z',
  });
});

test('the end is the whole call', () => {
  const call = endedCall();
  expect(callEndRecord(call, { atMs })).toEqual({
    ...callStartRecord(call, { atMs }),
    type: 'call.end',
    answeredAt: '2026-01-05T09:00:00.400Z',
    firstAudioAt: '2026-01-05T09:00:00.650Z',
    signallingLostAt: null,
    endedAt: '2026-01-05T09:01:00.400Z',
    talkMs: 60_000,
    reason: call.endReason,
    blame: 'nobody',
    interruptions: 2,
    speechGaps: { count: 1, totalMs: 40 },
    tokens: call.tokens,
    modelConnectMs: 180,
    tools: [
      { name: 'lookup_order', outcome: 'done', failure: null, durationMs: 420 },
      { name: 'lookup_order', outcome: 'failed', failure: 'timed-out', durationMs: 8_000 },
    ],
    notes: ['The caller is called Ada.'],
    media: call.media,
    cost: call.cost,
    breaches: [],
    transfers: [],
    handoffs: [],
    supervisions: [],
  });
});

test('the end tells who handed the call over to whom', () => {
  const handoff = {
    from: 'reception',
    to: 'billing',
    atMs: 9_000,
    outcome: 'handed-off',
    session: 'new',
    why: 'voice',
    switchMs: 120,
  } as const;
  expect(callEndRecord(endedCall({ agent: 'billing', handoffs: [handoff] }), { atMs })).toMatchObject({
    agent: 'billing',
    handoffs: [handoff],
  });
});

test('a call that was never answered has a whole end as well, with nulls for what did not happen', () => {
  const text = JSON.stringify(callEndRecord(refusedCall(), { atMs }));
  expect(JSON.parse(text)).toMatchObject({
    type: 'call.end',
    answeredAt: null,
    firstAudioAt: null,
    talkMs: 0,
    model: null,
    media: null,
    reason: { kind: 'no-route' },
    blame: 'caller',
  });
});

test('every end has the same fields, in whatever way the call ended', () => {
  const fieldsOf = (record: object) => Object.keys(record).sort();
  const fields = fieldsOf(callEndRecord(endedCall(), { atMs }));
  expect(fieldsOf(callEndRecord(refusedCall(), { atMs }))).toEqual(fields);
  expect(fieldsOf(crashEndRecord(callStartRecord(endedCall(), { atMs }), { atMs }))).toEqual(fields);
});

test('a clock that went back gives no negative talk time', () => {
  expect(callEndRecord(endedCall({ endedAtMs: 0 }), { atMs }).talkMs).toBe(0);
});
